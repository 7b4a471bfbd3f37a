//! A rolling restart of two replicas of each service under load: through a proxy that retries refused connections nobody notices.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tessera_journeys::{Api, Ground, Service, Services, Setup, json};

const PASSWORD: &str = "Secret1*2*3*4*5*6";

/// Callers at once. Each does the next thing when the one before is answered.
const CALLERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_every_replica_is_restarted() {
    let Some(ground) = Ground::find().await else { return };
    let mut services = Services::start(&Setup { replicas: 2, ..ground.setup() }).await;
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let (api, over, answered) = (services.api(), Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(async move { call_until(&api, number, &over, &answered).await })
        })
        .collect();
    for service in Service::ALL {
        for number in 0..2 {
            let before = answered.load(Ordering::Relaxed);
            services.terminate(service, number).await;
            services.launch(service, number).await;
            assert!(answered.load(Ordering::Relaxed) > before, "nobody was served while {service:?} {number} was away");
        }
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every request was answered as it should be");
    }
}

/// One person and one back end, over and over: each answer is the right one.
async fn call_until(api: &Api, number: usize, over: &AtomicBool, answered: &AtomicUsize) {
    let email = format!("caller{number}@example.org");
    let account = json!({ "email": email, "password": PASSWORD });
    let _ = api.post("/sign_up").json(&account).send().await.expect(201);
    while !over.load(Ordering::Relaxed) {
        let login = json!({ "username": email, "password": PASSWORD });
        let login = api.post("/auth/login").json(&login).send().await.expect(200);
        let cookie = login.set_cookie("__client").expect("a cookie");
        let client = api.get("/v1/client").cookie(&cookie).send().await.expect(200).json();
        let session = client["response"]["last_active_session_id"].as_str().expect("a session").to_owned();
        let tokens = format!("/v1/client/sessions/{session}/tokens");
        let _ = api.post(&tokens).cookie(&cookie).send().await.expect(200);
        let form = [("grant_type", "client_credentials"), ("scope", "verify")];
        let token = api.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await;
        let token = token.expect(200).json()["access_token"].as_str().expect("a token").to_owned();
        let initiate = json!({
            "consumer": format!("consumer{number}@example.org"),
            "template": { "body": "{{{CODE}}}" },
            "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
            "policy": { "expiredOn": "01:00:00", "forcedVerificationId": format!("00000000-0000-4000-8000-{number:012}") },
        });
        let call = api.post("/methods/email/actions/initiate").header("accept", "application/json").bearer(&token);
        let status = call.json(&initiate).send().await.status.as_u16();
        assert!([200, 429].contains(&status), "{status}");
        answered.fetch_add(5, Ordering::Relaxed);
    }
}
