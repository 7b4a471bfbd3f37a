//! Twilio's own client posts what our sender posts, and takes what our provider of tests answers.

use std::collections::BTreeMap;

use tessera_testkit::json;

use super::{answered, script};
use crate::providers::{SmsProvider, TAKEN, Texted, deliveries, until, with_sms_provider_as};
use crate::support::{Tenant, by_mail, with};

const PHONE: &str = "+4915112345678";

/// What a provider goes by: method and path, who sends, how the form is written, and what stands in it.
fn read(texted: &Texted) -> (String, [String; 2], BTreeMap<String, String>) {
    let mut lines = texted.head.lines();
    let request = lines.next().expect("a request").to_owned();
    let headers: BTreeMap<_, _> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value)).collect();
    let header = |name: &str| (*headers.get(name).unwrap_or_else(|| panic!("no {name}: {}", texted.head))).to_owned();
    let form = url::form_urlencoded::parse(texted.form.as_bytes()).into_owned().collect();
    (request, [header("authorization"), header("content-type")], form)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_providers_own_client_sends_what_we_send_and_is_content_with_the_answer() {
    for (setting, sender, argument) in [
        ("TESSERA_VERIFY_SMS_FROM", "+4930123456", "from_"),
        ("TESSERA_VERIFY_SMS_MESSAGING_SERVICE", "MG1", "messaging_service_sid"),
    ] {
        let Some(script) = script("text_message") else {
            return;
        };
        let provider = SmsProvider::start().await;
        provider.now(TAKEN);
        let app = with_sms_provider_as(&provider, &[(setting, sender)]).await;
        let body = with(by_mail(PHONE), "template.body", json!("Köln: {{{CODE}}} & 100 % more"));
        let body = with(body, "policy.forcedCode", json!("0042"));
        let _ = Tenant::of(&app).by("phone").initiate(&body).await.expect(200);
        until(&app, async || deliveries(&app).await[0].state == "sent").await;
        let message = json!({ "to": PHONE, argument: sender, "body": "Köln: 0042 & 100 % more" });
        let asked = json!({ "account": "AC1", "token": "a token", "url": provider.url, "message": message });
        let said = answered(script, &asked).await;
        assert_eq!(said, json!({ "sid": "SM1", "status": "queued", "error_code": null }));
        let texted: Vec<_> = provider.texted().iter().map(read).collect();
        assert_eq!(texted.len(), 2);
        assert_eq!(texted[0], texted[1]);
    }
}
