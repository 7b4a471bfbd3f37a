//! From the outbox to the consumers.

use std::num::NonZeroU32;
use std::time::Duration;

use tessera_common::random::Random;
use tessera_common::server::Stop;
use tessera_messaging::{DecodeError, Envelope, Event, Relay, inbox};
use tessera_storage::cache::RedisSettings;
use tessera_storage::{Cache, Db};
use tokio::sync::watch;

use crate::support::{Happened, World};

on_both_engines!(
    what_is_rolled_back_is_never_sent,
    an_event_reaches_its_consumers,
    one_version_is_one_event,
    a_crash_between_confirm_and_mark_repeats_under_the_same_id,
    a_repetition_is_applied_once,
    a_rolled_back_effect_is_not_remembered,
    aggregates_are_sent_side_by_side,
    order_is_kept_per_aggregate_over_many_pages,
    a_second_relay_waits_its_turn,
    the_loop_sends_when_woken_and_stops_when_told,
    a_relay_is_woken_by_the_commit_of_another_process,
);

async fn what_is_rolled_back_is_never_sent(world: &World) {
    let witness = world.subscribe("a");
    let mut tx = world.db.begin().await.unwrap();
    let event = Happened { id: world.aggregate().to_string(), version: 1 };
    world.outbox.emit(&mut tx, world.clock.now(), &world.random, &event).await.unwrap();
    drop(tx);
    assert_eq!(world.relay.drain_once().await.unwrap(), 0);
    assert!(witness.delivered().is_empty());
}

async fn an_event_reaches_its_consumers(world: &World) {
    let (one, other) = (world.subscribe("one"), world.subscribe("other"));
    world.emit(world.aggregate(), 1).await;
    assert_eq!(world.relay.drain_once().await.unwrap(), 1);
    assert_eq!((one.applied(), other.applied()), (vec![1], vec![1]));
    assert_eq!(world.relay.drain_once().await.unwrap(), 0, "marked rows are not sent again");
}

async fn one_version_is_one_event(world: &World) {
    let aggregate = world.aggregate();
    world.emit(aggregate, 1).await;
    let mut tx = world.db.begin().await.unwrap();
    let event = Happened { id: aggregate.to_string(), version: 1 };
    let refused = world.outbox.emit(&mut tx, world.clock.now(), &world.random, &event).await.unwrap_err();
    assert!(tessera_storage::database::is_unique_violation(&refused));
}

/// The database refuses the mark, as if the relay had died after the confirm.
async fn a_crash_between_confirm_and_mark_repeats_under_the_same_id(world: &World) {
    let witness = world.subscribe("a");
    world.emit(world.aggregate(), 1).await;
    refuse_updates(world, true).await;
    world.relay.drain_once().await.unwrap_err();
    assert_eq!(witness.applied(), [1]);
    refuse_updates(world, false).await;
    assert_eq!(world.relay.drain_once().await.unwrap(), 1);
    let delivered = witness.delivered();
    assert_eq!(delivered.len(), 2);
    assert_eq!(delivered[0], delivered[1]);
    assert_eq!(witness.applied(), [1], "the inbox drops the repetition");
}

async fn a_repetition_is_applied_once(world: &World) {
    let (aggregate, consumer) = (world.aggregate(), world.subscribe("a"));
    let envelope = Envelope {
        id: world.aggregate(),
        source: "test".to_owned(),
        event_type: Happened::TYPE.to_owned(),
        aggregate,
        version: 1,
        time: world.clock.now(),
        trace: None,
        body: prost::Message::encode_to_vec(&Happened { id: aggregate.to_string(), version: 1 }),
    };
    for _ in 0..3 {
        world.bus.publish(&envelope).await.unwrap();
    }
    assert_eq!((consumer.delivered().len(), consumer.applied()), (3, vec![1]));
    let other = Envelope { event_type: "test.v1.Other".to_owned(), ..envelope };
    assert!(matches!(other.decode::<Happened>(), Err(DecodeError::OtherType { .. })));
}

async fn a_rolled_back_effect_is_not_remembered(world: &World) {
    let (id, now) = (world.aggregate(), world.clock.now());
    let mut tx = world.db.begin().await.unwrap();
    assert!(inbox::first_time(&mut tx, "a", id, now).await.unwrap());
    drop(tx);
    let mut tx = world.db.begin().await.unwrap();
    assert!(inbox::first_time(&mut tx, "a", id, now).await.unwrap());
    assert!(!inbox::first_time(&mut tx, "a", id, now).await.unwrap());
    assert!(inbox::first_time(&mut tx, "b", id, now).await.unwrap(), "each consumer has its own");
    tx.commit().await.unwrap();
}

/// The consumer writes to the relay's own database, which has few connections (SQLite: one).
async fn aggregates_are_sent_side_by_side(world: &World) {
    let witness = world.subscribe("a");
    for version in 1..=50 {
        world.emit(world.aggregate(), version).await;
    }
    assert_eq!(world.relay.drain_once().await.unwrap(), 50);
    assert_eq!((witness.applied().len(), witness.delivered().len()), (50, 50));
}

async fn order_is_kept_per_aggregate_over_many_pages(world: &World) {
    let witness = world.subscribe("a");
    let aggregate = world.aggregate();
    let mut tx = world.db.begin().await.unwrap();
    for version in (1..=450).rev() {
        let event = Happened { id: aggregate.to_string(), version };
        world.outbox.emit(&mut tx, world.clock.now(), &world.random, &event).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(world.relay.drain_once().await.unwrap(), 450);
    assert_eq!(witness.applied(), (1..=450).collect::<Vec<_>>());
}

async fn a_second_relay_waits_its_turn(world: &World) {
    let witness = world.subscribe("a");
    let relay = || Relay::new(world.db.clone(), world.clock.clone(), world.bus.clone());
    let (first, second) = (relay(), relay());
    assert_eq!(first.drain_once().await.unwrap(), 0, "takes the guard");
    world.emit(world.aggregate(), 1).await;
    let alone_by_nature = matches!(world.db, Db::Sqlite { .. });
    assert_eq!(second.drain_once().await.unwrap(), usize::from(alone_by_nature));
    first.drain_once().await.unwrap();
    assert_eq!(witness.applied(), [1]);
    drop(first);
    world.emit(world.aggregate(), 2).await;
    // The lock goes with its connection, which is closed in the background.
    while second.drain_once().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(witness.applied(), [1, 2]);
}

async fn the_loop_sends_when_woken_and_stops_when_told(world: &World) {
    let witness = world.subscribe("a");
    let relay = Relay::new(world.db.clone(), world.clock.clone(), world.bus.clone());
    let wake = relay.wake();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { relay.run(stopped).await });
    world.emit(world.aggregate(), 1).await;
    wake.notify();
    world.emit(world.aggregate(), 2).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    let mut applied = witness.applied();
    applied.sort_unstable();
    assert_eq!(applied, [1, 2], "what is there at the stop is sent first");
}

async fn a_relay_is_woken_by_the_commit_of_another_process(world: &World) {
    let Some((here, there)) = two_processes() else { return };
    let witness = world.subscribe("a");
    let relay =
        Relay::new(world.db.clone(), world.clock.clone(), world.bus.clone()).woken_by(here.wake_up("test.relay"));
    let stop = Stop::new();
    let (listening, stopped) = (stop.signal(), stop.signal().receiver());
    tokio::spawn(async move { here.run(listening).await });
    tokio::spawn(async move { relay.run(stopped).await });
    let round = async |version: i64| {
        world.emit(world.aggregate(), version).await;
        while witness.applied().len() < usize::try_from(version).unwrap() {
            there.wake_up("test.relay").notify();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Until then both processes connect, and the relay takes its guard.
    round(1).await;
    // The loop looks each second by itself: twenty events, each told of after the one before has arrived, would take it twenty.
    let rounds = async {
        for version in 2..=21 {
            round(version).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), rounds).await.expect("woken");
}

/// Two processes of a platform that share Redis, unless the tests are told to leave it out.
fn two_processes() -> Option<(Cache, Cache)> {
    if std::env::var("TESSERA_TEST_REDIS").as_deref() == Ok("off") {
        return None;
    }
    let url = std::env::var("TESSERA_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379/0".to_owned());
    let namespace = format!("tessera_test_{}", u128::from_le_bytes(Random::system().bytes()));
    let (instances, patience) = (NonZeroU32::MIN, RedisSettings::PATIENCE);
    let settings = RedisSettings { url: url.into(), namespace, instances, authorities: None, patience };
    let process = || Cache::redis(&settings, &Random::system()).unwrap();
    Some((process(), process()))
}

/// Makes every update of the outbox fail, and mends it again.
async fn refuse_updates(world: &World, refuse: bool) {
    let (postgres, sqlite) = if refuse {
        (
            "create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$; \
             create trigger refuse before update on outbox for each row execute function refuse()",
            "create trigger refuse before update on outbox begin select raise(abort, 'refused'); end",
        )
    } else {
        ("drop trigger refuse on outbox", "drop trigger refuse")
    };
    let done = match &world.db {
        Db::Postgres { transactions: pool, .. } => sqlx::raw_sql(postgres).execute(pool).await.map(|_| ()),
        Db::Sqlite { write, .. } => sqlx::raw_sql(sqlite).execute(write).await.map(|_| ()),
    };
    done.unwrap();
}
