//! An authenticator app: scans links, and shows codes.

use chrono::TimeDelta;
use tessera_testkit::{TestApp, Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::support::{Tenant, text};

/// An app that scanned a link.
pub struct AuthenticatorApp<'a> {
    app: &'a TestApp,
    totp: Totp,
}

impl<'a> AuthenticatorApp<'a> {
    /// The app after it scanned `uri`.
    pub fn scanned(app: &'a TestApp, uri: &str) -> Self {
        let (_, rest) = uri.split_once("?secret=").expect("a secret");
        Self::typed(app, rest.split('&').next().expect("a secret"))
    }

    /// The app after somebody typed a secret.
    pub fn typed(app: &'a TestApp, base32: &str) -> Self {
        let secret = Secret::try_from_base32(base32).expect("base32");
        Self { app, totp: Builder::new().with_secret(secret).build().expect("an app") }
    }

    /// The code that it shows, so many steps from now.
    pub fn code_in(&self, steps: i32) -> String {
        let at = self.app.clock.now() + TimeDelta::seconds(30) * steps;
        self.totp.generate(u64::try_from(at.timestamp()).expect("a time")).to_string()
    }

    /// The code that it shows.
    pub fn code(&self) -> String {
        self.code_in(0)
    }

    /// A code that is none of those around now.
    pub fn wrong(&self) -> String {
        let near: Vec<_> = (-2..=2).map(|steps| self.code_in(steps)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).expect("a code")
    }
}

/// A request for a consumer.
pub fn by_app(consumer: &str) -> Value {
    json!({ "consumer": consumer, "issuer": "Shop", "policy": { "expiredOn": "01:00:00" } })
}

/// Starts a verification, and answers its id with the link, if there is one.
pub async fn initiated(shop: &Tenant<'_>, consumer: &str) -> (String, Option<String>) {
    let answer = shop.by("google_auth").initiate(&by_app(consumer)).await.expect(200).json();
    (text(&answer["verificationId"]), answer.get("totpUri").map(text))
}

/// Starts a verification for a consumer without a secret: its id, and the app.
pub async fn scanned<'a>(shop: &Tenant<'a>, consumer: &str) -> (String, AuthenticatorApp<'a>) {
    let (id, uri) = initiated(shop, consumer).await;
    (id, AuthenticatorApp::scanned(shop.app, &uri.expect("a link")))
}

/// The app of a consumer who has just confirmed.
pub async fn enrolled<'a>(shop: &Tenant<'a>, consumer: &str) -> AuthenticatorApp<'a> {
    let (id, phone) = scanned(shop, consumer).await;
    let _ = validate(shop, &id, &phone.code()).await.expect(200);
    phone
}

/// Answers with a code.
pub async fn validate(shop: &Tenant<'_>, id: &str, code: &str) -> tessera_testkit::Answer {
    shop.by("google_auth").validate(id, &json!({ "code": code })).await
}
