//! pyotp scans our links: it shows what we take, and takes what the app of our other tests shows.

use tessera_testkit::{Engine, TestApp, json};

use super::{answered, script};
use crate::authenticator_app::{AuthenticatorApp, by_app, validate};
use crate::support::{Tenant, text, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_reads_the_link_and_shows_the_code() {
    let Some(script) = script("authenticator") else {
        return;
    };
    let app = TestApp::start(Engine::Sqlite).await;
    let shop = Tenant::of(&app);
    let (issuer, consumer) = ("Grüße: Müller & Co/KG?", "ada+1@example.org");
    let body = with(by_app(consumer), "issuer", json!(issuer));
    let answer = shop.by("google_auth").initiate(&body).await.expect(200).json();
    let uri = text(&answer["totpUri"]);
    let ours = AuthenticatorApp::scanned(&app, &uri);
    let codes = [ours.code(), ours.wrong()];
    let asked = json!({ "uri": uri, "at": app.clock.now().timestamp(), "codes": codes });
    let said = answered(script, &asked).await;
    assert_eq!((&said["name"], &said["issuer"]), (&json!(consumer), &json!(issuer)));
    assert_eq!(said["takes"], json!([true, false]));
    let _ = validate(&shop, &text(&answer["verificationId"]), &text(&said["code"])).await.expect(200);
}
