//! An envelope as an AMQP message: the `CloudEvents` attributes are headers, the body is the event.

use chrono::{DateTime, SecondsFormat, Utc};
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_common::random::Random;
use uuid::Uuid;

use crate::envelope::Envelope;

const SPEC_VERSION: &str = "cloudEvents:specversion";
const ID: &str = "cloudEvents:id";
const SOURCE: &str = "cloudEvents:source";
const TYPE: &str = "cloudEvents:type";
const SUBJECT: &str = "cloudEvents:subject";
const TIME: &str = "cloudEvents:time";
/// An extension attribute: the version of the subject.
const VERSION: &str = "cloudEvents:version";
const TRACE: &str = "traceparent";

/// Why the broker gave a message up, in its own word.
const DEATH: &str = "x-first-death-reason";

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Everything but the body.
pub(super) fn properties(envelope: &Envelope) -> BasicProperties {
    let text = |value: String| AMQPValue::LongString(value.into());
    let mut headers = FieldTable::default();
    headers.insert(SPEC_VERSION.into(), text("1.0".to_owned()));
    headers.insert(ID.into(), text(envelope.id.to_string()));
    headers.insert(SOURCE.into(), text(envelope.source.clone()));
    headers.insert(TYPE.into(), text(envelope.event_type.clone()));
    headers.insert(SUBJECT.into(), text(envelope.aggregate.to_string()));
    headers.insert(TIME.into(), text(envelope.time.to_rfc3339_opts(SecondsFormat::Micros, true)));
    headers.insert(VERSION.into(), AMQPValue::LongLongInt(envelope.version));
    if let Some(trace) = &envelope.trace {
        headers.insert(TRACE.into(), text(trace.clone()));
    }
    BasicProperties::default()
        .with_message_id(envelope.id.to_string().into())
        .with_content_type("application/protobuf".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

/// What arrived, each part if it can be read.
#[derive(Clone)]
pub(super) struct Arrived {
    id: Option<Uuid>,
    source: Option<String>,
    event_type: Option<String>,
    aggregate: Option<Uuid>,
    version: Option<i64>,
    time: Option<Timestamp>,
    trace: Option<String>,
    body: Vec<u8>,
    routing_key: String,
    death: Option<String>,
}

impl Arrived {
    pub(super) fn of(delivery: &mut Delivery) -> Self {
        let empty = FieldTable::default();
        let headers = delivery.properties.headers().as_ref().unwrap_or(&empty);
        Self {
            id: parsed(headers, ID),
            source: text(headers, SOURCE),
            event_type: text(headers, TYPE),
            aggregate: parsed(headers, SUBJECT),
            version: match headers.inner().get(VERSION) {
                Some(AMQPValue::LongLongInt(version)) => Some(*version),
                _ => None,
            },
            time: parsed::<DateTime<Utc>>(headers, TIME),
            trace: text(headers, TRACE),
            death: text(headers, DEATH),
            routing_key: delivery.routing_key.to_string(),
            body: std::mem::take(&mut delivery.data),
        }
    }

    /// The entity it is about, if it says so: messages of one are kept in order.
    pub(super) const fn aggregate(&self) -> Option<Uuid> {
        self.aggregate
    }

    /// Why the broker gave it up.
    pub(super) fn death(&self) -> &str {
        self.death.as_deref().unwrap_or("it does not say why")
    }

    /// The envelope.
    ///
    /// # Errors
    /// The header that is missing or cannot be read.
    pub(super) fn envelope(&self) -> Result<Envelope, &'static str> {
        Ok(Envelope {
            id: self.id.ok_or(ID)?,
            source: self.source.clone().ok_or(SOURCE)?,
            event_type: self.event_type.clone().ok_or(TYPE)?,
            aggregate: self.aggregate.ok_or(SUBJECT)?,
            version: self.version.ok_or(VERSION)?,
            time: self.time.ok_or(TIME)?,
            trace: self.trace.clone(),
            body: self.body.clone(),
        })
    }

    /// As much of an envelope as can be read, to be kept with the dead letters.
    pub(super) fn salvaged(&self, now: Timestamp, random: &Random) -> Envelope {
        Envelope {
            id: self.id.unwrap_or_else(|| ids::new_v7(now, random)),
            source: self.source.clone().unwrap_or_else(|| "unknown".to_owned()),
            event_type: self.event_type.clone().unwrap_or_else(|| self.routing_key.clone()),
            aggregate: self.aggregate.unwrap_or_default(),
            version: self.version.unwrap_or_default(),
            time: self.time.unwrap_or(now),
            trace: self.trace.clone(),
            body: self.body.clone(),
        }
    }
}

fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(value) => String::from_utf8(value.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(value) => Some(value.to_string()),
        _ => None,
    }
}

fn parsed<T: std::str::FromStr>(headers: &FieldTable, name: &str) -> Option<T> {
    text(headers, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            id: Uuid::from_u128(1),
            source: "test".to_owned(),
            event_type: "test.v1.Happened".to_owned(),
            aggregate: Uuid::from_u128(99),
            version: 7,
            time: DateTime::from_timestamp_micros(1_800_000_000_000_001).unwrap(),
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            body: vec![1, 2, 3],
        }
    }

    fn delivery(envelope: &Envelope) -> Delivery {
        let mut delivery = Delivery::mock(1, "x".into(), "key".into(), false, envelope.body.clone());
        delivery.properties = properties(envelope);
        delivery
    }

    #[test]
    fn an_envelope_comes_back_as_it_was_sent() {
        for sent in [envelope(), Envelope { trace: None, body: Vec::new(), ..envelope() }] {
            assert_eq!(Arrived::of(&mut delivery(&sent)).envelope(), Ok(sent));
        }
    }

    #[test]
    fn what_is_missing_is_named_and_the_rest_is_salvaged() {
        let mut broken = delivery(&envelope());
        let mut headers = FieldTable::default();
        for (name, value) in broken.properties.headers().as_ref().unwrap() {
            if name.as_str() != SUBJECT {
                headers.insert(name.clone(), value.clone());
            }
        }
        broken.properties = broken.properties.clone().with_headers(headers);
        let arrived = Arrived::of(&mut broken);
        assert_eq!(arrived.envelope(), Err(SUBJECT));
        let salvaged = arrived.salvaged(DateTime::UNIX_EPOCH, &Random::seeded(1));
        assert_eq!(salvaged, Envelope { aggregate: Uuid::nil(), ..envelope() });
    }

    #[test]
    fn of_a_bare_message_the_routing_key_and_the_body_are_kept() {
        let mut bare = Delivery::mock(1, "x".into(), "key".into(), false, vec![4]);
        let arrived = Arrived::of(&mut bare);
        assert_eq!(arrived.envelope(), Err(ID));
        let salvaged = arrived.salvaged(DateTime::UNIX_EPOCH, &Random::seeded(1));
        assert_eq!((salvaged.event_type.as_str(), salvaged.body), ("key", vec![4]));
        assert!(!salvaged.id.is_nil());
    }
}
