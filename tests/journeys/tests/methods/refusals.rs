//! What a back end is refused, and what it sees of that.

use tessera_journeys::{Answer, Value, json};

use super::shop::{Shop, by_message, id_of, other_than, shown};

const INITIATE: &str = "/methods/email/actions/initiate";
const RESEND: &str = "/methods/email/actions/resend";

/// Every kind of refusal that there is in the tables of the contract, but for those of a single method.
pub async fn all(shop: &Shop<'_>) {
    what_cannot_be_read(shop).await;
    a_wrong_verb(shop).await;
    a_forced_code_without_its_scope(shop).await;
    too_many_messages(shop).await;
    too_many_answers(shop).await;
    somebody_elses(shop).await;
    resending(shop).await;
    removing_a_secret(shop).await;
}

fn refused(status: u16, error: &str) -> Value {
    json!({ "status": status, "error": error })
}

async fn what_cannot_be_read(shop: &Shop<'_>) {
    let send = async |content_type: &str, body: String| {
        shop.with_headers(shop.api.post(INITIATE)).body(content_type, body).send().await
    };
    let body = by_message("bea@example.org").to_string();
    let unread = send("text/plain", body.clone()).await.expect(406).json();
    assert_eq!(unread, json!({ "error": "Unsupported \"Content-Type\"" }));
    for broken in ["{", "[1,]", "{\"consumer\":1,\"consumer\":2}"] {
        assert_eq!(send("application/json", broken.to_owned()).await.expect(400).json(), refused(400, "Invalid JSON"));
    }
    let large = json!({ "more": "x".repeat(64 * 1024) }).to_string();
    assert_eq!(send("application/json", large).await.expect(413).json()["status"], 413);
    let _ = send("application/json; charset=utf-8", body).await.expect(200);
}

async fn a_wrong_verb(shop: &Shop<'_>) {
    let answer = shop.with_headers(shop.api.put(INITIATE)).json(&json!({})).send().await.expect(405);
    assert_eq!((answer.header("allow"), &answer.json()["status"]), ("POST", &json!(405)));
    let id = id_of(&shop.initiate("email", &by_message("carl@example.org")).await.expect(200).json());
    // HEAD is GET without a body, also for what is not there.
    let head =
        async |id: &str| shop.with_headers(shop.api.head(&format!("/methods/email/verifiers/{id}"))).send().await;
    let found = head(&id).await.expect(200);
    assert_eq!((found.header("content-type"), found.text.as_str()), ("application/json; charset=utf-8", ""));
    assert_eq!(head("nothing").await.expect(404).text, "");
}

async fn a_forced_code_without_its_scope(shop: &Shop<'_>) {
    let mut body = by_message("dora@example.org");
    body["policy"]["forcedCode"] = json!("the shop's own");
    assert_eq!(shop.initiate("email", &body).await.expect(403).json(), refused(403, "Forbidden"));
    let scoped = Shop::of(shop.api, "verify verify:forced_code").await;
    let id = id_of(&scoped.initiate("email", &body).await.expect(200).json());
    let _ = shop.validate("email", &id, "the shop's own").await.expect(200);
}

async fn too_many_messages(shop: &Shop<'_>) {
    let body = by_message("emil@example.org");
    for _ in 0..10 {
        let _ = shop.initiate("email", &body).await.expect(200);
    }
    let answer = shop.initiate("email", &body).await.expect(429);
    assert_eq!(answer.json(), refused(429, "Too Many Requests"));
    assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=10;w=600");
    let wait: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=601).contains(&wait), "{wait}");
    assert_eq!(answer.header("ratelimit"), format!("\"default\";r=0;t={wait}"));
}

async fn too_many_answers(shop: &Shop<'_>) {
    let id = id_of(&shop.initiate("email", &by_message("fred@example.org")).await.expect(200).json());
    let code = shop.codes("fred@example.org", 1).await.remove(0);
    for attempts in 1..=5 {
        let judged = shop.validate("email", &id, other_than(&code)).await.expect(422).json();
        assert_eq!((&judged["error"], &judged["data"]["attempts"]), (&json!("Invalid code"), &json!(attempts)));
    }
    for answer in [shop.validate("email", &id, &code).await, shop.get("email", &id).await] {
        assert_eq!(answer.expect(404).json(), refused(404, "Not found"));
    }
}

/// The platform is a tenant, too: what it has begun answers a back end as what is not there does.
async fn somebody_elses(shop: &Shop<'_>) {
    let account = json!({ "email": "gina@example.org", "password": "Secret1*2*3*4*5*6" });
    let _ = shop.api.post("/sign_up").json(&account).send().await.expect(201);
    let link = shop.api.mailed_link("gina@example.org").await.expect("a link");
    let token = link.split("token=").nth(1).expect("a token");
    let (id, code) = token.split_once('.').expect("an id and a code");
    let of = async |id: &str| -> [Answer; 3] {
        let delete = shop.api.delete(&format!("/methods/email/verifiers/{id}"));
        [shop.get("email", id).await, shop.validate("email", id, code).await, shop.with_headers(delete).send().await]
    };
    for answer in of(id).await.into_iter().chain(of("dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f").await) {
        assert_eq!(answer.expect(404).json(), refused(404, "Not found"));
    }
    let _ = shop.api.get(&link).send().await.expect(204);
}

async fn resending(shop: &Shop<'_>) {
    let mut body = by_message("hugo@example.org");
    let unknown = shop.post(RESEND, &body).await.expect(404).json();
    assert_eq!(unknown["error"], "Verification data not found");
    let id = id_of(&shop.initiate("email", &body).await.expect(200).json());
    body["policy"]["forcedVerificationId"] = json!(id);
    body["policy"]["expiredOn"] = json!("00:30:00");
    let early = shop.post(RESEND, &body).await.expect(403).json();
    assert_eq!(early["error"], "Time of last send not yet pass");
    body["policy"]["expiredOn"] = json!("abc");
    let invalid = shop.post(RESEND, &body).await.expect(422).json();
    let detail = json!([{ "path": "policy.expiredOn", "error": "expiredOn format is invalid" }]);
    assert_eq!((&invalid["error"], &invalid["details"]), (&json!("Invalid request"), &detail));
    body["policy"]["expiredOn"] = json!("01:00:00");
    body["issuer"] = json!("Shop");
    let never = shop.post("/methods/google_auth/actions/resend", &body).await.expect(422).json();
    assert_eq!(never["details"][0]["error"], "google_auth not supported");
    assert_eq!(shop.codes("hugo@example.org", 1).await.len(), 1);
}

async fn removing_a_secret(shop: &Shop<'_>) {
    let body = json!({ "consumer": "ida", "issuer": "Shop", "policy": { "expiredOn": "01:00:00" } });
    let begin = async || shop.initiate("google_auth", &body).await.expect(200).json();
    let remove = async |id: &str, code: &str| {
        let path = format!("/methods/google_auth/verifiers/{id}/actions/validate");
        shop.post(&path, &json!({ "code": code, "removeSecret": true })).await
    };
    let first = begin().await;
    let [now, next] = shown(first["totpUri"].as_str().expect("a link"));
    let _ = shop.validate("google_auth", &id_of(&first), &now).await.expect(200);
    let second = begin().await;
    // The code was used: it removes nothing.
    let _ = remove(&id_of(&second), &now).await.expect(422);
    assert_eq!(begin().await.get("totpUri"), None);
    let _ = remove(&id_of(&second), &next).await.expect(200);
    assert!(begin().await["totpUri"].is_string());
}
