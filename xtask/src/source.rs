//! Rust sources as the checks read them: without comments, strings and test code, cut into tokens,
//! and the paths they name. Plain text is enough for this; nothing here resolves names.

mod paths;
mod strip;
mod tokens;

pub use paths::{NamedPath, named_paths};
pub use tokens::Token;

/// The tokens that are shipped: comments, strings and `#[cfg(test)]` items are left out.
pub fn shipped_tokens(text: &str) -> Vec<Token> {
    tokens::without_tests(&tokens::tokens(&strip::strip(text)))
}

/// Whether the documentation comments of a source hold an example that the doc tests would run.
pub fn has_doc_example(text: &str) -> bool {
    let mut inside = false;
    text.lines()
        .filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
        })
        .any(|line| opens_example(line, &mut inside))
}

/// The same for a Markdown file that is included as documentation.
pub fn has_markdown_example(text: &str) -> bool {
    let mut inside = false;
    text.lines().any(|line| opens_example(line, &mut inside))
}

/// Whether this line opens a code block of Rust that is compiled.
fn opens_example(line: &str, inside: &mut bool) -> bool {
    let Some(language) = line.trim().strip_prefix("```") else {
        return false;
    };
    if *inside {
        *inside = false;
        return false;
    }
    *inside = true;
    let words: Vec<&str> = language.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    let rust = ["rust", "no_run", "should_panic", "compile_fail"];
    !words.contains(&"ignore") && (words.is_empty() || words.iter().any(|word| rust.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rust_blocks_are_examples() {
        assert!(has_doc_example("/// Text.\n/// ```\n/// let a = 1;\n/// ```\nfn f() {}"));
        assert!(has_doc_example("//! ```no_run\n//! f();\n//! ```"));
        assert!(!has_doc_example("/// ```text\n/// a\n/// ```\nfn f() {}"));
        assert!(!has_doc_example("/// ```ignore\n/// a\n/// ```"));
        assert!(!has_doc_example("// ```\n// not documentation"));
        assert!(has_markdown_example("# Title\n```rust\nf();\n```"));
        assert!(!has_markdown_example("```sh\nmake run\n```"));
    }
}
