//! `VerifyApi`, both ways.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_contracts::call::CallError;
use tessera_contracts::http::verify::HttpVerify;
use tessera_contracts::ids::{AttemptId, BackupCodeSetId, BrowserClientId, EnrolmentId, UserId, VerificationId};
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorRemove, BackupCodesCount, BackupCodesIssue,
    BackupCodesRemove, BackupCodesUsed, Cancel, Channel, CodeForm, FactorAnswer, Initiate, Initiated, Message,
    MessageName, Purpose, Resend, Resent, ServesSiblings as _, Validate, Verdict, VerifyApi,
};
use tessera_testkit::{TestApp, on_every_database};
use tessera_verify::ForSibling;

use super::support::{Internal, Services};

/// verify as auth calls it, in this process.
fn here(app: &TestApp) -> ForSibling {
    app.platform.verify().for_sibling(Sibling::Auth)
}

/// verify as auth and as sessions call it, over HTTP.
fn both_over_http(app: &TestApp) -> ([HttpVerify; 2], Internal) {
    let services = Services::new(&app.clock);
    let listener = services.listen("verify", tessera_verify::internal_endpoints(), app.platform.verify().clone());
    (["auth", "sessions"].map(|caller| HttpVerify::new(services.peer(caller, &listener.base))), listener)
}

fn over_http(app: &TestApp) -> (HttpVerify, Internal) {
    let ([auth, _], listener) = both_over_http(app);
    (auth, listener)
}

fn link(app: &TestApp, destination: &str, code: CodeForm) -> Initiate {
    let (now, random) = (app.clock.now(), Random::system());
    let id = VerificationId::new(now, &random);
    Initiate {
        id,
        holder: format!("mailed_link:{id}"),
        channel: Channel::Email,
        purpose: Purpose::ResetPassword,
        subject: UserId::new(now, &random),
        destination: destination.to_owned(),
        message: Message {
            name: MessageName::ResetPassword,
            values: BTreeMap::from([("link".to_owned(), "https://id.example/?a=ä&token=".to_owned())]),
        },
        code,
        lifetime_s: 3600,
        browser_client: None,
    }
}

/// The code in the newest mail to `address`.
async fn code(app: &TestApp, address: &str, id: VerificationId) -> String {
    let mails = app.get(&format!("/dev/messages?to={address}&wait=20")).send().await.expect(200).json();
    let body = mails[0]["body"].as_str().expect("a mail").to_owned();
    let (_, after) = body.split_once(&format!("{id}.")).unwrap_or_else(|| panic!("{body}"));
    after.split('"').next().expect("a code").to_owned()
}

async fn validate(api: &dyn VerifyApi, initiate: &Initiate, code: &str) -> Verdict {
    let validate = Validate { id: initiate.id, holder: initiate.holder.clone(), code: code.to_owned().into() };
    api.validate(validate).await.expect("judged")
}

/// Everything that can come of a verification, in order.
async fn life(app: &TestApp, api: &dyn VerifyApi, address: &str) -> (Vec<Initiated>, Vec<Verdict>) {
    let mut begun = Vec::new();
    let long = link(app, address, CodeForm::Long);
    begun.push(api.initiate(long.clone()).await.expect("begun"));
    begun.push(api.initiate(long.clone()).await.expect("begun"));
    let code = code(app, address, long.id).await;
    let mut judged = Vec::new();
    for tried in ["wrong", &code, &code] {
        judged.push(validate(api, &long, tried).await);
    }
    let other_holder = Initiate { holder: "mailed_link:other".to_owned(), ..long.clone() };
    judged.push(validate(api, &other_holder, &code).await);
    let short = link(app, &format!("short-{address}"), CodeForm::Short { digits: 6 });
    begun.push(api.initiate(short.clone()).await.expect("begun"));
    judged.push(validate(api, &short, "x").await);
    let check = Validate { id: short.id, holder: short.holder.clone(), code: "x".to_owned().into() };
    judged.push(api.check(check).await.expect("judged"));
    api.cancel(Cancel::Id(short.id)).await.expect("cancelled");
    api.cancel(Cancel::Holder(short.holder.clone())).await.expect("cancelled, again");
    judged.push(validate(api, &short, "x").await);
    for _ in 0..5 {
        begun.push(api.initiate(link(app, address, CodeForm::Long)).await.expect("begun"));
    }
    let texted = Initiate { channel: Channel::Sms, destination: "+1".to_owned(), ..link(app, "", CodeForm::Long) };
    assert!(matches!(api.initiate(texted).await, Err(CallError::Failed { callee: "verify", .. })));
    (begun, judged)
}

/// A code of the app that `secret` was typed into, so many steps from now.
fn app_code(app: &TestApp, secret: &SecretString, steps: i32) -> SecretString {
    let secret = totp_rs::Secret::try_from_base32(secret.expose_secret()).expect("base32");
    let phone = totp_rs::Builder::new().with_secret(secret).build().expect("an app");
    let at = app.clock.now() + TimeDelta::seconds(30) * steps;
    phone.generate(u64::try_from(at.timestamp()).expect("a time")).to_string().into()
}

/// Everything that can come of a message that is sent again, in order.
async fn sent_again(app: &TestApp, api: &dyn VerifyApi, number: &str) -> Vec<Resent> {
    let texted = Initiate {
        channel: Channel::Sms,
        purpose: Purpose::SignIn,
        destination: number.to_owned(),
        message: Message { name: MessageName::SignInCode, values: BTreeMap::new() },
        browser_client: Some(BrowserClientId::new(app.clock.now(), &Random::system())),
        ..link(app, number, CodeForm::Short { digits: 6 })
    };
    let begun = api.initiate(texted.clone()).await.expect("begun");
    assert!(matches!(begun, Initiated::Live { .. }), "{begun:?}");
    let [first, second, third] = [(); 3].map(|()| ids::new_v7(app.clock.now(), &Random::system()));
    let resend = async |op, holder: &str| {
        api.resend(Resend { op, id: texted.id, holder: holder.to_owned() }).await.expect("answered")
    };
    let mut outcomes = vec![resend(first, &texted.holder).await];
    app.advance(TimeDelta::seconds(30));
    for (op, holder) in [(second, &texted.holder), (second, &texted.holder), (third, &"another".to_owned())] {
        outcomes.push(resend(op, holder).await);
    }
    outcomes
}

/// What auth began, as sessions and then auth itself find it.
async fn of_another_sibling(app: &TestApp, auth: &dyn VerifyApi, sessions: &dyn VerifyApi, address: &str) {
    let theirs = link(app, address, CodeForm::Short { digits: 6 });
    let _ = auth.initiate(theirs.clone()).await.expect("begun");
    let code = code(app, address, theirs.id).await;
    let presented =
        |code: &str| Validate { id: theirs.id, holder: theirs.holder.clone(), code: code.to_owned().into() };
    for tried in ["x", &code] {
        assert_eq!(sessions.validate(presented(tried)).await.expect("judged"), Verdict::Unknown);
        assert_eq!(sessions.check(presented(tried)).await.expect("judged"), Verdict::Unknown);
    }
    for cancel in [Cancel::Id(theirs.id), Cancel::Holder(theirs.holder.clone())] {
        sessions.cancel(cancel).await.expect("nothing to cancel");
    }
    assert!(sessions.initiate(theirs.clone()).await.is_err(), "its id is in use");
    // It was not even counted.
    assert_eq!(auth.check(presented("x")).await.expect("judged"), Verdict::Wrong { attempts: 1, left: Some(4) });
    assert_eq!(auth.validate(presented(&code)).await.expect("judged"), Verdict::Proved);
    assert_eq!(sessions.validate(presented(&code)).await.expect("judged"), Verdict::Unknown);
    assert_eq!(auth.validate(presented(&code)).await.expect("judged"), Verdict::ProvedBefore);
}

/// Everything that can come of an authenticator, in order.
async fn authenticators(app: &TestApp, api: &dyn VerifyApi) -> Vec<Verdict> {
    let (now, random) = (app.clock.now(), Random::system());
    let (user, enrolment) = (UserId::new(now, &random), EnrolmentId::new(now, &random));
    let enrol = AuthenticatorEnrol { user, enrolment, label: "ä@example.org".to_owned() };
    let first = api.authenticator_enrol(enrol.clone()).await.expect("begun");
    let again = api.authenticator_enrol(enrol).await.expect("begun");
    assert_eq!((first.secret.expose_secret(), first.expires_at), (again.secret.expose_secret(), again.expires_at));
    assert!(first.uri.expose_secret().starts_with("otpauth://totp/Tessera:%C3%A4@example.org?secret="));
    let mut judged = Vec::new();
    for code in ["x".to_owned().into(), app_code(app, &first.secret, 0), app_code(app, &first.secret, 0)] {
        let confirm = AuthenticatorConfirm { user, enrolment, code };
        judged.push(api.authenticator_confirm(confirm).await.expect("judged"));
    }
    let attempt = AttemptId::new(now, &random);
    for (attempt, steps) in [(attempt, 1), (attempt, 1), (AttemptId::new(now, &random), 0)] {
        let answer = FactorAnswer { user, attempt, code: app_code(app, &first.secret, steps) };
        judged.push(api.authenticator_check(answer).await.expect("judged"));
    }
    api.authenticator_remove(AuthenticatorRemove { user, enrolment: Some(enrolment) }).await.expect("removed");
    let answer = FactorAnswer { user, attempt: AttemptId::new(now, &random), code: app_code(app, &first.secret, 1) };
    judged.push(api.authenticator_check(answer).await.expect("judged"));
    judged
}

/// Everything that can come of backup codes, in order.
async fn backup_codes(app: &TestApp, api: &dyn VerifyApi) -> (Vec<BackupCodesUsed>, Vec<BackupCodesCount>) {
    let (now, random) = (app.clock.now(), Random::system());
    let (user, set) = (UserId::new(now, &random), BackupCodeSetId::new(now, &random));
    let mut counted = vec![api.backup_codes_count(user).await.expect("counted")];
    let codes = api.backup_codes_issue(BackupCodesIssue { user, set }).await.expect("issued").codes;
    let attempt = AttemptId::new(now, &random);
    let mut used = Vec::new();
    for (attempt, code) in [(attempt, &codes[0]), (attempt, &codes[0]), (AttemptId::new(now, &random), &codes[0])] {
        let answer = FactorAnswer { user, attempt, code: code.clone() };
        used.push(api.backup_codes_use(answer).await.expect("judged"));
    }
    counted.push(api.backup_codes_count(user).await.expect("counted"));
    api.backup_codes_remove(BackupCodesRemove { user, set: None }).await.expect("removed");
    counted.push(api.backup_codes_count(user).await.expect("counted"));
    (used, counted)
}

on_every_database! {
    async fn an_authenticator_lives_the_same_life_over_http(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let answered = authenticators(&app, &here(&app)).await;
        assert_eq!(answered, authenticators(&app, &remote).await);
        assert_eq!(answered, [
            Verdict::Wrong { attempts: 1, left: Some(4) },
            Verdict::Proved,
            Verdict::ProvedBefore,
            Verdict::Proved,
            Verdict::ProvedBefore,
            Verdict::Wrong { attempts: 1, left: None },
            Verdict::Unknown,
        ]);
    }

    async fn backup_codes_live_the_same_life_over_http(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let answered = backup_codes(&app, &here(&app)).await;
        assert_eq!(answered, backup_codes(&app, &remote).await);
        let verdicts: Vec<_> = answered.0.iter().map(|used| (used.verdict, used.left)).collect();
        assert_eq!(verdicts, [
            (Verdict::Proved, 9), (Verdict::ProvedBefore, 9), (Verdict::Wrong { attempts: 1, left: None }, 9),
        ]);
        let left: Vec<_> = answered.1.iter().map(|count| (count.left, count.issued_at.is_some())).collect();
        assert_eq!(left, [(0, false), (9, true), (0, false)]);
    }

    async fn a_verification_lives_the_same_life_over_http(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let answered = life(&app, &here(&app), "here@example.org").await;
        let there = life(&app, &remote, "there@example.org").await;
        assert_eq!(answered, there);
        let (begun, judged) = there;
        assert!(matches!(begun.first(), Some(Initiated::Live { .. })), "{begun:?}");
        assert!(matches!(begun.last(), Some(Initiated::Limited { .. })), "{begun:?}");
        assert_eq!(judged[..4], [
            Verdict::Wrong { attempts: 1, left: None },
            Verdict::Proved,
            Verdict::ProvedBefore,
            Verdict::Unknown,
        ]);
        assert_eq!(judged[4..], [
            Verdict::Wrong { attempts: 1, left: Some(4) },
            Verdict::Wrong { attempts: 2, left: Some(3) },
            Verdict::Unknown,
        ]);
    }

    async fn a_message_is_sent_again_over_http_as_it_is_here(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let answered = sent_again(&app, &here(&app), "+4915112345678").await;
        let [limited, sent, repeated, unknown] = answered[..] else { panic!("{answered:?}") };
        assert_eq!((limited, unknown), (Resent::Limited { retry_after: 31 }, Resent::Unknown));
        assert!(matches!(sent, Resent::Queued { .. }) && sent == repeated, "{answered:?}");
        let later = sent_again(&app, &remote, "+4915112345679").await;
        let Resent::Queued { expires_at } = later[1] else { panic!("{later:?}") };
        assert_eq!(later, [limited, Resent::Queued { expires_at }, Resent::Queued { expires_at }, unknown]);
    }

    async fn what_one_sibling_began_is_unknown_to_another(app: TestApp) {
        let sessions = app.platform.verify().for_sibling(Sibling::Sessions);
        let ([remote_auth, remote_sessions], _listener) = both_over_http(&app);
        of_another_sibling(&app, &here(&app), &sessions, "ada@example.org").await;
        of_another_sibling(&app, &remote_auth, &remote_sessions, "eve@example.org").await;
        // And so where one calls from here and the other over HTTP.
        of_another_sibling(&app, &sessions, &remote_auth, "joe@example.org").await;
    }

    async fn what_was_begun_here_is_proved_there(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let long = link(&app, "ada@example.org", CodeForm::Long);
        let _ = here(&app).initiate(long.clone()).await.expect("begun");
        let code = code(&app, "ada@example.org", long.id).await;
        assert_eq!(validate(&remote, &long, &code).await, Verdict::Proved);
        assert_eq!(validate(&here(&app), &long, &code).await, Verdict::ProvedBefore);
    }
}
