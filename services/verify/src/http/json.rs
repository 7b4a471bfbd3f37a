//! JSON as it came: looked at without being changed, so that what is echoed keeps its members' order, its numbers and its blanks.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use tessera_common::dialect::Accident;
use tessera_common::dialect::verification::Detail;

/// Reads a document and looks at all of it: no member occurs twice in its object, every string is Unicode.
///
/// # Errors
/// [`Accident::Malformed`].
pub fn document(text: &str) -> Result<&RawValue, Accident> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| Accident::Malformed)?;
    check(raw).map_err(|_| Accident::Malformed)?;
    Ok(raw)
}

fn check(raw: &RawValue) -> serde_json::Result<()> {
    match Kind::of(raw) {
        Kind::Object => Object::of(raw)?.0.into_values().try_for_each(check),
        Kind::Array => serde_json::from_str::<Vec<&RawValue>>(raw.get())?.into_iter().try_for_each(check),
        Kind::Text => serde_json::from_str::<String>(raw.get()).map(drop),
        Kind::Number | Kind::Other => Ok(()),
    }
}

/// How deep a value nests: 0 for one that holds no other.
pub fn depth(raw: &RawValue) -> usize {
    let inner: Vec<&RawValue> = match Kind::of(raw) {
        Kind::Object => Object::of(raw).map(|object| object.0.into_values().collect()).unwrap_or_default(),
        Kind::Array => serde_json::from_str(raw.get()).unwrap_or_default(),
        _ => return 0,
    };
    1 + inner.into_iter().map(depth).max().unwrap_or_default()
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    Text,
    Number,
    /// `true`, `false` or `null`.
    Other,
}

impl Kind {
    /// The kind of a value, by its first character.
    pub fn of(raw: &RawValue) -> Self {
        match raw.get().bytes().next() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::Text,
            Some(b'-' | b'0'..=b'9') => Self::Number,
            _ => Self::Other,
        }
    }
}

/// The members of an object.
#[derive(Debug, Default)]
pub struct Object<'a>(HashMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    fn of(raw: &'a RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(raw.get())
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if object.0.insert(name, value).is_some() {
                return Err(A::Error::custom("a member occurs twice"));
            }
        }
        Ok(object)
    }
}

/// Whether a member has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
}

/// Reads members and collects every problem. A member is named by its dotted path, of which the last part is its name in `object`.
#[derive(Debug, Default)]
pub struct Reader(Vec<Detail>);

impl Reader {
    /// One more problem.
    pub fn wrong(&mut self, path: &'static str, error: &'static str) {
        self.0.push(Detail { path, error });
    }

    /// All problems so far.
    pub fn problems(self) -> Vec<Detail> {
        self.0
    }

    /// A member, whatever it is.
    pub fn member<'a>(&mut self, object: &Object<'a>, path: &'static str, need: Need) -> Option<&'a RawValue> {
        let found = object.get(path.rsplit('.').next().unwrap_or(path));
        if found.is_none() && need == Need::Required {
            self.wrong(path, "is required");
        }
        found
    }

    /// A value that is to be an object.
    pub fn as_object<'a>(&mut self, raw: &'a RawValue, path: &'static str) -> Option<Object<'a>> {
        let object = Object::of(raw).ok();
        if object.is_none() {
            self.wrong(path, "must be an object");
        }
        object
    }

    /// A member that is an object.
    pub fn object<'a>(&mut self, object: &Object<'a>, path: &'static str, need: Need) -> Option<Object<'a>> {
        let found = self.member(object, path, need)?;
        self.as_object(found, path)
    }

    /// A member that is a text with something in it, and without NUL, which databases and mail cannot carry.
    pub fn text(&mut self, object: &Object<'_>, path: &'static str, need: Need) -> Option<String> {
        let raw = self.member(object, path, need)?;
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
            self.wrong(path, "must be a string");
            return None;
        };
        let problem = match text.as_str() {
            "" => "is not allowed to be empty",
            text if text.contains('\0') => "must not contain NUL",
            _ => return Some(text),
        };
        self.wrong(path, problem);
        None
    }

    /// A text that goes into one line of a mail's header.
    pub fn line(&mut self, object: &Object<'_>, path: &'static str) -> Option<String> {
        let text = self.text(object, path, Need::Optional)?;
        if text.chars().any(char::is_control) {
            self.wrong(path, "must not contain control characters");
            return None;
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_in_two_ways_is_malformed() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"[{"a":1,"\u0061":2}]"#,
            r#"{"a":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            "{",
            "",
            "{} {}",
            "\u{feff}{}",
            "nul",
        ] {
            assert!(document(text).is_err(), "{text}");
        }
        for text in ["{}", "[]", "null", r#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#, "1e400", r#""\ud83d\ude00""#] {
            assert!(document(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn depth_counts_what_holds_something() {
        for (text, expected) in [("1", 0), ("\"[[\"", 0), ("{}", 1), ("[[]]", 2), (r#"{"a":[{"b":1},2]}"#, 3)] {
            assert_eq!(document(text).map(depth).ok(), Some(expected), "{text}");
        }
    }
}
