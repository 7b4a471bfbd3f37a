//! Two contexts on one database: what is counted and used up by one is so for the other.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use tessera_contracts::call::CallError;
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
use super::validate::five_were_compared;

fn two(app: &TestApp) -> [ForSibling; 2] {
    let ring = KeyRing::generate(&Random::system());
    [(); 2].map(|()| replica(app, &ring).for_sibling(Sibling::Auth))
}

/// Holds that of 200 guesses at once, shared out between two, five are compared.
async fn five_are_compared_of_200(
    contexts: &[ForSibling; 2],
    guess: impl AsyncFn(&ForSibling) -> Result<Verdict, CallError>,
) {
    let mut verdicts = join_all((0..200).map(|n| guess(&contexts[n % 2]))).await;
    // If many of them were turned away, these use up what is left: who comes alone is not.
    for n in 0..6 {
        verdicts.push(guess(&contexts[n % 2]).await);
    }
    let (mut told, mut turned_away) = (Vec::new(), 0);
    for verdict in verdicts {
        match verdict {
            Ok(Verdict::Wrong { attempts, .. }) => told.push(attempts),
            Ok(Verdict::Unknown) => {}
            Err(CallError::Unavailable { .. }) => turned_away += 1,
            other => panic!("{other:?}"),
        }
    }
    five_were_compared(told, turned_away);
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
        five_are_compared_of_200(&contexts, async |verify| {
            let code = "no code".to_owned().into();
            verify.validate(Validate { id: initiate.id, holder: initiate.holder.clone(), code }).await
        }).await;
    }

    async fn of_200_first_codes_at_two_contexts_at_most_five_are_compared(app: TestApp) {
        let contexts = two(&app);
        let (now, random) = (app.clock.now(), Random::system());
        let (user, enrolment) = (UserId::new(now, &random), EnrolmentId::new(now, &random));
        let enrol = AuthenticatorEnrol { user, enrolment, label: "ada".to_owned() };
        let secret = contexts[0].authenticator_enrol(enrol).await.expect("begun").secret;
        let guess: SecretString = AuthenticatorApp::typed(&app, secret.expose_secret()).wrong().into();
        five_are_compared_of_200(&contexts, async |verify| {
            verify.authenticator_confirm(AuthenticatorConfirm { user, enrolment, code: guess.clone() }).await
        }).await;
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
