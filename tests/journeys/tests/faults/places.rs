//! `kill -9` at the one place where two steps of a flow are apart: what comes again afterwards ends it.

use tessera_journeys::load::{Caller, Fuse};
use tessera_journeys::{Engines, History, Outcome, Service, Services, Setup, State};

use crate::hold::{Hold, database};

/// What a gateway says of a service that is gone, and auth of one that does not answer.
const EXCUSED: [u16; 2] = [502, 503];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_kill_9_of_auth_between_proof_and_effect_is_mended_by_the_same_link_and_has_one_effect() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup::on(&engines)).await;
    let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
    let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &EXCUSED };
    let email = "ada@example.org";
    assert_eq!(caller.sign_up(email, 0).await, Outcome::Done);

    let mut hold = Hold::updates(&services, Service::Auth, "mailed_links", "new.done_at is not null").await;
    let killed = async {
        hold.reached().await;
        services.kill9(Service::Auth, 0);
    };
    let (told, ()) = futures::join!(caller.verify_email(email), killed);
    assert_eq!(told, Outcome::Unknown, "nobody was told of a proof");
    hold.let_go().await;
    let mut verify = database(&services, Service::Verify).await;
    let proved = sqlx::query_scalar("select count(*) from verifications where state = 'proved'");
    let proved: i64 = proved.fetch_one(&mut verify).await.expect("a number");
    assert_eq!(proved, 1, "it was killed after the proof");

    services.launch(Service::Auth, 0).await;
    for _ in 0..2 {
        assert_eq!(caller.verify_email(email).await, Outcome::Done);
    }
    let mut state = State::of_services(&services).await;
    state.settle().await;
    assert_eq!(state.broken().await, []);
    let mut auth = database(&services, Service::Auth).await;
    let noted = sqlx::query_scalar("select count(*) from account_events where action = 'email_verified'");
    let noted: i64 = noted.fetch_one(&mut auth).await.expect("a number");
    assert_eq!(noted, 1);
    assert_eq!(history.violations(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_kill_9_of_verify_between_count_and_answer_keeps_the_count_and_the_code() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup::on(&engines)).await;
    let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
    let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &EXCUSED };
    let consumer = "grace@example.org";
    let token = caller.tenant_token().await.expect("a token");
    let id = caller.initiate(&token, consumer).await.expect("a verification");
    let code = caller.code(consumer).await.expect("a mail");

    // The attempt is counted and committed before the code is compared; what a right one changes waits.
    let mut hold = Hold::updates(&services, Service::Verify, "verifications", "new.state <> old.state").await;
    let killed = async {
        hold.reached().await;
        services.kill9(Service::Verify, 0);
    };
    let (told, ()) = futures::join!(caller.spend(&token, &id, &code), killed);
    assert_eq!(told, Outcome::Unknown);
    let counted = sqlx::query_as("select cast(attempts as bigint), state from verifications where lookup_id = $1");
    let counted: (i64, String) =
        counted.bind(id.to_lowercase()).fetch_one(&mut hold.database).await.expect("the verification");
    assert_eq!(counted, (1, "live".to_owned()));
    hold.let_go().await;

    services.launch(Service::Verify, 0).await;
    assert_eq!(caller.spend(&token, &id, &code).await, Outcome::Done, "it was not spent");
    assert_eq!(caller.spend(&token, &id, &code).await, Outcome::Refused);
    assert_eq!(history.violations(), []);
}
