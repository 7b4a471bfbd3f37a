//! The broker is away, goes away, or takes nothing.

use tessera_messaging::rabbitmq::LinkState;
use tessera_messaging::{PublishError, Relay};
use tokio::runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::delivery::envelope;
use super::stage::{End, Stage, until};

over_rabbitmq!(
    without_a_broker_everything_starts_and_rows_wait,
    connections_that_are_cut_lose_nothing,
    a_killed_process_loses_nothing,
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

/// Between the effect and its acknowledgement, and between a confirm and its mark: at any moment.
async fn a_killed_process_loses_nothing(stage: &mut Stage) {
    let witness = stage.world.witness("test.a");
    for version in 1..=60 {
        stage.world.emit(stage.world.aggregate(), version).await;
    }
    let effects = async || stage.world.count("select count(*) from inbox").await;
    let all_done = async || effects().await == 60 && unpublished(stage).await == 0;
    let progress = async || witness.delivered().len() + 60 - usize::try_from(unpublished(stage).await).unwrap();
    let mut kills = 0;
    while !all_done().await {
        kills += 1;
        assert!(kills < 200, "no progress");
        let process = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut end = stage.another_end();
        end.bus.subscribe(witness.clone());
        let relay = Relay::new(stage.world.db.clone(), stage.world.clock.clone(), end.bus.clone());
        let soon = progress().await + usize::try_from(stage.world.random.below(16)).unwrap();
        process.spawn(async move {
            end.start();
            let (_never, stop) = watch::channel(false);
            relay.run(stop).await;
        });
        until("it gets on", async || progress().await > soon || all_done().await).await;
        process.shutdown_background();
    }
    assert!(kills > 2, "it was never killed in the middle");
    // So many kills may make the broker give a message up: then it is kept, tried once more, and has its effect all the same.
    assert_eq!(effects().await, 60);
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
