//! Messages that come twice, late, in another order, or make no sense.

use std::time::Duration;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use rand::seq::SliceRandom as _;
use tessera_journeys::load::{Account, Caller, Fuse};
use tessera_journeys::{Engines, History, Outcome, Seed, Service, Services, Setup, State, eventually, seeds};
use tokio::time::Instant;

use crate::hold::database;
use crate::queue::{Message, Queues};

const PATIENCE: Duration = Duration::from_secs(30);
/// How often each message is sent again.
const TIMES: usize = 3;
/// How much longer others may take because of poison…
const STALL: Duration = Duration::from_secs(1);
/// …on a machine that does nothing else meanwhile.
const LENIENCE: Duration = Duration::from_secs(4);
const PROFILES: &str = "sessions.profiles";

/// What somebody does who signs up, signs in twice, proves the address, and changes the password as often.
async fn work(services: &Services, email: &str, changes: usize) {
    let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
    let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[] };
    assert_eq!(caller.sign_up(email, 0).await, Outcome::Done);
    let (_, within) = caller.sign_in(email, 0).await;
    let (_, other) = caller.sign_in(email, 0).await;
    let (within, other) = (within.expect("a session"), other.expect("a session"));
    assert_eq!(caller.end_session(email, &other, &within).await, Outcome::Done);
    assert_eq!(caller.verify_email(email).await, Outcome::Done);
    for number in 0..changes {
        assert_eq!(caller.change_password(email, &within, number, number + 1).await, Outcome::Done);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_events_that_come_again_in_any_order_have_their_effect_once_and_an_older_one_undoes_nothing() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup::on(&engines)).await;
    let queues = Queues::of(&engines.rabbitmq, &services).await;
    let mut state = State::of_services(&services).await;
    let mut sent = 0;
    for number in seeds(3) {
        let seed = Seed::hold(number);
        let mut random = seed.random();
        work(&services, &format!("seed{number}@example.org"), 3).await;
        state.settle().await;
        let recorded = queues.recorded().await;
        assert!(recorded.len() >= 8, "{recorded:?}");
        let mut again: Vec<&Message> = recorded.iter().flat_map(|message| [message; TIMES]).collect();
        again.shuffle(&mut random);
        for message in &again {
            queues.publish(message).await;
        }
        sent += again.len();
        settle_queues(&queues).await;
        assert_eq!(state.broken().await, []);
        services.restart().await;
        for message in &recorded {
            queues.publish(message).await;
        }
        settle_queues(&queues).await;
        assert_eq!(state.broken().await, []);
        let _ = queues.recorded().await;
    }
    eprintln!("F19 duplicates: {sent} shuffled, and each event once more after a restart; 0 effects doubled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_events_in_another_order_leave_the_newest_state() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup::on(&engines)).await;
    let queues = Queues::of(&engines.rabbitmq, &services).await;
    let mut state = State::of_services(&services).await;
    for number in seeds(3) {
        let seed = Seed::hold(number);
        let mut random = seed.random();
        let email = format!("seed{number}@example.org");
        let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
        let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[] };
        assert_eq!(caller.sign_up(&email, 0).await, Outcome::Done);
        let within = caller.sign_in(&email, 0).await.1.expect("a session");
        state.settle().await;
        let _ = queues.recorded().await;
        // Whoever keeps the profiles does not get to it while one changes.
        hold_events(&services, true).await;
        for number in 0..3 {
            assert_eq!(caller.change_password(&email, &within, number, number + 1).await, Outcome::Done);
        }
        assert_eq!(caller.verify_email(&email).await, Outcome::Done);
        let mut events = Vec::new();
        eventually("four events", PATIENCE, async || {
            events.extend(queues.recorded().await);
            (events.len() >= 4).then_some(())
        })
        .await;
        services.kill9(Service::Sessions, 0);
        let mut taken = queues.take(PROFILES, 4).await;
        hold_events(&services, false).await;
        // The newest must not come last.
        let newest = taken.last().map(Message::id);
        while taken.last().map(Message::id) == newest {
            taken.shuffle(&mut random);
        }
        for message in &taken {
            queues.put(PROFILES, message).await;
        }
        services.launch(Service::Sessions, 0).await;
        settle_queues(&queues).await;
        state.settle().await;
        assert_eq!(state.broken().await, []);
        let _ = queues.recorded().await;
    }
    eprintln!("F19 another order: the newest state stays");
}

/// Makes every note of an event fail in sessions, as if its database were slow, or no longer.
async fn hold_events(services: &Services, hold: bool) {
    let mut conn = database(services, Service::Sessions).await;
    let statement = if hold {
        "create function refuse() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$; \
         create trigger refuse before insert on inbox for each row execute function refuse(); \
         create trigger refuse before insert on dead_letters for each row execute function refuse()"
    } else {
        "drop trigger refuse on inbox; drop trigger refuse on dead_letters; drop function refuse()"
    };
    sqlx::raw_sql(statement).execute(&mut conn).await.expect("done");
}

/// Waits until nobody has a message to take, and nobody has one in hand.
async fn settle_queues(queues: &Queues) {
    eventually("empty queues", PATIENCE, async || {
        let waiting = queues.waiting("auth.account_events").await + queues.waiting(PROFILES).await;
        (waiting == 0).then_some(())
    })
    .await;
}

/// What must be in no log and in no reason.
const PLANTED: &str = "planted-Kettle0-secret";

/// A message of a known type with these headers in place of its own.
fn poison(like: &Message, headers: &[(&str, Option<&str>)], body: &[u8]) -> Message {
    let mut table = FieldTable::default();
    for (name, value) in like.properties.headers().as_ref().expect("headers") {
        let value = match headers.iter().find(|(changed, _)| *changed == name.as_str()) {
            Some((_, text)) => text.map(|text| AMQPValue::LongString(text.into())),
            None => Some(value.clone()),
        };
        if let Some(value) = value {
            table.insert(name.clone(), value);
        }
    }
    Message {
        routing_key: like.routing_key.clone(),
        properties: like.properties.clone().with_headers(table),
        body: body.to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_poison_ends_in_the_dead_letters_with_its_reason_and_others_flow_on() {
    let Some(engines) = Engines::start().await else { return };
    let services = Services::start(&Setup::on(&engines)).await;
    let queues = Queues::of(&engines.rabbitmq, &services).await;
    let mut state = State::of_services(&services).await;
    let since = Instant::now();
    work(&services, "ada@example.org", 1).await;
    state.settle().await;
    let usual = since.elapsed();
    let recorded = queues.recorded().await;
    let password = Account::password(0);
    assert!(recorded.iter().all(|message| !String::from_utf8_lossy(&message.body).contains(&password)));
    let like = recorded.iter().find(|message| message.routing_key.contains("UserRegistered")).expect("a sign-up");
    let id = |number: u128| uuid::Uuid::from_u128(number).to_string();
    let body = format!("{{\"password\": \"{PLANTED}\"");
    let body = body.as_bytes();
    let bare = BasicProperties::default();
    let messages = [
        poison(like, &[("cloudEvents:id", Some(&id(1)))], body),
        poison(
            like,
            &[("cloudEvents:id", Some(&id(2))), ("cloudEvents:type", Some("tessera.unknown.v1.Nothing"))],
            body,
        ),
        poison(
            like,
            &[("cloudEvents:id", Some(&id(3))), ("cloudEvents:type", Some("tessera.auth.v99.UserRegistered"))],
            body,
        ),
        poison(like, &[("cloudEvents:id", Some(&id(4))), ("cloudEvents:version", Some(PLANTED))], body),
        poison(like, &[("cloudEvents:id", None)], body),
        Message { routing_key: like.routing_key.clone(), properties: bare, body: body.to_vec() },
    ];
    for message in &messages {
        queues.put(PROFILES, message).await;
    }
    let since = Instant::now();
    work(&services, "grace@example.org", 1).await;
    state.settle().await;
    let flowed = since.elapsed();
    // Three times the usual: the machine may have become busier meanwhile.
    assert!(flowed < 3 * usual + STALL + LENIENCE, "others wait: {flowed:?} after {usual:?}");
    let mut sessions = database(&services, Service::Sessions).await;
    let kept: Vec<(String, String, Vec<u8>)> =
        sqlx::query_as("select consumer, reason, body from dead_letters order by reason, id")
            .fetch_all(&mut sessions)
            .await
            .expect("rows");
    assert_eq!(kept.len(), messages.len(), "{kept:?}");
    for (consumer, reason, kept_body) in &kept {
        assert_eq!((consumer.as_str(), kept_body.as_slice()), (PROFILES, body));
        assert!(!reason.is_empty() && !reason.contains(PLANTED), "{reason}");
    }
    let reasons: Vec<&str> = kept.iter().map(|(_, reason, _)| reason.as_str()).collect();
    for (said, times) in [("cannot be read", 4), ("does not know this type", 2)] {
        assert_eq!(reasons.iter().filter(|reason| reason.contains(said)).count(), times, "{said}: {reasons:?}");
    }
    let broken = state.broken().await;
    assert!(broken.iter().all(|broken| broken.rule == "no event died in sessions"), "{broken:?}");
    assert!(!services.log().contains(PLANTED) && !services.log().contains(&Account::password(0)));
    eprintln!("F20 poison: {} kept with their reasons; others flowed on, settled within {flowed:.2?}", kept.len());
}
