//! The paths a source names, in `use` declarations and in its code, made absolute where they begin
//! with `crate`, `self` or `super`.

use super::tokens::Token;

/// A path as it is named at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// Its parts, such as `["crate", "domain", "user"]`.
    pub segments: Vec<String>,
    /// Its line, counted from one.
    pub line: usize,
}

impl NamedPath {
    /// Its first part.
    pub fn root(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// Whether it is this path or lies below it.
    pub fn is_within(&self, prefix: &str) -> bool {
        let mut segments = self.segments.iter();
        prefix.split("::").all(|part| segments.next().is_some_and(|segment| segment == part))
    }

    /// The path as it is written.
    pub fn display(&self) -> String {
        self.segments.join("::")
    }
}

/// All paths of at least two parts, and all `use` declarations. `module` is where the file stands in
/// its crate, such as `["domain", "user"]`.
pub fn named_paths(tokens: &[Token], module: &[String]) -> Vec<NamedPath> {
    let mut reader = Reader { rest: tokens, module: module.to_vec(), open: Vec::new(), found: Vec::new() };
    while reader.step() {}
    reader.found
}

struct Reader<'a> {
    rest: &'a [Token],
    module: Vec<String>,
    /// The open braces, and whether each is that of an inline module.
    open: Vec<bool>,
    found: Vec<NamedPath>,
}

impl Reader<'_> {
    fn step(&mut self) -> bool {
        let Some(token) = self.next() else {
            return false;
        };
        match token.word() {
            Some("use") if !self.peek_sign('<') => self.declaration(Vec::new()),
            Some("mod") => self.module(),
            Some(word) => self.path(word.to_owned(), token.line),
            None if token.is_sign('{') => self.open.push(false),
            None if token.is_sign('}') => self.close(),
            None => {}
        }
        true
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first.clone())
    }

    fn peek_sign(&self, sign: char) -> bool {
        self.rest.first().is_some_and(|token| token.is_sign(sign))
    }

    fn skip_sign(&mut self, sign: char) -> bool {
        let found = self.peek_sign(sign);
        if found {
            drop(self.next());
        }
        found
    }

    /// An inline module moves `self` and `super` one step down.
    fn module(&mut self) {
        if let [name, brace, rest @ ..] = self.rest
            && let Some(name) = name.word()
            && brace.is_sign('{')
        {
            self.module.push(name.to_owned());
            self.open.push(true);
            self.rest = rest;
        }
    }

    fn close(&mut self) {
        if self.open.pop() == Some(true) {
            self.module.pop();
        }
    }

    /// The rest of a path in the code; a single name is not a path.
    fn path(&mut self, first: String, line: usize) {
        let mut segments = vec![first];
        while let [separator, next, rest @ ..] = self.rest
            && separator.is_separator()
            && let Some(word) = next.word()
        {
            segments.push(word.to_owned());
            self.rest = rest;
        }
        if segments.len() > 1 {
            self.record(segments, line);
        }
    }

    /// One tree of a `use` declaration, `prefix` being what stands before its braces.
    fn declaration(&mut self, prefix: Vec<String>) {
        let mut segments = prefix;
        while let Some(token) = self.rest.first().cloned() {
            if let Some(word) = token.word() {
                drop(self.next());
                if word == "as" {
                    drop(self.next());
                } else {
                    segments.push(word.to_owned());
                }
                let goes_on = |next: &Token| next.is_separator() || next.word() == Some("as");
                if !self.rest.first().is_some_and(goes_on) {
                    return self.record(segments, token.line);
                }
            } else if token.is_separator() {
                drop(self.next());
            } else if token.is_sign('*') {
                drop(self.next());
                segments.push("*".to_owned());
                return self.record(segments, token.line);
            } else if token.is_sign('{') {
                drop(self.next());
                return self.group(&segments);
            } else {
                return;
            }
        }
    }

    fn group(&mut self, prefix: &[String]) {
        while !self.rest.is_empty() && !self.skip_sign('}') {
            let before = self.rest.len();
            self.declaration(prefix.to_vec());
            self.skip_sign(',');
            if self.rest.len() == before {
                drop(self.next());
            }
        }
    }

    fn record(&mut self, mut segments: Vec<String>, line: usize) {
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        self.found.push(NamedPath { segments: self.absolute(segments), line });
    }

    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        let from_self = segments.first().is_some_and(|first| first == "self");
        if supers == 0 && !from_self {
            return segments;
        }
        let keep = self.module.len().saturating_sub(supers);
        let skip = if from_self { 1 } else { supers };
        std::iter::once("crate".to_owned())
            .chain(self.module.iter().take(keep).cloned())
            .chain(segments.into_iter().skip(skip))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::shipped_tokens;
    use super::*;

    fn paths(text: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        named_paths(&shipped_tokens(text), &module).iter().map(NamedPath::display).collect()
    }

    #[test]
    fn trees_are_spelled_out() {
        let text = "pub use a::{b, c::{self, d as e}, f::*};\nuse ::g::h as _;\nuse i;";
        assert_eq!(paths(text, &[]), ["a::b", "a::c", "a::c::d", "a::f::*", "g::h", "i"]);
    }

    #[test]
    fn paths_in_code_count_from_two_parts_on() {
        let text = "fn a(x: b::C) -> d::E<f::G> { h(); i::<u8>(); x.j::<k::L>(); <M as n::O>::p() }";
        assert_eq!(paths(text, &[]), ["b::C", "d::E", "f::G", "k::L", "n::O"]);
    }

    #[test]
    fn relative_paths_become_absolute() {
        let module = ["domain", "user"];
        assert_eq!(paths("use super::code::Code;", &module), ["crate::domain::code::Code"]);
        assert_eq!(paths("use super::super::http::x;", &module), ["crate::http::x"]);
        assert_eq!(paths("use self::inner::X;", &module), ["crate::domain::user::inner::X"]);
        let inline = "mod inner { use super::super::Y; fn f() {} }\nuse super::Z;";
        assert_eq!(paths(inline, &module), ["crate::domain::Y", "crate::domain::Z"]);
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        let text = "// use a::b;\nconst C: &str = \"d::e\";\n#[cfg(test)]\nmod tests { use f::g; }";
        assert_eq!(paths(text, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_path_knows_what_it_lies_within() {
        let path = NamedPath { segments: vec!["sqlx".into(), "query_as".into()], line: 1 };
        assert!(path.is_within("sqlx"));
        assert!(path.is_within("sqlx::query_as"));
        assert!(!path.is_within("sql"));
        assert!(!path.is_within("sqlx::query"));
    }
}
