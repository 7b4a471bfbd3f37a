//! RabbitMQ goes away under load, and processes are killed between two steps of an event's way: callers see nothing of the one, each event
//! has its effect once after either.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::PgConnection;
use tessera_journeys::load::{Caller, Fuse};
use tessera_journeys::{
    Engines, History, Mode, Outcome, Proxy, Seed, Service, Services, Setup, State, Towards, eventually, seeds,
};

use crate::hold::{Hold, database};
use crate::queue::{Message, Queues};
use crate::row::Row;

const PATIENCE: Duration = Duration::from_secs(30);
/// Who notes sign-ins: each is a row, so a second effect of an event would be seen.
const NOTES: &str = "auth.account_events";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_without_rabbitmq_from_the_start_everything_works_and_the_backlog_drains_later() {
    let Some(mut row) =
        Row::start_with("F15 RabbitMQ away from the start", async |engines| engines.rabbitmq.stop().await).await
    else {
        return;
    };
    for seed in seeds(2) {
        row.round(seed, &[], async |_, history, _| history.elapsed()).await;
    }
    row.ground.engines.rabbitmq.launch().await;
    row.drain(PATIENCE).await;
    let figures = row.finish().await;
    assert_eq!(figures.unknown, 0, "callers see nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_restart_or_kill_9_of_rabbitmq_under_load_is_not_noticed_and_loses_no_event() {
    let Some(mut row) = Row::start("F16 restart and kill -9 of RabbitMQ").await else { return };
    for seed in seeds(2) {
        row.round(seed, &[], async |ground, history, _| {
            let broker = &mut ground.engines.rabbitmq;
            if seed % 2 == 0 {
                broker.stop().await;
            } else {
                broker.kill9();
            }
            broker.launch().await;
            history.elapsed()
        })
        .await;
        row.drain(PATIENCE).await;
    }
    let figures = row.finish().await;
    assert_eq!(figures.unknown, 0, "callers see nothing of it");
}

/// Somebody signs up and then signs in so often.
async fn signed_in(services: &Services, email: &str, times: usize) {
    let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
    let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[] };
    assert_eq!(caller.sign_up(email, 0).await, Outcome::Done);
    for _ in 0..times {
        assert_eq!(caller.sign_in(email, 0).await.0, Outcome::Done);
    }
}

/// How many sign-ins auth has noted.
async fn noted(auth: &mut PgConnection) -> i64 {
    let count = sqlx::query_scalar("select count(*) from account_events where action = 'signed_in'");
    count.fetch_one(auth).await.expect("a number")
}

async fn until_noted(auth: &mut PgConnection, number: i64) {
    eventually("the effects", PATIENCE, async || (noted(auth).await == number).then_some(())).await;
}

/// The ids of the sessions that began, each once.
fn ids_of_sign_ins(messages: &[Message]) -> BTreeSet<String> {
    messages.iter().filter(|message| message.routing_key.contains("SessionStarted")).map(Message::id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f5_kill_9_of_a_relay_between_confirm_and_mark_sends_again_with_the_same_id_and_one_effect() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup::on(&engines)).await;
    let queues = Queues::of(&engines.rabbitmq, &services).await;
    let mut auth = database(&services, Service::Auth).await;
    for number in seeds(3) {
        let _seed = Seed::hold(number);
        // The mark of the relay waits until its time is up.
        let mut hold = Hold::updates(&services, Service::Sessions, "outbox", "true").await;
        let before = noted(&mut auth).await;
        signed_in(&services, &format!("seed{number}@example.org"), 3).await;
        until_noted(&mut auth, before + 3).await;
        services.kill9(Service::Sessions, 0);
        let unmarked = sqlx::query_scalar("select count(*) from outbox where published_at is null");
        let unmarked: i64 = unmarked.fetch_one(&mut hold.database).await.expect("a number");
        assert_eq!(unmarked, 3, "it was killed before the mark");
        let sent = ids_of_sign_ins(&queues.recorded().await);
        assert_eq!(sent.len(), 3);
        hold.let_go().await;
        services.launch(Service::Sessions, 0).await;
        let mut state = State::of_services(&services).await;
        state.settle().await;
        assert_eq!(ids_of_sign_ins(&queues.recorded().await), sent, "each was sent again, with its id");
        assert_eq!(state.broken().await, []);
    }
    eprintln!("F5 kill -9 between confirm and mark: each event was sent again with its id, and had its effect once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f6_kill_9_of_a_consumer_between_effect_and_acknowledgement_has_one_effect() {
    let Some(engines) = Engines::start().await else { return };
    let mut to_broker = Proxy::to(&[engines.rabbitmq.port()]).await;
    let url = format!("amqp://guest:guest@127.0.0.1:{}/%2f", to_broker.port());
    let settings_of = vec![(Service::Auth, "TESSERA_AMQP_URL".to_owned(), url)];
    let mut services = Services::start(&Setup { settings_of, ..Setup::on(&engines) }).await;
    let queues = Queues::of(&engines.rabbitmq, &services).await;
    let mut auth = database(&services, Service::Auth).await;
    for number in seeds(3) {
        let _seed = Seed::hold(number);
        let email = format!("seed{number}@example.org");
        signed_in(&services, &email, 1).await;
        let mut state = State::of_services(&services).await;
        state.settle().await;
        // Deliveries arrive, and no acknowledgement leaves.
        to_broker.set(Mode::OneWay(Towards::Client)).await;
        let before = noted(&mut auth).await;
        let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
        let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[] };
        for _ in 0..3 {
            assert_eq!(caller.sign_in(&email, 0).await.0, Outcome::Done);
        }
        until_noted(&mut auth, before + 3).await;
        services.kill9(Service::Auth, 0);
        to_broker.cut();
        eventually("the messages are the broker's again", PATIENCE, async || {
            (queues.waiting(NOTES).await == 3).then_some(())
        })
        .await;
        to_broker.set(Mode::Pass).await;
        services.launch(Service::Auth, 0).await;
        eventually("they were taken", PATIENCE, async || (queues.waiting(NOTES).await == 0).then_some(())).await;
        state.settle().await;
        assert_eq!(state.broken().await, []);
    }
    eprintln!("F6 kill -9 between effect and acknowledgement: each event came again, and had its effect once");
}
