//! Blanks out comments and the contents of strings, so that what stays is code on its own line.

/// The text with comments, strings and character literals replaced by blanks; line ends stay.
pub fn strip(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut stripper = Stripper { characters: &characters, at: 0, out: String::with_capacity(text.len()) };
    while stripper.step() {}
    stripper.out
}

struct Stripper<'a> {
    characters: &'a [char],
    at: usize,
    out: String,
}

impl Stripper<'_> {
    /// Takes the next piece; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(character) = self.peek(0) else {
            return false;
        };
        match (character, self.peek(1)) {
            ('/', Some('/')) => self.blank_line(),
            ('/', Some('*')) => self.blank_block(),
            ('"', _) => self.blank_string(),
            ('\'', _) => self.blank_character_or_keep_lifetime(),
            _ if is_word(character) => self.word(),
            _ => self.keep(),
        }
        true
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn keep(&mut self) {
        if let Some(character) = self.peek(0) {
            self.out.push(character);
            self.at += 1;
        }
    }

    fn blank(&mut self) {
        if let Some(character) = self.peek(0) {
            self.out.push(if character == '\n' { '\n' } else { ' ' });
            self.at += 1;
        }
    }

    fn blank_many(&mut self, count: usize) {
        for _ in 0..count {
            self.blank();
        }
    }

    fn blank_line(&mut self) {
        while self.peek(0).is_some_and(|character| character != '\n') {
            self.blank();
        }
    }

    fn blank_block(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return,
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.blank_many(2);
                }
                (Some('*'), Some('/')) => {
                    depth = depth.saturating_sub(1);
                    self.blank_many(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.blank(),
            }
        }
    }

    fn blank_string(&mut self) {
        self.blank();
        while let Some(character) = self.peek(0) {
            self.blank();
            match character {
                '\\' => self.blank(),
                '"' => return,
                _ => {}
            }
        }
    }

    fn blank_raw_string(&mut self, hashes: usize) {
        self.blank_many(hashes + 1);
        while let Some(character) = self.peek(0) {
            self.blank();
            if character == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.blank_many(hashes);
                return;
            }
        }
    }

    fn blank_character_or_keep_lifetime(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.blank_many(3);
                while self.peek(0).is_some_and(|character| character != '\'') {
                    self.blank();
                }
                self.blank();
            }
            (Some(_), Some('\'')) => self.blank_many(3),
            _ => self.keep(),
        }
    }

    /// Keeps a word, unless it is the prefix of a raw string.
    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.keep();
        }
        let word: String = self.characters.get(start..self.at).unwrap_or_default().iter().collect();
        if matches!(word.as_str(), "r" | "br" | "cr") {
            let hashes = (0..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
            if self.peek(hashes) == Some('"') {
                self.blank_raw_string(hashes);
            }
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::strip;

    fn words(text: &str) -> String {
        strip(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_blanked() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g\n/// h\n//! i\nj"), "a c g j");
    }

    #[test]
    fn strings_and_characters_are_blanked() {
        assert_eq!(words(r#"a("b // \" c", 'd', '\'', '\u{1f}') e"#), "a( , , , ) e");
        assert_eq!(words("r#\"a \" b\"# + br\"c\\\" d"), "r + br d");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_stay() {
        assert_eq!(words("fn f<'a>(x: &'a str, r#type: u8) {}"), "fn f<'a>(x: &'a str, r#type: u8) {}");
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "a\n/* b\nc */ d\n\"e\nf\" g";
        assert_eq!(strip(text).lines().count(), text.lines().count());
    }
}
