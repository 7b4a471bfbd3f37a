//! What somebody deletes is declared again.

use lapin::options::QueueDeleteOptions;
use lapin::types::FieldTable;
use tessera_messaging::Event;

use super::delivery::{envelope, publish};
use super::stage::{Stage, until};
use crate::support::Happened;

over_rabbitmq!(
    queues_are_there_before_their_consumers_have_ever_run,
    an_event_that_no_queue_takes_is_not_confirmed_and_the_queue_comes_back,
    a_binding_that_is_gone_comes_back,
);

async fn delete(stage: &Stage, queue: &str) {
    stage.operator.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
}

async fn queues_are_there_before_their_consumers_have_ever_run(stage: &mut Stage) {
    stage.end.start();
    stage.end.is_up().await;
    publish(&stage.end.bus, &envelope(stage, stage.world.aggregate(), 1)).await;
    let witness = stage.world.witness("test.b");
    let mut later = stage.another_end();
    later.bus.subscribe(witness.clone());
    later.start();
    until("it hears of what was before it", async || witness.applied() == [1]).await;
    later.stop().await;
}

async fn an_event_that_no_queue_takes_is_not_confirmed_and_the_queue_comes_back(stage: &mut Stage) {
    stage.end.start();
    stage.end.is_up().await;
    for consumer in ["test.a", "test.b"] {
        delete(stage, &stage.queue(consumer)).await;
    }
    let sent = envelope(stage, stage.world.aggregate(), 1);
    let returned = stage.end.bus.publish(&sent).await.unwrap_err();
    assert_eq!(returned.to_string(), "the bus does not confirm: no queue took it");
    until("the queues are back", async || stage.messages(&stage.queue("test.b")).await.is_some()).await;
    publish(&stage.end.bus, &sent).await;
    until("it is in the queue", async || stage.messages(&stage.queue("test.a")).await > Some(0)).await;
}

async fn a_binding_that_is_gone_comes_back(stage: &mut Stage) {
    stage.end.start();
    stage.end.is_up().await;
    let events = format!("{}.events", stage.namespace);
    for consumer in ["test.a", "test.b"] {
        let (queue, exchange, key) = (stage.queue(consumer), events.as_str(), Happened::TYPE);
        stage.operator.queue_unbind(queue.into(), exchange.into(), key.into(), FieldTable::default()).await.unwrap();
    }
    let sent = envelope(stage, stage.world.aggregate(), 1);
    stage.end.bus.publish(&sent).await.unwrap_err();
    until("it is confirmed", async || stage.end.bus.publish(&sent).await.is_ok()).await;
}
