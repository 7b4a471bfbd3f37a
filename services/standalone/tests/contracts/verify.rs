//! `VerifyApi`, both ways.

use std::collections::BTreeMap;

use tessera_common::random::Random;
use tessera_contracts::http::verify::HttpVerify;
use tessera_contracts::ids::{UserId, VerificationId};
use tessera_contracts::verify::{
    Channel, CodeForm, Initiate, Initiated, Message, MessageName, Purpose, Validate, Verdict, VerifyApi,
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
    api.cancel(short.id).await.expect("cancelled");
    api.cancel(short.id).await.expect("cancelled, again");
    judged.push(validate(api, &short, "x").await);
    for _ in 0..5 {
        begun.push(api.initiate(link(app, address, CodeForm::Long)).await.expect("begun"));
    }
    (begun, judged)
}

on_every_database! {
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
        assert_eq!(judged[4..], [Verdict::Wrong { attempts: 1, left: Some(4) }, Verdict::Unknown]);
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
