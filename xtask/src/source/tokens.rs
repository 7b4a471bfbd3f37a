//! Words and signs of a stripped source, each with its line.

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its line, counted from one.
    pub line: usize,
    /// What it is.
    pub kind: TokenKind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier, keyword or number.
    Word(String),
    /// `::`.
    PathSeparator,
    /// Any other sign.
    Sign(char),
}

impl Token {
    /// Its text, if it is a word.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it is this sign.
    pub fn is_sign(&self, sign: char) -> bool {
        self.kind == TokenKind::Sign(sign)
    }

    /// Whether it is `::`.
    pub fn is_separator(&self) -> bool {
        self.kind == TokenKind::PathSeparator
    }
}

/// Cuts a stripped source into tokens.
pub fn tokens(stripped: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, text) in stripped.lines().enumerate() {
        let line = index + 1;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let kind = if character.is_alphanumeric() || character == '_' {
                let mut word = String::from(character);
                while let Some(next) = characters.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(next);
                }
                TokenKind::Word(word)
            } else if character == ':' && characters.next_if_eq(&':').is_some() {
                TokenKind::PathSeparator
            } else if character.is_whitespace() {
                continue;
            } else {
                TokenKind::Sign(character)
            };
            found.push(Token { line, kind });
        }
    }
    found
}

/// The tokens without the items that only tests are built with.
pub fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(all.len());
    let mut rest = all;
    while let Some((first, after)) = rest.split_first() {
        if first.is_sign('#')
            && let Some((attribute, behind)) = attribute(after)
            && is_test_attribute(attribute)
        {
            rest = skip_item(behind);
            continue;
        }
        kept.push(first.clone());
        rest = after;
    }
    kept
}

/// Splits `[…]` off, which follows the `#` of an outer attribute.
fn attribute(after_hash: &[Token]) -> Option<(&[Token], &[Token])> {
    if !after_hash.first()?.is_sign('[') {
        return None;
    }
    let mut depth = 0_usize;
    let end = after_hash.iter().position(|token| {
        if token.is_sign('[') {
            depth += 1;
        } else if token.is_sign(']') {
            depth -= 1;
        }
        depth == 0
    })?;
    after_hash.split_at_checked(end + 1)
}

/// `cfg(test)`, alone or within `all(…)`, but not negated; and `test` itself.
fn is_test_attribute(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().filter_map(Token::word).collect();
    match words.as_slice() {
        ["cfg", condition @ ..] => condition.contains(&"test") && !condition.contains(&"not"),
        [.., last] => *last == "test",
        [] => false,
    }
}

/// What follows an item: behind its `;` or behind its closing brace.
fn skip_item(mut rest: &[Token]) -> &[Token] {
    while let Some((attribute_start, after)) = rest.split_first() {
        match attribute(after) {
            Some((_, behind)) if attribute_start.is_sign('#') => rest = behind,
            _ => break,
        }
    }
    let mut depth = 0_usize;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        if let TokenKind::Sign(sign) = token.kind {
            match sign {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && (sign == ';' || sign == '}') {
                return rest;
            }
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped_words(text: &str) -> Vec<String> {
        without_tests(&tokens(text)).iter().filter_map(|t| t.word().map(str::to_owned)).collect()
    }

    #[test]
    fn signs_words_and_lines() {
        let found = tokens("use a::b;\nc:d");
        assert_eq!(found.len(), 8);
        assert!(found[2].is_separator());
        assert_eq!((found[5].word(), found[5].line), (Some("c"), 2));
    }

    #[test]
    fn test_items_are_left_out() {
        let text = "fn a() {} #[cfg(test)] mod tests { fn b() { c(); } } fn d() {}";
        assert_eq!(shipped_words(text), ["fn", "a", "fn", "d"]);
        let text = "#[cfg(test)] use x; #[cfg(all(test, unix))] #[path] mod y; fn d() {}";
        assert_eq!(shipped_words(text), ["fn", "d"]);
        assert_eq!(shipped_words("#[tokio::test] async fn a() { b() } fn d() {}"), ["fn", "d"]);
    }

    #[test]
    fn other_attributes_stay() {
        assert!(shipped_words("#[cfg(not(test))] fn a() {}").contains(&"a".to_owned()));
        assert!(shipped_words("#[derive(sqlx::Type)] struct A;").contains(&"sqlx".to_owned()));
    }
}
