//! `VerifyApi`, both ways.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use tessera_contracts::http::verify::HttpVerify;
use tessera_contracts::ids::{AttemptId, BackupCodeSetId, EnrolmentId, UserId, VerificationId};
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorRemove, BackupCodesCount, BackupCodesIssue,
    BackupCodesRemove, BackupCodesUsed, Cancel, Channel, CodeForm, FactorAnswer, Initiate, Initiated, Message,
    MessageName, Purpose, Validate, Verdict, VerifyApi,
};
use tessera_testkit::{TestApp, on_every_database};

use super::support::{Internal, Services};

fn over_http(app: &TestApp) -> (HttpVerify, Internal) {
    let services = Services::new(&app.clock);
    let listener = services.listen("verify", tessera_verify::internal_endpoints(), app.platform.verify().clone());
    (HttpVerify::new(services.peer("auth", &listener.base)), listener)
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
            locale: Some("en".to_owned()),
            values: BTreeMap::from([("link".to_owned(), "https://id.example/?a=ä&token=".to_owned())]),
        },
        code,
        lifetime_s: 3600,
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
    (begun, judged)
}

/// A code of the app that `secret` was typed into, so many steps from now.
fn app_code(app: &TestApp, secret: &SecretString, steps: i32) -> SecretString {
    let secret = totp_rs::Secret::try_from_base32(secret.expose_secret()).expect("base32");
    let phone = totp_rs::Builder::new().with_secret(secret).build().expect("an app");
    let at = app.clock.now() + TimeDelta::seconds(30) * steps;
    phone.generate(u64::try_from(at.timestamp()).expect("a time")).to_string().into()
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
        let here = authenticators(&app, app.platform.verify()).await;
        assert_eq!(here, authenticators(&app, &remote).await);
        assert_eq!(here, [
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
        let here = backup_codes(&app, app.platform.verify()).await;
        assert_eq!(here, backup_codes(&app, &remote).await);
        let verdicts: Vec<_> = here.0.iter().map(|used| (used.verdict, used.left)).collect();
        assert_eq!(verdicts, [
            (Verdict::Proved, 9), (Verdict::ProvedBefore, 9), (Verdict::Wrong { attempts: 1, left: None }, 9),
        ]);
        let left: Vec<_> = here.1.iter().map(|count| (count.left, count.issued_at.is_some())).collect();
        assert_eq!(left, [(0, false), (9, true), (0, false)]);
    }

    async fn a_verification_lives_the_same_life_over_http(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let here = life(&app, app.platform.verify(), "here@example.org").await;
        let there = life(&app, &remote, "there@example.org").await;
        assert_eq!(here, there);
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

    async fn what_was_begun_here_is_proved_there(app: TestApp) {
        let (remote, _listener) = over_http(&app);
        let long = link(&app, "ada@example.org", CodeForm::Long);
        let _ = app.platform.verify().initiate(long.clone()).await.expect("begun");
        let code = code(&app, "ada@example.org", long.id).await;
        assert_eq!(validate(&remote, &long, &code).await, Verdict::Proved);
        assert_eq!(validate(app.platform.verify(), &long, &code).await, Verdict::ProvedBefore);
    }
}
