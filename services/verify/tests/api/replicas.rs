//! Two contexts on one database: what is counted and used up by one is so for the other.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use tessera_contracts::ids::{AttemptId, EnrolmentId, UserId, VerificationId};
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, Channel, CodeForm, FactorAnswer, Initiate, Message, MessageName, Purpose,
    ServesSiblings as _, Validate, Verdict, VerifyApi as _,
};
use tessera_testkit::{TestApp, on_every_database};
use tessera_tokens::key_ring::KeyRing;
use tessera_verify::ForSibling;

use super::authenticator_app::AuthenticatorApp;
use super::housekeeping::replica;

fn two(app: &TestApp) -> [ForSibling; 2] {
    let ring = KeyRing::generate(&Random::system());
    [(); 2].map(|()| replica(app, &ring).for_sibling(Sibling::Auth))
}

/// Which verdicts 200 guesses have, shared out between two.
async fn guessed(
    contexts: &[ForSibling; 2],
    guess: impl AsyncFn(&ForSibling) -> Verdict,
) -> BTreeMap<&'static str, usize> {
    let verdicts = join_all((0..200).map(|n| guess(&contexts[n % 2]))).await;
    verdicts.into_iter().fold(BTreeMap::new(), |mut seen, verdict| {
        let name = match verdict {
            Verdict::Proved => "proved",
            Verdict::ProvedBefore => "proved before",
            Verdict::Wrong { .. } => "wrong",
            Verdict::Unknown => "unknown",
        };
        *seen.entry(name).or_default() += 1;
        seen
    })
}

on_every_database! {
    async fn of_200_guesses_at_two_contexts_at_most_five_are_compared(app: TestApp) {
        let contexts = two(&app);
        let (now, random) = (app.clock.now(), Random::system());
        let initiate = Initiate {
            id: VerificationId::new(now, &random),
            holder: "sign_in:one".to_owned(),
            channel: Channel::Email,
            purpose: Purpose::VerifyEmail,
            subject: UserId::new(now, &random),
            destination: "ada@example.org".to_owned(),
            message: Message {
                name: MessageName::VerifyEmail,
                values: BTreeMap::from([("link".to_owned(), "https://id.example/?token=".to_owned())]),
            },
            code: CodeForm::Short { digits: 6 },
            lifetime_s: 600,
            browser_client: None,
        };
        let _ = contexts[0].initiate(initiate.clone()).await.expect("opened");
        let seen = guessed(&contexts, async |verify| {
            let code = "no code".to_owned().into();
            let validate = Validate { id: initiate.id, holder: initiate.holder.clone(), code };
            verify.validate(validate).await.expect("judged")
        }).await;
        assert_eq!(seen, BTreeMap::from([("unknown", 195), ("wrong", 5)]));
    }

    async fn of_200_first_codes_at_two_contexts_at_most_five_are_compared(app: TestApp) {
        let contexts = two(&app);
        let (now, random) = (app.clock.now(), Random::system());
        let (user, enrolment) = (UserId::new(now, &random), EnrolmentId::new(now, &random));
        let enrol = AuthenticatorEnrol { user, enrolment, label: "ada".to_owned() };
        let secret = contexts[0].authenticator_enrol(enrol).await.expect("begun").secret;
        let guess: SecretString = AuthenticatorApp::typed(&app, secret.expose_secret()).wrong().into();
        let seen = guessed(&contexts, async |verify| {
            let confirm = AuthenticatorConfirm { user, enrolment, code: guess.clone() };
            verify.authenticator_confirm(confirm).await.expect("judged")
        }).await;
        assert_eq!(seen, BTreeMap::from([("unknown", 195), ("wrong", 5)]));
    }

    async fn a_code_used_at_one_context_is_used_at_the_other(app: TestApp) {
        let contexts = two(&app);
        let (now, random) = (app.clock.now(), Random::system());
        let (user, enrolment) = (UserId::new(now, &random), EnrolmentId::new(now, &random));
        let enrol = AuthenticatorEnrol { user, enrolment, label: "ada".to_owned() };
        let secret = contexts[0].authenticator_enrol(enrol).await.expect("begun").secret;
        let phone = AuthenticatorApp::typed(&app, secret.expose_secret());
        let confirm = AuthenticatorConfirm { user, enrolment, code: phone.code().into() };
        assert_eq!(contexts[1].authenticator_confirm(confirm).await.expect("judged"), Verdict::Proved);
        for _ in 0..4 {
            app.advance(TimeDelta::seconds(30));
            let code: SecretString = phone.code().into();
            let verdicts = join_all((0..4).map(|n| {
                let answer = FactorAnswer { user, attempt: AttemptId::new(now, &random), code: code.clone() };
                contexts[n % 2].authenticator_check(answer)
            })).await;
            let proved = verdicts.into_iter().filter(|verdict| matches!(verdict, Ok(Verdict::Proved))).count();
            assert_eq!(proved, 1);
        }
    }
}
