//! The broker is away, goes away, or takes nothing.

use futures::{StreamExt as _, stream};
use tessera_messaging::rabbitmq::{LinkState, RabbitMqStatus};
use tessera_messaging::{PublishError, Relay};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::delivery::envelope;
use super::stage::{End, Stage, until};

over_rabbitmq!(
    without_a_broker_everything_starts_and_rows_wait,
    connections_that_are_cut_lose_nothing,
    connections_that_end_while_they_are_set_up_are_made_anew,
    a_broker_that_takes_nothing_makes_rows_wait,
);

async fn unpublished(stage: &Stage) -> i64 {
    stage.world.count("select count(*) from outbox where published_at is null").await
}

fn relay_of(stage: &Stage, end: &End) -> (watch::Sender<bool>, JoinHandle<()>) {
    let relay = Relay::new(stage.world.db.clone(), stage.world.clock.clone(), end.bus.clone());
    let (stop, stopped) = watch::channel(false);
    (stop, tokio::spawn(async move { relay.run(stopped).await }))
}

async fn without_a_broker_everything_starts_and_rows_wait(stage: &mut Stage) {
    stage.gate.shut();
    let witness = stage.world.subscribe("test.a");
    stage.end.start();
    let (stop, running) = relay_of(stage, &stage.end);
    for version in 1..=20 {
        stage.world.emit(stage.world.aggregate(), version).await;
    }
    assert_eq!(stage.world.relay.drain_once().await.unwrap(), 0);
    let refused = stage.end.bus.publish(&envelope(stage, stage.world.aggregate(), 1)).await;
    assert!(matches!(refused, Err(PublishError::Unavailable(_))));
    let status = stage.end.status();
    assert_eq!((status.publishing.state, status.consuming.state), (LinkState::Down, LinkState::Down));
    assert!(status.unconfirmed_since.is_some_and(|since| since >= status.publishing.since));
    assert_eq!(unpublished(stage).await, 20);
    stage.gate.open();
    until("all is applied", async || witness.applied().len() == 20).await;
    until("all is marked", async || unpublished(stage).await == 0).await;
    assert_eq!(stage.end.status().unconfirmed_since, None);
    stop.send(true).unwrap();
    running.await.unwrap();
}

async fn connections_that_are_cut_lose_nothing(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    stage.end.start();
    let (stop, running) = relay_of(stage, &stage.end);
    for version in 1..=150 {
        stage.world.emit(stage.world.aggregate(), version).await;
        if version % 25 == 0 {
            let before = witness.applied().len();
            stage.gate.cut();
            until("it goes on", async || witness.applied().len() > before).await;
        }
    }
    until("all is applied", async || witness.applied().len() >= 150).await;
    until("all is marked", async || unpublished(stage).await == 0).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    let mut applied = witness.applied();
    applied.sort_unstable();
    assert_eq!(applied, (1..=150).collect::<Vec<_>>(), "each once");
    assert_eq!(stage.world.count("select count(*) from dead_letters").await, 0);
}

async fn connections_that_end_while_they_are_set_up_are_made_anew(stage: &mut Stage) {
    stage.end.start();
    stage.end.is_up().await;
    // The broker's greeting is some 500 bytes, what it answers after that as many again. Whoever waits for the rest must notice.
    let ends = stream::iter((500..1200).step_by(9)).map(async |bytes| {
        let gate = stage.another_gate().await;
        gate.end_next([bytes, bytes]);
        let mut end = stage.end_at(&gate.url(), None);
        end.bus.subscribe(stage.world.witness("test.a"));
        end.start();
        until(&format!("both are up, ended after {bytes} bytes"), async || {
            let RabbitMqStatus { publishing, consuming, .. } = end.status();
            (publishing.state, consuming.state) == (LinkState::Up, LinkState::Up)
        })
        .await;
        end.stop().await;
    });
    ends.buffer_unordered(20).collect::<()>().await;
}

async fn a_broker_that_takes_nothing_makes_rows_wait(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    stage.end.start();
    stage.end.is_up().await;
    let (stop, running) = relay_of(stage, &stage.end);
    stage.gate.say(connection_method(60, b"\x0alow memory"));
    until("it is blocked", async || stage.end.status().publishing.state == LinkState::Blocked).await;
    stage.world.emit(stage.world.aggregate(), 1).await;
    assert_eq!(stage.world.relay.drain_once().await.unwrap(), 0);
    let refused = stage.end.bus.publish(&envelope(stage, stage.world.aggregate(), 2)).await;
    assert!(matches!(refused, Err(PublishError::Unavailable(_))));
    assert_eq!((unpublished(stage).await, witness.delivered().len()), (1, 0));
    stage.gate.say(connection_method(61, b""));
    until("it flows again", async || witness.applied() == [1]).await;
    assert_eq!(stage.end.status().publishing.state, LinkState::Up);
    stop.send(true).unwrap();
    running.await.unwrap();
}

/// A frame with a method of AMQP's class `connection`: 60 is blocked, 61 is unblocked.
fn connection_method(method: u8, arguments: &[u8]) -> Vec<u8> {
    let payload = [&[0, 10, 0, method], arguments].concat();
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[1, 0, 0], size.as_slice(), &payload, &[0xCE]].concat()
}
