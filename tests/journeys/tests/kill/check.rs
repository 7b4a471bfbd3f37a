//! What must hold as soon as the program is up again.

use std::time::Duration;

use tessera_journeys::{Api, eventually};

use crate::account::{Account, Contest, Must, Operation, Outcome};
use crate::flow::{sign_in, sign_up};

/// A cut that did not get done in the half second that an answer waits for it, and was then killed, is repeated when its claim has
/// run out.
const UNTIL_CUT: Duration = Duration::from_secs(20);

/// One account came of the contest at most, and whoever was told to have won it has.
pub async fn contest(api: &Api, contest: &Contest) {
    let of = |outcome| (0..contest.outcomes.len()).filter(move |number| contest.outcomes[*number] == outcome);
    let mut let_in = Vec::new();
    for number in 0..contest.outcomes.len() {
        if signs_in(api, &contest.address, number).await {
            let_in.push(number);
        }
    }
    let won: Vec<usize> = of(Outcome::Done).collect();
    let somebody_won = !won.is_empty() || of(Outcome::Refused).next().is_some();
    assert!(won.len() <= 1 && let_in.len() <= 1, "several have it, {let_in:?}: {contest:?}");
    assert!(let_in.ends_with(&won), "{let_in:?} has it: {contest:?}");
    assert!(!somebody_won || !let_in.is_empty(), "nobody has it: {contest:?}");
    assert!(!of(Outcome::Refused).any(|number| let_in.contains(&number)), "{let_in:?} was refused: {contest:?}");
}

/// The account is there if that was acknowledged, and wholly or not at all if not; one password is right; its sessions are as they must.
pub async fn account(api: &Api, account: &mut Account) {
    match account.outcome(Operation::SignUp) {
        None => return,
        Some(Outcome::Unknown) if !signs_in(api, &account.email, 0).await => {
            let again = sign_up(api, &account.email, 0).send().await;
            assert_eq!(again.status, 201, "half an account: {again:?} {account:?}");
            return;
        }
        Some(_) => {}
    }
    let mut right = Vec::new();
    for password in account.candidates() {
        if signs_in(api, &account.email, password).await {
            right.push(password);
        }
    }
    assert_eq!(right.len(), 1, "passwords {right:?} are right: {account:#?}");
    account.right = right.first().copied();
    if let Some(former) = account.acknowledged_password().checked_sub(1) {
        assert!(!signs_in(api, &account.email, former).await, "password {former} is right again: {account:#?}");
    }
    // The cut of a change that nobody was told of may be under way for seconds yet: its sessions are looked at once all is settled.
    if account.right == Some(account.acknowledged_password()) {
        sessions(api, account).await;
    }
}

/// Each session of the account is as it must be. It must be known which password is right.
pub async fn sessions(api: &Api, account: &Account) {
    for (session, opened) in account.sessions.iter().enumerate() {
        let is_live = async || {
            let answer = api.get("/sessions").bearer(&opened.token).send().await;
            assert!(answer.status == 200 || answer.status == 401, "{answer:?}");
            answer.status == 200
        };
        match account.must(session) {
            Must::Live => assert!(is_live().await, "session {session} is lost: {account:#?}"),
            Must::BeDead => assert!(!is_live().await, "session {session} is alive again: {account:#?}"),
            Must::Die => {
                let what = format!("the end of session {session} of {account:#?}");
                eventually(&what, UNTIL_CUT, async || (!is_live().await).then_some(())).await;
            }
            Must::BeEither => {}
        }
    }
}

async fn signs_in(api: &Api, email: &str, password: usize) -> bool {
    let answer = sign_in(api, email, password).send().await;
    assert!(answer.status == 201 || answer.status == 401, "{answer:?}");
    answer.status == 201
}
