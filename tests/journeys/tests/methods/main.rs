//! Every method of the verification API as a back end uses it, in both shapes: the tables of the contract are verify's own tests, and
//! this is that its program serves the same.

#![cfg(test)]

mod refusals;
mod shop;

use tessera_journeys::{Engines, Ground, Setup, Shape, TlsFiles, json, warnings};

use shop::{Shop, by_message, id_of, other_than, shown};

#[tokio::test]
async fn every_method_in_one_process() {
    every_method(Shape::all_in_one().await).await;
}

#[tokio::test]
async fn every_method_over_four_services() {
    // Told to leave an engine out, there is nothing to do.
    let Some(ground) = Ground::find().await else { return };
    every_method(Shape::four_services(&ground.setup()).await).await;
}

#[tokio::test]
async fn every_method_over_three_replicas_of_each_service() {
    let Some(ground) = Ground::find().await else { return };
    every_method(Shape::four_services(&Setup { replicas: 3, ..ground.setup() }).await).await;
}

#[tokio::test]
async fn every_method_over_four_services_with_tls_between_any_two() {
    let tls = TlsFiles::make();
    let Some(engines) = Engines::start_over_tls(&tls, &tls, &tls).await else { return };
    every_method(Shape::four_services(&Setup::over_tls(&engines, tls)).await).await;
}

async fn every_method(platform: Shape) {
    let api = platform.api();
    let shop = Shop::of(&api, "verify").await;
    who_and_how(&shop).await;
    phone(&shop).await;
    resend_and_delete(&shop).await;
    authenticator(&shop).await;
    backup_codes(&shop).await;
    refusals::all(&shop).await;
    assert_eq!(warnings(&platform.log()), "", "nothing to warn of");
}

async fn who_and_how(shop: &Shop<'_>) {
    let path = "/methods/email/verifiers/nothing";
    let refused = shop.api.get(path).bearer(&shop.token).send().await.expect(406).json();
    assert_eq!(refused, json!({ "error": "Unsupported \"Accept\" header" }));
    let refused = shop.api.get(path).header("accept", "application/json").send().await.expect(401).json();
    assert_eq!(refused, json!({ "status": 401, "error": "Not Authorized" }));
    let refused = shop.get("fax", "nothing").await.expect(404).json();
    assert_eq!(refused, json!({ "status": 404, "error": "Method not supported" }));
    let refused = shop.post("/methods/email/actions/initiate", &json!({})).await.expect(422).json();
    assert_eq!(refused["error"], "Invalid request");
}

async fn phone(shop: &Shop<'_>) {
    let number = "+4915112345678";
    let started = shop.post("/methods/phone/actions/initiate", &by_message(number)).await.expect(200).json();
    let id = id_of(&started);
    let code = shop.codes(number, 1).await.remove(0);
    let judged = shop.validate("phone", &id, other_than(&code)).await.expect(422).json();
    assert_eq!(judged["data"]["attempts"], 1);
    let read = shop.get("phone", &id).await.expect(200).json();
    assert_eq!((&read["data"]["attempts"], &read["data"]["payload"]), (&json!(1), &json!({ "z": 1, "a": [2] })));
    let _ = shop.get("email", &id).await.expect(404);
    let _ = shop.validate("phone", &id, &code).await.expect(200);
    let _ = shop.validate("phone", &id, &code).await.expect(404);
}

async fn resend_and_delete(shop: &Shop<'_>) {
    let mut body = by_message("eve@example.org");
    let started = shop.post("/methods/email/actions/initiate", &body).await.expect(200).json();
    let id = id_of(&started);
    let first = shop.codes("eve@example.org", 1).await.remove(0);
    body["policy"]["forcedVerificationId"] = json!(id);
    let again = shop.post("/methods/email/actions/resend", &body).await.expect(200).json();
    assert_eq!(again["verificationId"], id);
    assert_eq!(shop.codes("eve@example.org", 2).await, [first.clone(), first.clone()]);
    let delete = async || shop.with_headers(shop.api.delete(&format!("/methods/email/verifiers/{id}"))).send().await;
    assert_eq!(delete().await.expect(200).json(), json!({ "status": 200 }));
    let _ = delete().await.expect(404);
    let _ = shop.validate("email", &id, &first).await.expect(404);
}

async fn authenticator(shop: &Shop<'_>) {
    let consumer = json!({ "consumer": "ada" });
    let enrolled = async || {
        let status = shop.post("/methods/google_auth/actions/status", &consumer).await.expect(200).json();
        status["data"]["enrolled"].clone()
    };
    let body = json!({ "consumer": "ada", "issuer": "Shop", "policy": { "expiredOn": "01:00:00" } });
    let started = shop.post("/methods/google_auth/actions/initiate?qr=svg", &body).await.expect(200).json();
    let uri = started["totpUri"].as_str().expect("a link");
    assert!(uri.starts_with("otpauth://totp/Shop:ada?secret="), "{uri}");
    assert!(started["qr"].as_str().is_some_and(|qr| qr.starts_with("data:image/svg+xml;base64,")), "{started}");
    assert_eq!(enrolled().await, json!(false));
    let [code, _] = shown(uri);
    let _ = shop.validate("google_auth", &id_of(&started), &code).await.expect(200);
    assert_eq!(enrolled().await, json!(true));
    let next = shop.post("/methods/google_auth/actions/initiate", &body).await.expect(200).json();
    assert_eq!(next.get("totpUri"), None, "a confirmed secret is not shown");
    let judged = shop.validate("google_auth", &id_of(&next), &code).await.expect(422).json();
    assert_eq!(judged["error"], "Invalid code", "a step is good once");
    let _ = shop.post("/methods/google_auth/actions/remove", &consumer).await.expect(200);
    let _ = shop.post("/methods/google_auth/actions/remove", &consumer).await.expect(404);
    assert_eq!(enrolled().await, json!(false));
}

async fn backup_codes(shop: &Shop<'_>) {
    let body = json!({ "consumer": "ada", "policy": { "expiredOn": "01:00:00" } });
    let started = shop.post("/methods/backup_code/actions/initiate", &body).await.expect(200).json();
    let codes = started["backupCodes"].as_array().expect("codes");
    assert_eq!((codes.len(), &started["backupCodesLeft"]), (10, &json!(10)));
    let code = codes[0].as_str().expect("a code");
    let judged = shop.validate("backup_code", &id_of(&started), code).await.expect(200).json();
    assert_eq!(judged["data"]["backupCodesLeft"], 9);
    let next = shop.post("/methods/backup_code/actions/initiate", &body).await.expect(200).json();
    assert_eq!((next.get("backupCodes"), &next["backupCodesLeft"]), (None, &json!(9)));
    let judged = shop.validate("backup_code", &id_of(&next), code).await.expect(422).json();
    assert_eq!(judged["error"], "Invalid code", "a code is good once");
}
