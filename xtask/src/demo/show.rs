//! Requests and answers for a person's eyes: passwords are hidden, what is long is cut.

use std::fmt::Write as _;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Request, StatusCode};
use serde_json::Value;

/// The headers of an answer that the journey is about.
const TOLD: [&str; 3] = ["x-session-token", "set-cookie", "retry-after"];
/// Characters of a text, and lines of a body, that are shown.
const LONG_TEXT: usize = 72;
const LONG_BODY: usize = 32;
/// What stands before every printed line.
const MARGIN: &str = "    ";

/// A request: verb, path, credential, body.
pub fn request(request: &Request) -> String {
    let query = request.url().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut shown = format!("{MARGIN}{} {}{query}\n", request.method(), request.url().path());
    for name in [AUTHORIZATION.as_str(), "cookie"] {
        if let Some(value) = request.headers().get(name).and_then(|value| value.to_str().ok()) {
            line(&mut shown, &format!("{name}: {}", cut(value)));
        }
    }
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    shown.push_str(&text(&String::from_utf8_lossy(body)));
    shown
}

/// An answer: status, the headers that matter here, body.
pub fn answer(status: StatusCode, headers: &HeaderMap, body: &str) -> String {
    let mut shown = format!("\n{MARGIN}{status}\n");
    for name in TOLD {
        for value in headers.get_all(name).iter().filter_map(|value| value.to_str().ok()) {
            line(&mut shown, &format!("{name}: {}", cut(value)));
        }
    }
    shown.push_str(&text(body));
    shown
}

fn line(shown: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(shown, "{MARGIN}{text}");
}

/// A body: JSON line by line, anything else as it is.
fn text(body: &str) -> String {
    let pretty = match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            tidy(&mut value);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) => body.to_owned(),
    };
    let mut shown = String::new();
    for text in pretty.lines().take(LONG_BODY) {
        line(&mut shown, text);
    }
    let more = pretty.lines().count().saturating_sub(LONG_BODY);
    if more > 0 {
        line(&mut shown, &format!("… and {more} more lines"));
    }
    shown
}

fn tidy(value: &mut Value) {
    match value {
        Value::String(text) => *text = cut(text),
        Value::Array(values) => values.iter_mut().for_each(tidy),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(secret) if name.contains("password") => "***".clone_into(secret),
                    value => tidy(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONG_TEXT {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONG_TEXT / 2).collect();
    format!("{start}… ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        let body = r#"{"a":[{"current_password":"one"}],"password":"two","password_enabled":true}"#;
        let shown = text(body);
        assert!(!shown.contains("one") && !shown.contains("two"), "{shown}");
        assert_eq!((shown.matches("***").count(), shown.matches("true").count()), (2, 1));
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(100)), format!("{}… (100 characters)", "é".repeat(36)));
        let many = serde_json::to_string(&vec![1; 100]).unwrap();
        assert!(text(&many).ends_with("    … and 70 more lines\n"));
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is() {
        assert_eq!(text("invalid credentials"), "    invalid credentials\n");
        assert_eq!(text(""), "");
    }
}
