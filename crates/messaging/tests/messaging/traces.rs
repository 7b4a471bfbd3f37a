//! One trace goes on through the tables: from the request that wrote to whoever takes it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tessera_common::telemetry;
use tessera_messaging::durable_call::{self, Dispatch, DispatchError, DurableCall};
use tessera_messaging::{ConsumeError, Consumer, DurableCalls, Envelope, Event as _, Subscription};
use tracing::subscriber::DefaultGuard;
use tracing::{Instrument as _, Span};

use crate::support::{Happened, World};

on_both_engines!(
    an_event_is_consumed_in_the_trace_that_wrote_it,
    a_durable_call_is_made_and_repeated_in_the_trace_that_queued_it,
    what_was_written_outside_of_a_trace_belongs_to_none,
);

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Which trace each piece of work found itself in.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Option<String>>>>);

impl Seen {
    fn note(&self) {
        self.0.lock().unwrap().push(telemetry::traceparent());
    }

    fn all(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Consumer for Seen {
    fn subscription(&self) -> Subscription {
        Subscription { consumer: "seen", event_types: &[Happened::TYPE] }
    }

    async fn consume(&self, _: &Envelope) -> Result<(), ConsumeError> {
        self.note();
        Ok(())
    }
}

/// A callee that acknowledges the second attempt.
#[async_trait]
impl Dispatch for Seen {
    async fn dispatch(&self, _: &str, _: &str) -> Result<(), DispatchError> {
        self.note();
        if self.all().len() < 2 { Err(DispatchError::Failed("not this time".to_owned())) } else { Ok(()) }
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Called {}

impl DurableCall for Called {
    const KIND: &'static str = "test.called.v1";
}

/// Spans are there, and no collector: a trace is passed on as it came.
fn spans() -> DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry())
}

fn request() -> Span {
    let request = tracing::info_span!("request");
    telemetry::follow(&request, Some(CALLER));
    request
}

async fn an_event_is_consumed_in_the_trace_that_wrote_it(world: &World) {
    let _spans = spans();
    let seen = Seen::default();
    world.bus.subscribe(Arc::new(seen.clone()));
    world.emit(world.aggregate(), 1).instrument(request()).await;
    world.relay.drain_once().await.unwrap();
    assert_eq!(seen.all(), [Some(CALLER.to_owned())]);
}

async fn a_durable_call_is_made_and_repeated_in_the_trace_that_queued_it(world: &World) {
    let _spans = spans();
    let seen = Seen::default();
    let calls = DurableCalls::new(world.db.clone(), world.clock.clone(), Arc::new(seen.clone()));
    // It is not given up because the machine is busy.
    let calls = calls.patient_for(Duration::from_secs(60));
    let queue = async {
        let mut tx = world.db.begin().await.unwrap();
        let id = durable_call::queue(&mut tx, &Called {}, world.clock.now(), &world.random).await.unwrap();
        tx.commit().await.unwrap();
        id
    };
    let id = queue.instrument(request()).await;
    assert!(!calls.try_now(id).await);
    world.seconds_pass(1);
    assert_eq!(calls.try_due().await.unwrap(), 1);
    assert_eq!(seen.all(), [Some(CALLER.to_owned()), Some(CALLER.to_owned())]);
}

async fn what_was_written_outside_of_a_trace_belongs_to_none(world: &World) {
    let _spans = spans();
    let seen = Seen::default();
    world.bus.subscribe(Arc::new(seen.clone()));
    world.emit(world.aggregate(), 1).await;
    world.relay.drain_once().await.unwrap();
    assert_eq!(seen.all(), [None]);
}
