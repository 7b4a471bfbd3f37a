//! How the broker is reached, as numbers for an operator. They are read from memory whenever somebody asks.

use std::sync::Arc;

use opentelemetry::{KeyValue, global};
use tessera_common::clock::Clock;
use tessera_common::telemetry::METER;

use super::RabbitMq;
use super::status::LinkState;

impl RabbitMq {
    /// Lets the numbers of the process tell of this end of the bus, as long as it is there.
    pub(super) fn count(&self, clock: Clock) {
        self.count_links("tessera.bus.connected", "1 while there is this connection to the broker", |state| {
            state != LinkState::Down
        });
        self.count_links("tessera.bus.blocked", "1 while the broker takes no messages from this connection", |state| {
            state == LinkState::Blocked
        });
        let bus = Arc::downgrade(&self.0);
        global::meter(METER)
            .f64_observable_gauge("tessera.bus.unconfirmed.age")
            .with_unit("s")
            .with_description("How long the broker has confirmed nothing although something was to be published")
            .with_callback(move |gauge| {
                let Some(bus) = bus.upgrade() else { return };
                let since = RabbitMq(bus).status().unconfirmed_since;
                gauge.observe(since.map_or(0.0, |since| (clock.now() - since).as_seconds_f64().max(0.0)), &[]);
            })
            .build();
    }

    fn count_links(&self, name: &'static str, description: &'static str, counts: fn(LinkState) -> bool) {
        let bus = Arc::downgrade(&self.0);
        let of = |connection: &'static str| [KeyValue::new("tessera.bus.connection", connection)];
        let (publishing, consuming) = (of("publishing"), of("consuming"));
        global::meter(METER)
            .i64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |gauge| {
                let Some(bus) = bus.upgrade() else { return };
                let status = RabbitMq(bus).status();
                gauge.observe(counts(status.publishing.state).into(), &publishing);
                gauge.observe(counts(status.consuming.state).into(), &consuming);
            })
            .build();
    }
}
