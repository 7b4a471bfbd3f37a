//! Bodies that nobody would write: valid ones, and what is done to them.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tessera_testkit::{Value, json};

/// How many bodies for each path.
const BODIES: &str = "TESSERA_TEST_BODIES";
/// Which.
const SEED: &str = "TESSERA_TEST_BODIES_SEED";

/// Damaged bodies: the same ones for the same seed. If the test fails while these are held, they say which it was.
pub struct Bodies {
    runner: TestRunner,
    seed: u64,
    /// How many for each path.
    pub number: u64,
}

impl Bodies {
    /// As many as the environment says, from the seed that it names.
    pub fn of_environment() -> Self {
        let (number, seed) = (setting(BODIES).unwrap_or(150), setting(SEED).unwrap_or_default());
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self { runner: TestRunner::new_with_rng(Config::default(), random), seed, number }
    }

    /// A valid body with up to three damages.
    pub fn next(&mut self, valid: &Value) -> Vec<u8> {
        let damages = vec(damage(), 0..4).new_tree(&mut self.runner).expect("damages").current();
        damaged(valid.clone(), damages)
    }
}

impl Drop for Bodies {
    #[expect(clippy::print_stderr, reason = "for whoever reads why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{SEED}={} {BODIES}={} makes these bodies again", self.seed, self.number);
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Texts that have a meaning somewhere, or nearly.
fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        " ",
        "a@example.org",
        "a@b@c",
        "+4915112345678",
        "+0",
        "00:00:01",
        "-01:00:00",
        "99999999999:00:00",
        "PT1H",
        "P30D",
        "1.00:00:00",
        "DIGITS",
        "\u{0}",
        "\r\nBcc: x@example.org",
        "{{{CODE}}}",
        "{{{VERIFICATION_ID}}}",
        "٣٤٥",
        "\u{202e}",
        "1e9",
        "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f",
        "DC910AE0-7C67-4ACE-8EBB-9EDD4B5D8B0F",
        "{dc910ae0}",
    ]);
    prop_oneof![known.prop_map(str::to_owned), ".{0,40}", "[a-z]{600}"]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), select(vec![i64::MIN, -1, 0, 1, 32, 33, i64::MAX])]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(9, 64, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// What is done to a valid body.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, Value),
    /// A text by another one, a number by another one: what comes after the form is looked at, too.
    Alike(Index, String, i64),
    Remove(Index),
    Byte(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (any::<Index>(), value()).prop_map(|(at, value)| Damage::Replace(at, value)),
        6 => (any::<Index>(), text(), number()).prop_map(|(at, text, number)| Damage::Alike(at, text, number)),
        3 => any::<Index>().prop_map(Damage::Remove),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

/// The paths of all members, as JSON pointers.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(array) => array.iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect(),
        _ => return,
    };
    for (name, value) in inner {
        let path = format!("{at}/{name}");
        members(value, &path, found);
        found.push(path);
    }
}

fn damaged(mut body: Value, damages: Vec<Damage>) -> Vec<u8> {
    let mut bytes = None;
    for damage in damages {
        let mut paths = Vec::new();
        members(&body, "", &mut paths);
        let text = || serde_json::to_vec(&body).expect("JSON");
        match damage {
            Damage::Replace(at, value) if !paths.is_empty() => {
                let path: &String = at.get(&paths);
                *body.pointer_mut(path).expect("a member") = value;
            }
            Damage::Alike(at, text, number) => {
                paths.retain(|path| body.pointer(path).is_some_and(|value| value.is_string() || value.is_number()));
                if let Some(value) = paths.get(at.index(paths.len().max(1))).and_then(|path| body.pointer_mut(path)) {
                    *value = if value.is_string() { Value::from(text) } else { Value::from(number) };
                }
            }
            Damage::Remove(at) if !paths.is_empty() => {
                let path: &String = at.get(&paths);
                let (parent, name) = path.rsplit_once('/').expect("a path");
                if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
                    parent.remove(name);
                }
            }
            Damage::Replace(_, value) => body = value,
            Damage::Remove(_) => {}
            Damage::Byte(at, byte) => {
                let mut all = bytes.take().unwrap_or_else(text);
                let at = at.index(all.len().max(1));
                if let Some(place) = all.get_mut(at) {
                    *place = byte;
                }
                bytes = Some(all);
            }
            Damage::Cut(at) => {
                let mut all = bytes.take().unwrap_or_else(text);
                all.truncate(at.index(all.len() + 1));
                bytes = Some(all);
            }
            Damage::Insert(at, more) => {
                let mut all = bytes.take().unwrap_or_else(text);
                let at = at.index(all.len() + 1);
                all.splice(at..at, more);
                bytes = Some(all);
            }
        }
    }
    bytes.unwrap_or_else(|| serde_json::to_vec(&body).expect("JSON"))
}
