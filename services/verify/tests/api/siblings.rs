//! `VerifyApi`: what auth and sessions call.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use tessera_common::random::Random;
use tessera_contracts::ids::{UserId, VerificationId};
use tessera_contracts::verify::{
    Cancel, Channel, CodeForm, Initiate, Initiated, Message, MessageName, Purpose, Validate, Verdict, VerifyApi as _,
};
use tessera_testkit::{TestApp, json, on_every_database};

use super::support::{Tenant, as_auth, mailed, mails, other_than};

fn link(app: &TestApp, purpose: Purpose, destination: &str) -> Initiate {
    let (now, random) = (app.clock.now(), Random::system());
    let id = VerificationId::new(now, &random);
    let name = match purpose {
        Purpose::VerifyEmail => MessageName::VerifyEmail,
        _ => MessageName::ResetPassword,
    };
    Initiate {
        id,
        holder: format!("mailed_link:{id}"),
        channel: Channel::Email,
        purpose,
        subject: UserId::new(now, &random),
        destination: destination.to_owned(),
        message: Message {
            name,
            values: BTreeMap::from([("link".to_owned(), "https://id.example/?a=1&token=".to_owned())]),
        },
        code: CodeForm::Long,
        lifetime_s: 3600,
        browser_client: None,
    }
}

/// The code in the newest mail.
async fn code(app: &TestApp, initiate: &Initiate) -> String {
    let body = mailed(app, &initiate.destination).await;
    let (_, after) = body.split_once(&format!("token={}.", initiate.id)).unwrap_or_else(|| panic!("{body}"));
    after.split('"').next().expect("a code").to_owned()
}

async fn validate(app: &TestApp, initiate: &Initiate, code: &str) -> Verdict {
    validate_for(app, initiate.id, &initiate.holder, code).await
}

async fn validate_for(app: &TestApp, id: VerificationId, holder: &str, code: &str) -> Verdict {
    let validate = Validate { id, holder: holder.to_owned(), code: code.to_owned().into() };
    as_auth(app).validate(validate).await.expect("judged")
}

async fn initiate(app: &TestApp, initiate: &Initiate) -> Initiated {
    as_auth(app).initiate(initiate.clone()).await.expect("opened")
}

on_every_database! {
    async fn a_mailed_link_proves_once_and_its_holder_may_ask_again(app: TestApp) {
        let reset = link(&app, Purpose::ResetPassword, "ada@example.org");
        let expires_at = app.clock.now() + TimeDelta::hours(1);
        assert_eq!(initiate(&app, &reset).await, Initiated::Live { expires_at });
        let code = code(&app, &reset).await;
        assert!(code.len() == 43 && code.chars().all(|symbol| symbol.is_ascii_alphanumeric()), "{code}");
        assert_eq!(mails(&app, "ada@example.org").await[0]["subject"], "Reset your password");
        assert_eq!(validate_for(&app, reset.id, "mailed_link:another", &code).await, Verdict::Unknown);
        assert_eq!(validate(&app, &reset, &code).await, Verdict::Proved);
        assert_eq!(validate(&app, &reset, &code).await, Verdict::ProvedBefore);
        assert_eq!(validate(&app, &reset, &other_than(&code)).await, Verdict::Wrong { attempts: 1, left: None });
        assert_eq!(validate_for(&app, reset.id, "mailed_link:another", &code).await, Verdict::Unknown);
        app.advance(TimeDelta::hours(1));
        assert_eq!(validate(&app, &reset, &code).await, Verdict::Unknown);
    }

    async fn of_several_who_validate_at_once_one_proves(app: TestApp) {
        let reset = link(&app, Purpose::ResetPassword, "ada@example.org");
        let _ = initiate(&app, &reset).await;
        let code = code(&app, &reset).await;
        let verdicts = join_all((0..16).map(|_| validate(&app, &reset, &code))).await;
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Proved).count(), 1);
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::ProvedBefore).count(), 15);
    }

    async fn a_long_code_cannot_be_spoiled_by_wrong_ones(app: TestApp) {
        let verify = link(&app, Purpose::VerifyEmail, "ada@example.org");
        let _ = initiate(&app, &verify).await;
        let code = code(&app, &verify).await;
        for attempts in 1..=30 {
            assert_eq!(validate(&app, &verify, "wrong").await, Verdict::Wrong { attempts, left: None });
        }
        assert_eq!(validate(&app, &verify, &code).await, Verdict::Proved);
    }

    async fn a_short_code_is_compared_five_times(app: TestApp) {
        let short = Initiate { code: CodeForm::Short { digits: 6 }, ..link(&app, Purpose::VerifyEmail, "ada@example.org") };
        let _ = initiate(&app, &short).await;
        let code = code(&app, &short).await;
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        for attempts in 1..=5 {
            assert_eq!(validate(&app, &short, &other_than(&code)).await, Verdict::Wrong { attempts, left: Some(5 - attempts) });
        }
        assert_eq!(validate(&app, &short, &code).await, Verdict::Unknown);
    }

    async fn a_repeated_initiation_sends_nothing_new(app: TestApp) {
        let verify = link(&app, Purpose::VerifyEmail, "ada@example.org");
        let again = join_all((0..4).map(|_| initiate(&app, &verify))).await;
        app.advance(TimeDelta::minutes(5));
        let later = initiate(&app, &verify).await;
        assert!(again.iter().all(|answer| *answer == later), "{again:?} {later:?}");
        let stolen = Initiate { holder: "mailed_link:another".to_owned(), ..verify.clone() };
        assert!(as_auth(&app).initiate(stolen).await.is_err());
        let code = code(&app, &verify).await;
        assert_eq!(validate(&app, &verify, &code).await, Verdict::Proved);
        // Also not after its end: a call that is repeated late must not mail a second link.
        let _ = initiate(&app, &verify).await;
        assert_eq!(validate(&app, &verify, &code).await, Verdict::ProvedBefore);
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        assert_eq!(mails(&app, "ada@example.org").await.len(), 1);
    }

    async fn a_cancelled_verification_is_gone(app: TestApp) {
        let reset = link(&app, Purpose::ResetPassword, "ada@example.org");
        let _ = initiate(&app, &reset).await;
        let code = code(&app, &reset).await;
        for _ in 0..2 {
            as_auth(&app).cancel(Cancel::Id(reset.id)).await.expect("cancelled");
        }
        assert_eq!(validate(&app, &reset, &code).await, Verdict::Unknown);
    }

    async fn all_verifications_of_a_holder_are_cancelled_together(app: TestApp) {
        let first = link(&app, Purpose::ResetPassword, "ada@example.org");
        let second = Initiate { holder: first.holder.clone(), ..link(&app, Purpose::ResetPassword, "eve@example.org") };
        let other = link(&app, Purpose::ResetPassword, "joe@example.org");
        let mut codes = Vec::new();
        for opened in [&first, &second, &other] {
            let _ = initiate(&app, opened).await;
            codes.push(code(&app, opened).await);
        }
        for _ in 0..2 {
            as_auth(&app).cancel(Cancel::Holder(first.holder.clone())).await.expect("cancelled");
        }
        assert_eq!(validate(&app, &first, &codes[0]).await, Verdict::Unknown);
        assert_eq!(validate(&app, &second, &codes[1]).await, Verdict::Unknown);
        assert_eq!(validate(&app, &other, &codes[2]).await, Verdict::Proved);
    }

    async fn checking_counts_what_is_wrong_and_spends_nothing(app: TestApp) {
        let short = Initiate { code: CodeForm::Short { digits: 6 }, ..link(&app, Purpose::VerifyEmail, "ada@example.org") };
        let _ = initiate(&app, &short).await;
        let code = code(&app, &short).await;
        let check = async |holder: &str, code: &str| {
            let validate = Validate { id: short.id, holder: holder.to_owned(), code: code.to_owned().into() };
            as_auth(&app).check(validate).await.expect("judged")
        };
        for _ in 0..7 {
            assert_eq!(check(&short.holder, &code).await, Verdict::Proved);
        }
        assert_eq!(check("sign_in:another", &code).await, Verdict::Unknown);
        assert_eq!(check(&short.holder, &other_than(&code)).await, Verdict::Wrong { attempts: 1, left: Some(4) });
        assert_eq!(validate(&app, &short, &code).await, Verdict::Proved);
        assert_eq!(check(&short.holder, &code).await, Verdict::ProvedBefore);
        for attempts in 2..=5 {
            assert_eq!(check(&short.holder, &other_than(&code)).await, Verdict::Wrong { attempts, left: Some(5 - attempts) });
        }
        assert_eq!(check(&short.holder, &code).await, Verdict::Unknown);
    }

    async fn a_recipient_gets_one_message_in_30_seconds_and_five_an_hour(app: TestApp) {
        let reset = |destination: &str| link(&app, Purpose::ResetPassword, destination);
        for _ in 0..5 {
            assert!(matches!(initiate(&app, &reset("ada@example.org")).await, Initiated::Live { .. }));
            assert_eq!(initiate(&app, &reset("Ada@Example.org")).await, Initiated::Limited { retry_after: 31 });
            assert!(matches!(initiate(&app, &reset(&format!("{}@example.org", uuid::Uuid::from_bytes(Random::system().bytes())))).await, Initiated::Live { .. }));
            app.advance(TimeDelta::seconds(30));
        }
        assert_eq!(initiate(&app, &reset("ada@example.org")).await, Initiated::Limited { retry_after: 3600 - 150 + 1 });
        app.advance(TimeDelta::hours(1));
        assert!(matches!(initiate(&app, &reset("ada@example.org")).await, Initiated::Live { .. }));
    }

    async fn the_first_mail_of_an_account_is_not_hindered_by_others(app: TestApp) {
        let _ = initiate(&app, &link(&app, Purpose::ResetPassword, "ada@example.org")).await;
        let first = link(&app, Purpose::VerifyEmail, "ada@example.org");
        assert!(matches!(initiate(&app, &first).await, Initiated::Live { .. }));
        let second = Initiate { subject: first.subject, ..link(&app, Purpose::VerifyEmail, "ada@example.org") };
        assert!(matches!(initiate(&app, &second).await, Initiated::Limited { .. }));
    }

    async fn a_tenant_does_not_see_the_platforms_verifications(app: TestApp) {
        let reset = link(&app, Purpose::ResetPassword, "ada@example.org");
        let _ = initiate(&app, &reset).await;
        let code = code(&app, &reset).await;
        for client in ["shop", "platform"] {
            let tenant = Tenant { client, ..Tenant::of(&app) };
            let _ = tenant.get(&reset.id.to_string()).await.expect(404);
            let _ = tenant.validate(&reset.id.to_string(), &json!({ "code": code })).await.expect(404);
        }
        assert_eq!(validate(&app, &reset, &code).await, Verdict::Proved);
    }
}
