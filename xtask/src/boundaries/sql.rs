//! SQL statements stand in the stores and nowhere else.

use crate::report::Finding;
use crate::rulebook::{PATH, Sql};
use crate::source::{NamedPath, named_paths, shipped_tokens};
use crate::workspace::SourceFile;

/// Checks one file of any crate.
pub fn check(source: &SourceFile, rule: &Sql) -> Vec<Finding> {
    if rule.allowed_in.iter().any(|pattern| matches(pattern, &source.path)) {
        return Vec::new();
    }
    named_paths(&shipped_tokens(&source.text), &[])
        .iter()
        .filter(|path| is_statement(path))
        .map(|path| Finding {
            file: source.path.clone(),
            line: Some(path.line),
            rule: "sql-in-store",
            message: format!("`{}` outside a store", path.display()),
            mend: format!("move the statement to the crate's store/ (the places are listed in {PATH})"),
        })
        .collect()
}

/// Whether a path of sqlx makes a statement.
fn is_statement(path: &NamedPath) -> bool {
    let mut segments = path.segments.iter().map(String::as_str);
    segments.next() == Some("sqlx")
        && segments.any(|name| name.starts_with("query") || matches!(name, "QueryBuilder" | "raw_sql" | "*"))
}

/// Whether a pattern covers a file: a closing `/` covers the folder, `*` any run within one name.
fn matches(pattern: &str, path: &str) -> bool {
    let (folder, is_folder) = match pattern.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (pattern, false),
    };
    let mut parts = path.split('/');
    let begins = folder.split('/').all(|wanted| parts.next().is_some_and(|part| name_matches(wanted, part)));
    begins && is_folder == parts.next().is_some()
}

fn name_matches(wanted: &str, name: &str) -> bool {
    match wanted.split_once('*') {
        None => wanted == name,
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let patterns = ["services/*/src/store/", "crates/storage/src/", "crates/tokens/src/*_rows.rs"];
        let rule = Sql { allowed_in: patterns.iter().map(|pattern| (*pattern).to_owned()).collect() };
        let source = SourceFile { path: path.to_owned(), text: text.to_owned() };
        check(&source, &rule).iter().filter_map(|finding| finding.line).collect()
    }

    #[test]
    fn statements_in_stores_are_green() {
        let text = "fn f() { sqlx::query(\"select 1\"); }";
        assert_eq!(lines("services/auth/src/store/user_rows.rs", text), Vec::<usize>::new());
        assert_eq!(lines("crates/storage/src/migrate.rs", text), Vec::<usize>::new());
        assert_eq!(lines("crates/tokens/src/key_rows.rs", text), Vec::<usize>::new());
    }

    #[test]
    fn statements_elsewhere_are_red() {
        let text = "use sqlx::{Row, query_as};\nfn f() { sqlx::query_scalar::<_, i64>(\"\"); }\nuse sqlx::*;";
        assert_eq!(lines("services/auth/src/actions/sign_up.rs", text), [1, 2, 3]);
        assert_eq!(lines("services/auth/src/store.rs", "use sqlx::QueryBuilder;"), [1]);
        assert_eq!(lines("crates/tokens/src/bearer.rs", "fn f() { sqlx::query!(1) }"), [1]);
    }

    #[test]
    fn other_names_of_sqlx_are_green() {
        assert_eq!(lines("services/auth/src/actions/a.rs", "use sqlx::Error;"), Vec::<usize>::new());
    }
}
