//! One consumer's trouble is its own.

use tessera_messaging::dead_letters::{self, ReplayError};
use tessera_messaging::{ConsumeError, Envelope};

use crate::support::World;

on_both_engines!(
    a_failing_consumer_holds_back_nobody_else,
    a_failing_message_holds_back_only_its_aggregate,
    poison_goes_to_the_dead_letters_at_once,
    a_panic_is_a_failed_delivery,
    a_dead_letter_can_be_replayed,
);

fn down(_: &Envelope) -> Result<(), ConsumeError> {
    Err(ConsumeError::Retry("down".into()))
}

fn refuses_first_version(envelope: &Envelope) -> Result<(), ConsumeError> {
    if envelope.version == 1 { down(envelope) } else { Ok(()) }
}

async fn a_failing_consumer_holds_back_nobody_else(world: &World) {
    let (failing, sound) = (world.subscribe("failing"), world.subscribe("sound"));
    failing.behaves(down);
    let aggregate = world.aggregate();
    world.emit(aggregate, 1).await;
    world.emit(aggregate, 2).await;
    assert_eq!(world.relay.drain_once().await.unwrap(), 0);
    assert_eq!(sound.applied(), [1, 2], "of the same aggregate too");
    assert!(failing.applied().is_empty());
    failing.behaves(|_| Ok(()));
    world.seconds_pass(1);
    assert_eq!(world.relay.drain_once().await.unwrap(), 2);
    assert_eq!(failing.applied(), [1, 2]);
    assert_eq!(sound.delivered().len(), 2, "who has it is not called again");
}

async fn a_failing_message_holds_back_only_its_aggregate(world: &World) {
    let witness = world.subscribe("a");
    witness.behaves(refuses_first_version);
    let stuck = world.aggregate();
    world.emit(stuck, 1).await;
    world.emit(stuck, 2).await;
    world.seconds_pass(1);
    world.emit(world.aggregate(), 7).await;
    assert_eq!(world.relay.drain_once().await.unwrap(), 1);
    assert_eq!(witness.applied(), [7]);
    assert_eq!(world.relay.drain_once().await.unwrap(), 0, "the pause is not over");
    assert_eq!(witness.delivered().len(), 2);
    for pause in [1, 2, 4, 8] {
        world.seconds_pass(pause);
        world.relay.drain_once().await.unwrap();
    }
    assert_eq!(witness.applied(), [7, 2], "after five failed deliveries the rest flows on");
    assert_eq!(world.count("select count(*) from dead_letters").await, 1);
}

async fn poison_goes_to_the_dead_letters_at_once(world: &World) {
    let (poisoned, sound) = (world.subscribe("poisoned"), world.subscribe("sound"));
    poisoned.behaves(|_| Err(ConsumeError::Poison("version 9 is not known".to_owned())));
    let aggregate = world.aggregate();
    world.emit(aggregate, 1).await;
    assert_eq!(world.relay.drain_once().await.unwrap(), 1);
    assert_eq!((poisoned.delivered().len(), sound.applied()), (1, vec![1]));
    let letters = dead_letters::list(&world.db, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].consumer.as_str(), letters[0].reason.as_str()), ("poisoned", "version 9 is not known"));
    assert_eq!((letters[0].envelope.aggregate, letters[0].envelope.version), (aggregate, 1));
    assert_eq!(letters[0].died_at, world.clock.now());
}

async fn a_panic_is_a_failed_delivery(world: &World) {
    let (panics, sound) = (world.subscribe("panics"), world.subscribe("sound"));
    panics.behaves(|_| panic!("hunter2"));
    world.emit(world.aggregate(), 1).await;
    for _ in 0..5 {
        world.relay.drain_once().await.unwrap();
        world.seconds_pass(10);
    }
    assert_eq!((panics.delivered().len(), sound.delivered().len()), (5, 1));
    let letters = dead_letters::list(&world.db, 10).await.unwrap();
    assert_eq!(letters[0].reason, "5 deliveries failed, the last: the consumer panicked");
}

async fn a_dead_letter_can_be_replayed(world: &World) {
    let witness = world.subscribe("a");
    witness.behaves(|_| Err(ConsumeError::Poison("unknown".to_owned())));
    world.emit(world.aggregate(), 1).await;
    world.relay.drain_once().await.unwrap();
    let id = dead_letters::list(&world.db, 1).await.unwrap()[0].envelope.id;
    let again = dead_letters::replay(&world.db, &world.bus, id, "a").await;
    assert!(matches!(again, Err(ReplayError::Consumer(_))));
    witness.behaves(|_| Ok(()));
    dead_letters::replay(&world.db, &world.bus, id, "a").await.unwrap();
    assert_eq!(witness.applied(), [1]);
    let gone = dead_letters::replay(&world.db, &world.bus, id, "a").await;
    assert!(matches!(gone, Err(ReplayError::Unknown)));
}
