//! Messages that a consumer cannot take.

use std::sync::Arc;

use futures::StreamExt as _;
use lapin::BasicProperties;
use lapin::options::{
    BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueuePurgeOptions,
};
use lapin::types::{FieldTable, ShortString};
use tessera_messaging::dead_letters::{self, Kept};
use tessera_messaging::{ConsumeError, Envelope};
use tessera_storage::Db;
use tokio::sync::watch;

use super::delivery::{envelope, publish};
use super::stage::{Stage, until};
use crate::support::Witness;

over_rabbitmq_with_postgres!(poison_is_kept_with_its_reason_and_can_be_replayed);
over_rabbitmq!(
    poison_is_kept_with_its_reason_and_can_be_replayed,
    a_message_that_hangs_holds_up_nobody_else,
    what_fails_is_tried_five_times_before_those_behind_it,
    a_panic_is_a_failed_delivery_and_is_not_quoted,
    what_is_no_envelope_is_kept,
    what_the_broker_gives_up_is_kept_and_tried_once_more,
    a_database_in_trouble_gives_nothing_up,
);

async fn letters(stage: &Stage) -> Vec<Kept> {
    dead_letters::list(&stage.world.db, 100).await.unwrap()
}

async fn one_letter(stage: &Stage) -> Kept {
    until("a letter is kept", async || !letters(stage).await.is_empty()).await;
    letters(stage).await.remove(0)
}

/// Publishes an event of this version until both queues take it, and waits until it is applied. On a busy machine a queue may refuse a
/// publisher's first message, but no later one: what follows comes to each queue once, and can be counted.
async fn warm_up(stage: &Stage, version: i64, witnesses: &[&Witness]) {
    publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), version)).await;
    for witness in witnesses {
        until("it is applied", async || witness.applied() == [version]).await;
    }
}

async fn poison_is_kept_with_its_reason_and_can_be_replayed(stage: &mut Stage) {
    let (poisoned, sound) = (stage.world.subscribe("test.a"), stage.world.subscribe("test.b"));
    poisoned.behaves(|envelope| match envelope.version {
        1 => Err(ConsumeError::Poison("version 1 is not known".to_owned())),
        _ => Ok(()),
    });
    stage.end.start();
    stage.end.is_up().await;
    warm_up(stage, 3, &[&poisoned, &sound]).await;
    let aggregate = stage.world.aggregate();
    let poison = envelope(stage, aggregate, 1);
    stage.end.bus.publish(&poison).await.unwrap();
    stage.end.bus.publish(&envelope(stage, aggregate, 2)).await.unwrap();
    until("others flow", async || poisoned.applied() == [3, 2] && sound.applied() == [3, 1, 2]).await;
    let letter = one_letter(stage).await;
    assert_eq!((letter.consumer.as_str(), letter.reason.as_str()), ("test.a", "version 1 is not known"));
    assert_eq!(letter.envelope, poison);
    let delivered = poisoned.delivered().into_iter().filter(|(id, _)| *id == poison.id).count();
    assert_eq!(delivered, 1, "it does not come again");
    poisoned.behaves(|_| Ok(()));
    dead_letters::replay(&stage.world.db, &stage.end.bus, poison.id, "test.a").await.unwrap();
    assert_eq!(poisoned.applied(), [3, 2, 1]);
    assert!(letters(stage).await.is_empty());
}

/// It is let go only when the others have passed it.
async fn a_message_that_hangs_holds_up_nobody_else(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    let (entered, leave) = (Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(false)));
    stage.end.start();
    stage.end.is_up().await;
    witness.hangs(entered.clone(), leave.clone());
    publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), 1)).await;
    until("it hangs", async || *entered.borrow()).await;
    witness.hangs(Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(true)));
    for version in 2..=20 {
        publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), version)).await;
    }
    until("the others pass", async || witness.applied().len() == 19).await;
    assert!(!witness.applied().contains(&1));
    leave.send_replace(true);
    until("it is done", async || witness.applied().contains(&1)).await;
}

async fn what_fails_is_tried_five_times_before_those_behind_it(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    witness.behaves(|envelope| match envelope.version {
        1 => Err(ConsumeError::Retry("down".into())),
        _ => Ok(()),
    });
    stage.end.start();
    stage.end.is_up().await;
    warm_up(stage, 4, &[&witness]).await;
    let aggregate = stage.world.aggregate();
    for version in 1..=2 {
        stage.end.bus.publish(&envelope(stage, aggregate, version)).await.unwrap();
    }
    stage.end.bus.publish(&envelope(stage, stage.world.aggregate(), 3)).await.unwrap();
    let letter = one_letter(stage).await;
    assert_eq!(letter.reason, "5 deliveries failed, the last: down");
    until("those behind it come", async || witness.applied() == [4, 3, 2]).await;
    let tried: Vec<_> = witness.delivered().into_iter().map(|(_, version)| version).filter(|v| *v < 3).collect();
    assert_eq!(tried, [1, 1, 1, 1, 1, 2]);
}

async fn a_panic_is_a_failed_delivery_and_is_not_quoted(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    witness.behaves(|envelope| if envelope.version == 1 { panic!("hunter2") } else { Ok(()) });
    stage.end.start();
    stage.end.is_up().await;
    for version in 1..=2 {
        publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), version)).await;
    }
    until("the other passes", async || witness.applied() == [2]).await;
    assert_eq!(one_letter(stage).await.reason, "5 deliveries failed, the last: the consumer panicked");
}

async fn what_is_no_envelope_is_kept(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    stage.end.start();
    stage.end.is_up().await;
    stage.operator.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    until("the queue takes what is bare", async || {
        let bare = (stage.queue("test.a"), BasicPublishOptions::default(), BasicProperties::default());
        let sent = stage.operator.basic_publish("".into(), bare.0.into(), bare.1, b"not ours", bare.2).await;
        sent.unwrap().await.unwrap().is_ack()
    })
    .await;
    let good = envelope(stage, stage.world.aggregate(), 1);
    let broken = Envelope { body: vec![0xFF], ..envelope(stage, stage.world.aggregate(), 2) };
    publish(&stage.end.bus, &broken).await;
    publish(&stage.end.bus, &good).await;
    until("the good one passes", async || witness.applied() == [1]).await;
    until("both letters are kept", async || letters(stage).await.len() == 2).await;
    let kept = letters(stage).await;
    let of = |body: &[u8]| kept.iter().find(|letter| letter.envelope.body == body).unwrap();
    assert_eq!(of(b"not ours").reason, "the header cloudEvents:id is missing or cannot be read");
    assert!(of(&[0xFF]).reason.starts_with("the body cannot be read"));

    // Of a type that only a newer release of the consumer knows.
    let events = format!("{}.events", stage.namespace);
    let queue = stage.queue("test.a");
    let (bind, none) = (QueueBindOptions::default(), FieldTable::default());
    stage.operator.queue_bind(queue.into(), events.into(), "test.v2.#".into(), bind, none).await.unwrap();
    let newer = Envelope { event_type: "test.v2.Happened".to_owned(), ..envelope(stage, good.aggregate, 3) };
    publish(&stage.end.bus, &newer).await;
    until("it is kept", async || letters(stage).await.len() == 3).await;
    let letter = letters(stage).await.into_iter().find(|letter| letter.envelope == newer).unwrap();
    assert_eq!(letter.reason, "the consumer does not know this type");
}

/// As one that kills its consumer's process each time.
async fn what_the_broker_gives_up_is_kept_and_tried_once_more(stage: &mut Stage) {
    stage.end.start();
    stage.end.is_up().await;
    let sent = envelope(stage, stage.world.aggregate(), 1);
    let queue = stage.queue("test.a");
    until("both queues take it", async || {
        // What one has taken while the other refused would be counted, too.
        stage.operator.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await.unwrap();
        stage.end.bus.publish(&sent).await.is_ok()
    })
    .await;
    let (none, tag) = (FieldTable::default(), ShortString::default());
    let mut deliveries =
        stage.operator.basic_consume(queue.into(), tag, BasicConsumeOptions::default(), none).await.unwrap();
    let mut failures = 0;
    let given_up = until("it is given up", async || stage.messages(&stage.queue("test.a.dead")).await == Some(1));
    tokio::pin!(given_up);
    loop {
        tokio::select! {
            () = &mut given_up => break,
            Some(delivery) = deliveries.next() => {
                failures += 1;
                delivery.unwrap().nack(BasicNackOptions { requeue: true, ..Default::default() }).await.unwrap();
            }
        }
    }
    assert_eq!(failures, 11);
    drop(deliveries);
    let mut service = stage.another_end();
    let witness = stage.world.witness("test.a");
    let (entered, leave) = (Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(false)));
    witness.hangs(entered.clone(), leave.clone());
    service.bus.subscribe(witness.clone());
    service.start();
    until("the consumer looks at it once more", async || *entered.borrow()).await;
    let letter = one_letter(stage).await;
    assert_eq!((letter.envelope, letter.reason.as_str()), (sent, "RabbitMQ gave it up: delivery_limit"));
    until("it is in no queue", async || stage.messages(&stage.queue("test.a.dead")).await == Some(0)).await;
    leave.send_replace(true);
    until("it was only unlucky", async || letters(stage).await.is_empty()).await;
    service.stop().await;
    assert_eq!(witness.applied(), [1]);
}

async fn a_database_in_trouble_gives_nothing_up(stage: &mut Stage) {
    let witness = stage.world.subscribe("test.a");
    witness.behaves(|_| Err(ConsumeError::Retry("the database is away".into())));
    let Db::Sqlite { write, .. } = &stage.world.db else { unreachable!("played on SQLite") };
    let refuse = "create trigger refuse before insert on dead_letters begin select raise(abort, 'refused'); end";
    sqlx::raw_sql(refuse).execute(write).await.unwrap();
    stage.end.start();
    stage.end.is_up().await;
    publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), 1)).await;
    until("five tries have failed", async || witness.delivered().len() > 5).await;
    sqlx::raw_sql("drop trigger refuse").execute(write).await.unwrap();
    witness.behaves(|_| Ok(()));
    until("it is taken", async || witness.applied() == [1]).await;
    assert!(letters(stage).await.is_empty());
}
