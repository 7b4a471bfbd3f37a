//! What is published takes effect once at each consumer.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use tessera_messaging::rabbitmq::LinkState;
use tessera_messaging::{Bus, Envelope, Event, Relay};
use tokio::sync::watch;
use uuid::Uuid;

use super::stage::{Stage, until};
use crate::support::Happened;

over_rabbitmq_with_postgres!(an_event_takes_effect_once_at_each_consumer, the_relay_sends_in_order_and_marks);
over_rabbitmq!(
    an_event_takes_effect_once_at_each_consumer,
    the_relay_sends_in_order_and_marks,
    repetitions_and_disorder_have_no_effect,
    one_instance_works_and_another_takes_over,
    the_trace_crosses,
    what_is_in_hand_at_a_stop_is_finished_and_the_rest_goes_back,
    an_event_that_nobody_wants_is_confirmed,
);

pub fn envelope(stage: &Stage, aggregate: Uuid, version: i64) -> Envelope {
    Envelope {
        id: stage.world.aggregate(),
        source: "test".to_owned(),
        event_type: Happened::TYPE.to_owned(),
        aggregate,
        version,
        time: chrono::DateTime::from_timestamp_micros(1_800_000_000_000_000).unwrap(),
        trace: None,
        body: prost::Message::encode_to_vec(&Happened { id: aggregate.to_string(), version }),
    }
}

async fn an_event_takes_effect_once_at_each_consumer(stage: &mut Stage) {
    let (a, b) = (stage.world.subscribe("test.a"), stage.world.subscribe("test.b"));
    for version in 1..=50 {
        stage.world.emit(stage.world.aggregate(), version).await;
    }
    stage.end.start();
    let relay = Arc::new(Relay::new(stage.world.db.clone(), stage.world.clock.clone(), stage.end.bus.clone()));
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { relay.run(stopped).await });
    for witness in [a, b] {
        until("every event is applied", async || witness.applied().len() >= 50).await;
        let mut applied = witness.applied();
        applied.sort_unstable();
        assert_eq!(applied, (1..=50).collect::<Vec<_>>());
    }
    until("every row is marked", async || {
        stage.world.count("select count(*) from outbox where published_at is null").await == 0
    })
    .await;
    until("every message is acknowledged", async || stage.messages(&stage.queue("test.a")).await == Some(0)).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(stage.world.count("select count(*) from dead_letters").await, 0);
}

async fn the_relay_sends_in_order_and_marks(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    stage.end.start();
    stage.end.is_up().await;
    let aggregate = stage.world.aggregate();
    for version in 1..=20 {
        stage.world.emit(aggregate, version).await;
    }
    // The first may be refused, as `publish` tells of.
    let sent = Cell::new(0);
    until("every row is sent", async || {
        sent.set(sent.get() + stage.world.relay.drain_once().await.unwrap());
        sent.get() == 20
    })
    .await;
    assert_eq!(stage.world.relay.drain_once().await.unwrap(), 0);
    until("every event is applied", async || witness.applied().len() == 20).await;
    assert_eq!(witness.applied(), (1..=20).collect::<Vec<_>>());
    assert_eq!(stage.end.status().unconfirmed_since, None);
}

async fn repetitions_and_disorder_have_no_effect(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    stage.end.start();
    stage.end.is_up().await;
    let aggregate = stage.world.aggregate();
    let envelopes: Vec<_> = [3, 1, 2].into_iter().map(|version| envelope(stage, aggregate, version)).collect();
    for _ in 0..3 {
        for envelope in &envelopes {
            publish(&stage.end.bus, envelope).await;
        }
    }
    until("all nine are delivered", async || witness.delivered().len() >= 9).await;
    stage.end.stop().await;
    let before = witness.delivered().len();
    let mut later = stage.another_end();
    later.bus.subscribe(witness.clone());
    later.start();
    later.is_up().await;
    publish(&later.bus, &envelopes[0]).await;
    until("the tenth is delivered", async || witness.delivered().len() > before).await;
    later.stop().await;
    assert_eq!(witness.applied(), [3, 1, 2]);
}

/// Publishes as the relay does: what a queue refuses, as one that is not ready on a busy machine, is published again. To a queue that took
/// it before, it comes twice then.
pub async fn publish(bus: &Bus, envelope: &Envelope) {
    until("a queue takes it", async || bus.publish(envelope).await.is_ok()).await;
}

async fn one_instance_works_and_another_takes_over(stage: &mut Stage) {
    let (first, second) = (stage.world.subscribe("test.a"), stage.world.witness("test.a"));
    stage.end.start();
    stage.end.is_up().await;
    let mut other = stage.another_end();
    until("the first consumes", async || stage.end.status().consuming.state == LinkState::Up).await;
    other.bus.subscribe(second.clone());
    other.start();
    until("the second is connected", async || other.status().consuming.state == LinkState::Up).await;
    for version in 1..=5 {
        publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), version)).await;
    }
    until("the first has all", async || first.applied().len() == 5).await;
    assert!(second.delivered().is_empty(), "one at a time");
    stage.end.stop().await;
    publish(&other.bus, &envelope(stage, stage.world.aggregate(), 6)).await;
    until("the second takes over", async || second.applied() == [6]).await;
    other.stop().await;
}

async fn the_trace_crosses(stage: &mut Stage) {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let witness = stage.world.subscribe("test.a");
    let seen = Arc::new(Mutex::new(None));
    let see = seen.clone();
    witness.behaves(move |envelope| {
        *see.lock().unwrap() = Some(envelope.clone());
        Ok(())
    });
    stage.end.start();
    stage.end.is_up().await;
    let sent = Envelope { trace: Some(TRACE.to_owned()), ..envelope(stage, stage.world.aggregate(), 1) };
    publish(&stage.end.bus, &sent).await;
    until("it arrives", async || witness.applied() == [1]).await;
    assert_eq!(seen.lock().unwrap().clone(), Some(sent), "and everything else as it was");
}

async fn what_is_in_hand_at_a_stop_is_finished_and_the_rest_goes_back(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    let (entered, leave) = (Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(false)));
    witness.hangs(entered.clone(), leave.clone());
    stage.end.start();
    stage.end.is_up().await;
    let aggregate = stage.world.aggregate();
    for version in 1..=2 {
        publish(&stage.end.bus, &envelope(stage, aggregate, version)).await;
    }
    until("the first is in hand", async || *entered.borrow()).await;
    tokio::join!(stage.end.stop(), async { leave.send_replace(true) });
    assert_eq!(witness.applied(), [1]);
    until("the second is back", async || stage.messages(&stage.queue("test.a")).await == Some(1)).await;
}

async fn an_event_that_nobody_wants_is_confirmed(stage: &mut Stage) {
    stage.end.start();
    stage.end.is_up().await;
    let unwanted = Envelope { event_type: "test.v1.Unheard".to_owned(), ..envelope(stage, stage.world.aggregate(), 1) };
    publish(&stage.end.bus, &unwanted).await;
}
