//! What the folders `domain`, `actions`, `http` and `store` of a service may name.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::Finding;
use crate::rulebook::Layer;
use crate::source::{NamedPath, Token, named_paths, shipped_tokens};
use crate::workspace::SourceFile;

/// Checks one file of a service; `libraries` are the crates its sources can name.
pub fn check(source: &SourceFile, libraries: &BTreeSet<String>, layers: &BTreeMap<String, Layer>) -> Vec<Finding> {
    let module = module_of(&source.path);
    let Some((name, layer)) = module.first().and_then(|folder| layers.get_key_value(folder)) else {
        return Vec::new();
    };
    if module.last().is_some_and(|last| last == "tests") {
        return Vec::new();
    }
    let tokens = shipped_tokens(&source.text);
    let mut found: Vec<Finding> = named_paths(&tokens, &module)
        .iter()
        .filter_map(|path| Some((path, objection(path, libraries, layer)?)))
        .map(|(path, reason)| finding(source, path.line, layer, format!("`{}`: {reason}", path.display()), name))
        .collect();
    if layer.synchronous {
        found.extend(
            asynchronous(&tokens)
                .map(|line| finding(source, line, layer, format!("{name}/ is not asynchronous"), name)),
        );
    }
    found.sort_by_key(|finding| finding.line);
    found.dedup();
    found
}

/// Why a layer may not name a path.
fn objection(path: &NamedPath, libraries: &BTreeSet<String>, layer: &Layer) -> Option<String> {
    if let Some(banned) = layer.never.iter().find(|banned| path.is_within(banned)) {
        return Some(format!("this folder never names `{banned}`"));
    }
    let only = layer.only.as_ref()?;
    // Any other first part is a module or type of the folder itself.
    let root = path.root();
    let is_outside = matches!(root, "crate" | "std" | "core" | "alloc") || libraries.contains(root);
    let is_allowed = only.iter().any(|allowed| path.is_within(allowed));
    (is_outside && !is_allowed).then(|| "not among what this folder may name".to_owned())
}

fn asynchronous(tokens: &[Token]) -> impl Iterator<Item = usize> + '_ {
    tokens.iter().filter(|token| matches!(token.word(), Some("async" | "await"))).map(|token| token.line)
}

/// Where a file stands in its crate: `services/auth/src/domain/user.rs` is `domain::user`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let mut module: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

fn finding(source: &SourceFile, line: usize, layer: &Layer, message: String, name: &str) -> Finding {
    let rule = match name {
        "domain" => "layer-domain",
        "actions" => "layer-actions",
        "http" => "layer-http",
        _ => "layer",
    };
    Finding { file: source.path.clone(), line: Some(line), rule, message, mend: layer.mend.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|entry| (*entry).to_owned()).collect()
    }

    fn layers() -> BTreeMap<String, Layer> {
        let only = ["std", "serde", "chrono", "uuid", "tessera_common::ids", "crate::domain"];
        let domain = Layer { only: Some(strings(&only)), synchronous: true, ..Layer::default() };
        let actions = Layer { never: strings(&["actix_web", "crate::http"]), ..Layer::default() };
        let http = Layer { never: strings(&["crate::store"]), ..Layer::default() };
        let named = [("domain", domain), ("actions", actions), ("http", http)];
        named.into_iter().map(|(name, layer)| (name.to_owned(), layer)).collect()
    }

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let source = SourceFile { path: format!("services/auth/src/{path}"), text: text.to_owned() };
        let libraries: BTreeSet<String> =
            strings(&["serde", "chrono", "uuid", "sqlx", "actix_web", "tessera_common", "tracing"])
                .into_iter()
                .collect();
        check(&source, &libraries, &layers()).iter().filter_map(|finding| finding.line).collect()
    }

    #[test]
    fn domain_names_pure_things_only() {
        let green = "use std::fmt;\nuse serde::{Deserialize, Serialize};\nuse tessera_common::ids;\n\
                     use super::user::User;\nuse crate::domain::code::Code;\nmod inner;\nuse inner::X;\n\
                     fn f() -> chrono::DateTime<chrono::Utc> { inner::g(); u64::MAX; User::new() }";
        assert_eq!(lines("domain/contact.rs", green), Vec::<usize>::new());

        let red = "use sqlx::Row;\nuse tessera_common::clock::Clock;\nuse crate::store::rows;\n\
                   #[derive(sqlx::Type)]\nstruct A;\nfn f() { tracing::info!(1); }\nuse super::super::actions;";
        assert_eq!(lines("domain/contact.rs", red), [1, 2, 3, 4, 6, 7]);
    }

    #[test]
    fn domain_is_synchronous() {
        assert_eq!(lines("domain/contact.rs", "fn a() {}\nasync fn b() { c().await }"), [2]);
    }

    #[test]
    fn domain_may_be_one_file() {
        assert_eq!(lines("domain.rs", "pub mod user;\npub use self::user::User;\nuse crate::config;"), [3]);
        assert_eq!(lines("domain/mod.rs", "pub use user::User;\nuse super::config;"), [2]);
    }

    #[test]
    fn actions_never_name_the_web() {
        let green = "use crate::domain::user::User;\nuse crate::store::user_rows;\nuse sqlx::Error;";
        assert_eq!(lines("actions/sign_up.rs", green), Vec::<usize>::new());
        let red = "use actix_web::{HttpResponse, web};\nuse crate::{domain, http::problems};";
        assert_eq!(lines("actions/sign_up.rs", red), [1, 1, 2]);
    }

    #[test]
    fn http_never_names_the_store() {
        assert_eq!(lines("http/user.rs", "use crate::actions::sign_up;"), Vec::<usize>::new());
        assert_eq!(lines("http/user.rs", "fn f() {\n    crate::store::user_rows::find()\n}"), [2]);
    }

    #[test]
    fn tests_and_comments_are_free() {
        let text = "// use sqlx::Row;\n#[cfg(test)]\nmod tests {\n    use sqlx::Row;\n}";
        assert_eq!(lines("domain/contact.rs", text), Vec::<usize>::new());
        assert_eq!(lines("domain/contact/tests.rs", "use sqlx::Row;"), Vec::<usize>::new());
    }

    #[test]
    fn other_folders_have_no_rule() {
        assert_eq!(lines("config.rs", "use sqlx::Row;"), Vec::<usize>::new());
    }
}
