//! Old rows go, and the age of what waits can be told.

use tessera_messaging::{inbox, outbox};

use crate::support::World;

on_both_engines!(published_rows_stay_seven_days, seen_ids_stay_longer, the_oldest_unpublished_row_has_an_age);

const DAY: i64 = 24 * 60 * 60;

async fn published_rows_stay_seven_days(world: &World) {
    for version in 1..=3 {
        world.emit(world.aggregate(), version).await;
    }
    world.relay.drain_once().await.unwrap();
    world.emit(world.aggregate(), 4).await;
    world.seconds_pass(7 * DAY);
    assert_eq!(outbox::purge(&world.db, world.clock.now()).await.unwrap(), 0);
    world.seconds_pass(1);
    assert_eq!(outbox::purge(&world.db, world.clock.now()).await.unwrap(), 3);
    assert_eq!(world.count("select count(*) from outbox").await, 1, "what was never sent stays");
}

async fn seen_ids_stay_longer(world: &World) {
    let mut tx = world.db.begin().await.unwrap();
    inbox::first_time(&mut tx, "a", world.aggregate(), world.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    world.seconds_pass(8 * DAY);
    assert_eq!(inbox::purge(&world.db, world.clock.now()).await.unwrap(), 0);
    world.seconds_pass(7 * DAY);
    assert_eq!(inbox::purge(&world.db, world.clock.now()).await.unwrap(), 1);
}

async fn the_oldest_unpublished_row_has_an_age(world: &World) {
    let waiting = outbox::unpublished(&world.db).await.unwrap();
    assert_eq!((waiting.number, waiting.since, waiting.age_s(world.clock.now())), (0, None, 0.0));
    world.emit(world.aggregate(), 1).await;
    world.seconds_pass(5);
    world.emit(world.aggregate(), 1).await;
    let waiting = outbox::unpublished(&world.db).await.unwrap();
    assert_eq!((waiting.number, waiting.age_s(world.clock.now())), (2, 5.0));
    world.relay.drain_once().await.unwrap();
    assert_eq!(outbox::unpublished(&world.db).await.unwrap().number, 0, "what was published waits no more");
}
