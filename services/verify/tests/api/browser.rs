//! The dev mailbox in a browser, with and without scripts, and before a checker of accessibility: where `TESSERA_TEST_BROWSER` names a
//! folder with `puppeteer-core` and `axe-core`, and a Chromium is at `/usr/bin/chromium` or where `CHROMIUM` says.

use std::process::Command;

use tessera_testkit::{Engine, TestApp, json};

use super::support::{Tenant, by_mail, with};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/browser/mailbox.cjs");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mailbox_is_the_same_page_with_and_without_scripts_and_lets_everybody_in() {
    let Ok(folder) = std::env::var("TESSERA_TEST_BROWSER") else {
        eprintln!("left out: TESSERA_TEST_BROWSER names no folder with puppeteer-core and axe-core");
        return;
    };
    let app = TestApp::start(Engine::Sqlite).await;
    let shop = Tenant::of(&app);
    let body =
        "<p>Your code is {{{CODE}}}, or <a href=\"https://shop.test/verify?id={{{VERIFICATION_ID}}}\">click</a>.</p>";
    for recipient in ["grace@example.org", "ada@example.org"] {
        let wanted = with(by_mail(recipient), "template.body", json!(body));
        let _ = shop.initiate(&with(wanted, "policy.forcedCode", json!("424242"))).await.expect(200);
        let caught = app.get(&format!("/dev/messages?to={recipient}&wait=20")).send().await.expect(200).json();
        assert_eq!(caught[0]["to"], recipient);
    }
    let url = format!("{}/dev/mailbox", app.origin);
    let browser = move || Command::new("node").args([SCRIPT, &folder, &url, "grace@example.org"]).output();
    let output = tokio::task::spawn_blocking(browser).await.expect("it ends").expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
