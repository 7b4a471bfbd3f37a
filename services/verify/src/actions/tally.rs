//! Verifications, verdicts and messages that came too late, as numbers for an operator.

use std::sync::LazyLock;

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};
use tessera_common::telemetry::METER;

use crate::domain::message::Channel;
use crate::domain::method::Method;

static BEGUN: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter(METER)
        .u64_counter("tessera.verifications.begun")
        .with_unit("{verification}")
        .with_description("Verifications that began, by method")
        .build()
});

static ANSWERS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter(METER)
        .u64_counter("tessera.verifications.answers")
        .with_unit("{answer}")
        .with_description("Answers to verifications, by method and what they were worth")
        .build()
});

static EXPIRED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter(METER)
        .u64_counter("tessera.deliveries.expired")
        .with_unit("{message}")
        .with_description("Messages that were not sent while their code was worth something, by channel")
        .build()
});

/// A verification began.
pub fn begun(method: Method) {
    BEGUN.add(1, &[KeyValue::new("verify.method", method.name())]);
}

/// An answer was worth `verdict`: one of a few words. Who answers to a verification of a sibling that there is not, names no method.
pub fn answered(method: Option<Method>, verdict: &'static str) {
    let method = method.map_or("unknown", Method::name);
    ANSWERS.add(1, &[KeyValue::new("verify.method", method), KeyValue::new("verify.verdict", verdict)]);
}

/// So many messages of a channel were not sent while their code was worth something.
pub fn expired(channel: Channel, number: u64) {
    EXPIRED.add(number, &[KeyValue::new("verify.channel", channel.name())]);
}
