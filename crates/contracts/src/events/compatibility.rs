//! The published language only grows: old consumers read new events, new consumers old ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use prost::Message;
use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use protox::prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
};

/// What this build compiled from `proto/`.
const PRESENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.binpb"));

/// Set to 1, it takes a compatible change over into the committed set.
const UPDATE: &str = "TESSERA_UPDATE";

#[test]
fn the_committed_descriptor_set_is_the_compiled_one_and_the_language_only_grew() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/descriptor.binpb");
    let update = env::var(UPDATE).is_ok_and(|value| value == "1");
    let committed = match fs::read(&file) {
        Ok(committed) => committed,
        Err(_) if update => Vec::new(),
        Err(error) => panic!("proto/descriptor.binpb: {error}; run this test with {UPDATE}=1"),
    };
    let breaks = incompatible(&decoded(&committed), &decoded(PRESENT));
    assert!(breaks.is_empty(), "proto/ breaks what is published:\n{}", breaks.join("\n"));
    if committed != PRESENT {
        assert!(update, "proto/ and proto/descriptor.binpb differ: run this test with {UPDATE}=1 and commit the file");
        fs::write(&file, PRESENT).unwrap();
    }
}

fn decoded(bytes: &[u8]) -> FileDescriptorSet {
    FileDescriptorSet::decode(bytes).expect("a descriptor set")
}

/// Everything in `present` that a reader or writer of `committed` could not live with, in words.
fn incompatible(committed: &FileDescriptorSet, present: &FileDescriptorSet) -> Vec<String> {
    let (before, after) = (Language::of(committed), Language::of(present));
    let mut breaks = Vec::new();
    for (name, message) in &before.messages {
        match after.messages.get(name) {
            None => breaks.push(format!("message {name} is gone")),
            Some(now) => compare_messages(name, message, now, &mut breaks),
        }
    }
    for (name, values) in &before.enums {
        match after.enums.get(name) {
            None => breaks.push(format!("enum {name} is gone")),
            Some(now) => compare_enums(name, values, now, &mut breaks),
        }
    }
    breaks
}

/// The messages and enums of a set by full name, those inside of others too.
#[derive(Default)]
struct Language<'a> {
    messages: BTreeMap<String, &'a DescriptorProto>,
    enums: BTreeMap<String, &'a EnumDescriptorProto>,
}

impl<'a> Language<'a> {
    fn of(set: &'a FileDescriptorSet) -> Self {
        let mut language = Self::default();
        for file in &set.file {
            language.add(file.package(), &file.message_type, &file.enum_type);
        }
        language
    }

    fn add(&mut self, scope: &str, messages: &'a [DescriptorProto], enums: &'a [EnumDescriptorProto]) {
        self.enums.extend(enums.iter().map(|found| (format!("{scope}.{}", found.name()), found)));
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.add(&name, &message.nested_type, &message.enum_type);
            self.messages.insert(name, message);
        }
    }
}

fn compare_messages(name: &str, before: &DescriptorProto, after: &DescriptorProto, breaks: &mut Vec<String>) {
    for field in &before.field {
        let number = field.number();
        match after.field.iter().find(|now| now.number() == number) {
            Some(now) if shape(now) == shape(field) => {}
            Some(now) => {
                breaks.push(format!("{name}: field {number} was {:?} and is {:?}", shape(field), shape(now)));
            }
            None if is_reserved(after, field) => {}
            None => breaks.push(format!(
                "{name}: field {number} ({}) is gone without its number and name being reserved",
                field.name()
            )),
        }
    }
    for range in &before.reserved_range {
        for number in range.start()..range.end() {
            if !reserves(after, number) {
                breaks.push(format!("{name}: number {number} is no longer reserved"));
            }
        }
    }
}

/// What of a field must not change: with the same name another meaning is unlikely, with another it is likely.
fn shape(field: &FieldDescriptorProto) -> (&str, Type, &str, Label, bool, bool) {
    let in_oneof = field.oneof_index.is_some() && !field.proto3_optional();
    (field.name(), field.r#type(), field.type_name(), field.label(), field.proto3_optional(), in_oneof)
}

fn is_reserved(message: &DescriptorProto, field: &FieldDescriptorProto) -> bool {
    reserves(message, field.number()) && message.reserved_name.iter().any(|name| name == field.name())
}

fn reserves(message: &DescriptorProto, number: i32) -> bool {
    message.reserved_range.iter().any(|range| (range.start()..range.end()).contains(&number))
}

fn compare_enums(name: &str, before: &EnumDescriptorProto, after: &EnumDescriptorProto, breaks: &mut Vec<String>) {
    for value in &before.value {
        let number = value.number();
        // Unlike those of messages, reserved ranges of enums include their end.
        let reserved = after.reserved_range.iter().any(|range| (range.start()..=range.end()).contains(&number));
        match after.value.iter().find(|now| now.number() == number) {
            Some(now) if now.name() == value.name() => {}
            Some(now) => breaks.push(format!("{name}: {number} was {} and is {}", value.name(), now.name())),
            None if reserved => {}
            None => breaks.push(format!("{name}: {number} ({}) is gone without being reserved", value.name())),
        }
    }
}

/// Compiles `text` as the only file of a language.
fn language(text: &str) -> FileDescriptorSet {
    let folder = env::temp_dir().join(format!("tessera-proto-{}-{:p}", std::process::id(), text));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("test.proto");
    fs::write(&file, format!("syntax = \"proto3\"; package test.v1; {text}")).unwrap();
    let compiled = protox::compile([&file], [&folder]);
    fs::remove_dir_all(&folder).unwrap();
    compiled.unwrap()
}

fn breaks(before: &str, after: &str) -> Vec<String> {
    incompatible(&language(before), &language(after))
}

const USER: &str = "message User { string id = 1; optional string name = 2; Status status = 3; } \
                    enum Status { UNKNOWN = 0; ACTIVE = 1; }";

#[test]
fn what_stays_or_grows_is_compatible() {
    assert!(breaks(USER, USER).is_empty());
    let grown = "message User { string id = 1; optional string name = 2; Status status = 3; int64 age = 4; } \
                 message Other {} enum Status { UNKNOWN = 0; ACTIVE = 1; GONE = 2; }";
    assert!(breaks(USER, grown).is_empty());
}

#[test]
fn a_removed_field_must_leave_its_number_and_name_reserved() {
    let enums = "enum Status { UNKNOWN = 0; ACTIVE = 1; }";
    let gone =
        |rest: &str| breaks(USER, &format!("message User {{ string id = 1; Status status = 3; {rest} }} {enums}"));
    assert_eq!(gone(""), ["test.v1.User: field 2 (name) is gone without its number and name being reserved"]);
    assert_eq!(gone("reserved 2;").len(), 1);
    assert_eq!(gone("reserved \"name\";").len(), 1);
    assert!(gone("reserved 2; reserved \"name\";").is_empty());
}

#[test]
fn a_reserved_number_stays_reserved() {
    let (before, after) = ("message A { reserved 4 to 5; }", "message A { reserved 4; string again = 5; }");
    assert_eq!(breaks(before, after), ["test.v1.A: number 5 is no longer reserved"]);
}

#[test]
fn a_number_keeps_its_name_type_and_label() {
    for changed in [
        "optional string b = 1;",
        "repeated string a = 1;",
        "bytes a = 1;",
        "string b = 1;",
        "oneof o { string a = 1; }",
    ] {
        assert_eq!(breaks("message A { string a = 1; }", &format!("message A {{ {changed} }}")).len(), 1, "{changed}");
    }
    let (before, after) =
        ("message A { B b = 1; } message B {} message C {}", "message A { C b = 1; } message B {} message C {}");
    assert_eq!(breaks(before, after).len(), 1, "another message in the same place");
}

#[test]
fn messages_and_enums_stay_also_inside_of_others() {
    assert_eq!(
        breaks("message A { message B {} } message C {}", "message A {}"),
        ["message test.v1.A.B is gone", "message test.v1.C is gone"]
    );
    assert_eq!(breaks("enum E { ZERO = 0; }", ""), ["enum test.v1.E is gone"]);
}

#[test]
fn values_of_enums_keep_their_names() {
    let before = "enum E { ZERO = 0; ONE = 1; TWO = 2; }";
    assert_eq!(breaks(before, "enum E { ZERO = 0; UNO = 1; TWO = 2; }"), ["test.v1.E: 1 was ONE and is UNO"]);
    assert_eq!(breaks(before, "enum E { ZERO = 0; TWO = 2; }"), ["test.v1.E: 1 (ONE) is gone without being reserved"]);
    assert!(breaks(before, "enum E { ZERO = 0; TWO = 2; reserved 1; }").is_empty());
}
