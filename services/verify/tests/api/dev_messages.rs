//! `GET /dev/messages` and `GET /dev/mailbox`.

use tessera_testkit::{Engine, TestApp, json, on_every_database};

use super::support::{Tenant, by_mail, mailed, with};

on_every_database! {
    async fn the_mailed_link_of_a_sign_up_is_caught(app: TestApp) {
        let body = json!({ "email": "Ada@example.org", "password": "Secret1*2*3*4*5*6" });
        let _ = app.post("/sign_up").json(&body).send().await.expect(201);
        let messages = app.get("/dev/messages?to=ada@example.org&wait=10").send().await.expect(200).json();
        assert_eq!(messages.as_array().map(Vec::len), Some(1));
        assert_eq!(messages[0]["channel"], "email");
        assert_eq!(messages[0]["to"], "Ada@example.org");
        assert_eq!(messages[0]["subject"], "Verify your email");
        assert_eq!(messages[0]["created_at"], "2026-01-15T10:00:00.000Z");
        let link = format!("{}/identity/email_verification?email=ada%40example.org&#38;token=", app.origin);
        assert!(messages[0]["body"].as_str().is_some_and(|body| body.contains(&link)), "{messages}");
    }

    async fn messages_are_found_by_recipient_channel_and_order(app: TestApp) {
        let shop = Tenant::of(&app);
        for (consumer, subject) in [("Ada@example.org", "1"), ("eve@example.org", "2"), ("ada@example.org", "3")] {
            let _ = shop.started(&with(by_mail(consumer), "template.subject", json!(subject))).await;
        }
        let list = async |query: &str| {
            let messages = app.get(&format!("/dev/messages?{query}")).send().await.expect(200).json();
            let subjects = messages.as_array().expect("an array").iter().map(|message| message["subject"].clone());
            (subjects.collect::<Vec<_>>(), messages)
        };
        let (subjects, all) = list("").await;
        assert_eq!(subjects, ["3", "2", "1"]);
        let oldest = all[2]["id"].as_str().expect("an id");
        assert_eq!(list("to=ADA@example.org").await.0, ["3", "1"]);
        assert_eq!(list(&format!("to=ada@example.org&after={oldest}")).await.0, ["3"]);
        assert_eq!(list("channel=email&to=&after=").await.0.len(), 3);
        assert_eq!(list("channel=sms").await.0.len(), 0);
        for query in ["wait=26", "wait=x", "wait=-1", "channel=pigeon", "after=7", "to=a&to=b"] {
            let answer = app.get(&format!("/dev/messages?{query}")).send().await.expect(422);
            assert_eq!(answer.header("content-type"), "application/problem+json", "{query}");
        }
    }

    async fn a_wait_ends_with_the_message(app: TestApp) {
        let shop = Tenant::of(&app);
        let body = by_mail("ada@example.org");
        let (caught, _) = futures::join!(app.get("/dev/messages?to=ada@example.org&wait=25").send(), shop.initiate(&body));
        assert_eq!(caught.expect(200).json().as_array().map(Vec::len), Some(1));
    }

    async fn the_page_shows_a_mail_without_letting_it_act(app: TestApp) {
        let shop = Tenant::of(&app);
        let html = "<p>Code {{{CODE}}}</p><a href=\"https://shop.test/?a=1&amp;b=2\">go</a><script>alert(1)</script>\"><b>";
        let body = with(by_mail("ada@example.org"), "template.body", json!(html));
        let body = with(body, "template.subject", json!("<script>alert(2)</script>"));
        let _ = shop.initiate(&with(body, "policy.forcedCode", json!("c0de"))).await.expect(200);
        let _ = mailed(&app, "ada@example.org").await;
        let page = app.get("/dev/mailbox?to=ada@example.org").send().await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.header("content-security-policy").starts_with("default-src 'none';"));
        assert!(!page.text.contains("<script"), "{}", page.text);
        assert!(page.text.contains("sandbox=\"\" srcdoc=\"&#60;p&#62;Code c0de"), "{}", page.text);
        assert!(page.text.contains("<a href=\"https://shop.test/?a=1&#38;b=2\" rel=\"noreferrer\">"), "{}", page.text);
        assert!(page.text.contains("<label for=\"to\">To</label>"));
        for copied in ["https://shop.test/?a=1&#38;b=2", "c0de"] {
            assert!(page.text.contains(&format!("<code class=\"copied\">{copied}</code>")), "{copied} {}", page.text);
        }
        let empty = app.get("/dev/mailbox?to=nobody@example.org").send().await.expect(200);
        assert!(empty.text.contains("No message to nobody@example.org yet."));
    }
}

on_every_database! {
    async fn the_page_shows_a_text_message_as_text(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let body = with(by_mail("+4915112345678"), "template.body", json!("<b>{{{CODE}}}</b> is it: https://shop.test/?a=1&b=2."));
        let _ = shop.started(&with(body, "policy.forcedCode", json!("0042"))).await;
        let page = app.get("/dev/mailbox?channel=sms&to=%2B4915112345678").send().await.expect(200);
        assert!(page.text.contains("&#60;b&#62;0042&#60;/b&#62; is it"), "{}", page.text);
        assert!(page.text.contains("<code class=\"copied\">https://shop.test/?a=1&#38;b=2</code>"), "{}", page.text);
        assert!(page.text.contains("<code class=\"copied\">0042</code>"), "{}", page.text);
        assert!(!page.text.contains("<iframe") && !page.text.contains("<script"), "{}", page.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_dev_profile_has_them() {
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_PROFILE", "production")]).await;
    for path in ["/dev/messages", "/dev/mailbox"] {
        let _ = app.get(path).send().await.expect(404);
    }
}
