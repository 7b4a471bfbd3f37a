//! The provider of text messages: who sends, and how long it may take.

use super::providers::{SmsProvider, TAKEN, deliveries, tried, until, with_sms_provider_as};
use super::support::{Tenant, by_mail, with};
use tessera_testkit::json;

const PHONE: &str = "+4915112345678";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_messaging_service_sends_in_the_place_of_a_number() {
    let provider = SmsProvider::start().await;
    provider.now(TAKEN);
    let app = with_sms_provider_as(&provider, &[("TESSERA_VERIFY_SMS_MESSAGING_SERVICE", "MG1")]).await;
    let body = with(by_mail(PHONE), "policy.forcedCode", json!("0042"));
    let _ = Tenant::of(&app).by("phone").initiate(&body).await.expect(200);
    until(&app, async || deliveries(&app).await[0].state == "sent").await;
    let forms: Vec<String> = provider.texted().into_iter().map(|texted| texted.form).collect();
    assert_eq!(forms, ["To=%2B4915112345678&MessagingServiceSid=MG1&Body=0042"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_that_is_not_answered_in_time_is_sent_once_more() {
    let provider = SmsProvider::start().await;
    provider.is_silent(true);
    // Enough for the provider to be reached and to hear the message, on a busy machine too.
    let settings = [("TESSERA_VERIFY_SMS_FROM", "+4930123456"), ("TESSERA_VERIFY_PROVIDER_TIMEOUT_MS", "2000")];
    let app = with_sms_provider_as(&provider, &settings).await;
    let body = with(by_mail(PHONE), "policy.expiredOn", json!("30.00:00:00"));
    let _ = Tenant::of(&app).by("phone").initiate(&body).await.expect(200);
    let stands = tried(&app, 1).await;
    let reason = "the provider did not say whether it took the message: no answer in time";
    assert_eq!((stands.state.as_str(), stands.last_error.as_deref()), ("queued", Some(reason)));
    until(&app, async || deliveries(&app).await[0].state == "failed").await;
    let texted = provider.texted();
    assert_eq!((texted.len(), &texted[0].form), (2, &texted[1].form));
}
