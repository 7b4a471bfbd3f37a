//! The gateway's configuration, run by a real nginx before services that write down what reaches them. Where there is no nginx, these
//! tests are left out, and `make test` says so.

#![cfg(test)]

mod nginx;
mod service;

use nginx::Gateway;
use tessera_common::server::{Endpoints, MAX_BODY};
use tessera_testkit::Value;

fn registered() -> [(&'static str, Endpoints); 4] {
    [
        ("auth", tessera_auth::endpoints()),
        ("sessions", tessera_sessions::endpoints()),
        ("verify", tessera_verify::endpoints().and(tessera_verify::dev_endpoints())),
        ("oauth", tessera_oauth::endpoints()),
    ]
}

#[tokio::test]
async fn every_operation_arrives_at_its_service_as_it_was_sent() {
    let Some(gateway) = Gateway::start().await else { return };
    for (service, endpoints) in registered() {
        for endpoint in endpoints.iter() {
            let path = endpoint.path().replace('{', "a%20").replace('}', "~b");
            let line = format!("{} {path}?next=//x;y/../%2F HTTP/1.1", endpoint.method());
            let head = format!("{line}\r\nHost: id.example\r\nContent-Length: 0");
            let answer = gateway.send(&head, b"").await;
            assert_eq!((answer.status, answer.body.as_str()), (200, service), "{line}");
            let arrived = gateway.service(service).last();
            assert_eq!(arrived.line, line);
            assert_eq!(arrived.header("host"), "id.example");
        }
    }
}

#[tokio::test]
async fn a_path_is_taken_as_it_was_written_and_the_longest_route_wins() {
    let Some(gateway) = Gateway::start().await else { return };
    for (path, service) in [
        ("/", "auth"),
        ("/sessionsx", "auth"),
        ("/sessions/", "sessions"),
        ("/SESSIONS", "auth"),
        ("/%73essions", "auth"),
        ("/auth/logout", "oauth"),
        ("/auth/logout/", "auth"),
        ("/oauth2?/sessions", "oauth"),
        ("/internal/sessions/cut", "auth"),
        ("/health/ready", "auth"),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, service), "{path}");
    }
}

#[tokio::test]
async fn a_path_with_two_readings_reaches_no_service() {
    let Some(gateway) = Gateway::start().await else { return };
    for path in [
        "//sign_in",
        "/sign_in//",
        "/sign_in;x",
        "/a%2fb",
        "/a%5Cb",
        "/a%2E%2e/b",
        "/a%3bb",
        "/a%252fb",
        "/a\\b",
        "/a/../b",
        "/a/.",
        "/./a",
        "/a#b",
        "http://id.example//sign_in",
    ] {
        let answer = gateway.get(path).await;
        assert_eq!((answer.status, answer.header("x-content-type-options")), (404, "nosniff"), "{path}");
    }
    // nginx itself cannot read these.
    for path in ["/../b", "/a%00b", "/a%zz"] {
        assert_eq!(gateway.get(path).await.status, 400, "{path}");
    }
    for (service, _) in registered() {
        assert_eq!(gateway.service(service).count(), 0, "{service}");
    }
}

#[tokio::test]
async fn what_the_gateway_refuses_it_says_as_the_services_do() {
    let Some(gateway) = Gateway::start().await else { return };
    let own = gateway.get("/nowhere//").await;
    assert_eq!(own.header("content-type"), "application/problem+json");
    let body: Value = own.json();
    assert_eq!(body["type"], "urn:tessera:error:not_found");
    assert_eq!(body["request_id"].as_str().map(str::len), Some(32));
    assert_eq!(body["request_id"], own.header("x-request-id"));

    let identity = gateway.get("/auth//login").await;
    assert_eq!(identity.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(identity.header("x-error-code"), "not_found");
    assert_eq!(identity.body, "there is nothing at this address");

    let client = gateway.get("/v1//client").await;
    assert_eq!(client.json()["errors"][0]["code"], "resource_not_found");
    assert_eq!(client.header("x-error-code"), "");
    assert_eq!(gateway.get("/methods//x").await.json()["error"], "Not found");
    assert_eq!(gateway.get("/sessions//x").await.json()["error"], "Not Found");
    assert_eq!(gateway.get("/oauth2//x").await.json()["error"], "invalid_request");

    let unreadable = gateway.get("/../x").await;
    assert_eq!((unreadable.status, unreadable.json()["code"].clone()), (400, "malformed".into()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_it_is_announced_or_not() {
    let Some(gateway) = Gateway::start().await else { return };
    let announced = |len: usize| format!("POST /sign_up HTTP/1.1\r\nHost: id.example\r\nContent-Length: {len}");
    let answer = gateway.send(&announced(MAX_BODY), &vec![b'x'; MAX_BODY]).await;
    assert_eq!((answer.status, gateway.service("auth").last().body), (200, MAX_BODY));
    let answer = gateway.send(&announced(MAX_BODY + 1), b"").await;
    assert_eq!((answer.status, answer.json()["error"].clone()), (413, "Payload Too Large".into()));

    let chunked = "POST /sign_up HTTP/1.1\r\nHost: id.example\r\nTransfer-Encoding: chunked";
    let body = [format!("{:x}\r\n", MAX_BODY + 1).into_bytes(), vec![b'x'; MAX_BODY + 1], b"\r\n0\r\n\r\n".to_vec()];
    assert_eq!(gateway.send(chunked, &body.concat()).await.status, 413);
    assert_eq!(gateway.service("auth").count(), 1);
}

#[tokio::test]
async fn a_service_that_is_down_is_503_in_its_dialect_and_the_others_answer() {
    let Some(gateway) = Gateway::start().await else { return };
    gateway.service("oauth").stop();
    let answer = gateway.get("/oauth2/token").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(gateway.get("/v1/client").await.status, 200);
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let Some(gateway) = Gateway::start().await else { return };
    // The gateway has a connection by now, which it takes for good.
    assert_eq!(gateway.get("/password").await.status, 200);
    gateway.service("auth").hang_up();
    for method in ["GET", "PUT", "POST"] {
        let head = format!("{method} /password HTTP/1.1\r\nHost: id.example\r\nContent-Length: 0");
        assert_eq!(gateway.send(&head, b"").await.status, 503, "{method}");
    }
    assert_eq!(gateway.service("auth").count(), 1 + 3);
}

#[tokio::test]
async fn a_client_cannot_say_where_it_comes_from() {
    let Some(gateway) = Gateway::start().await else { return };
    let forged = "GET / HTTP/1.1\r\nHost: id.example\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Proto: https";
    assert_eq!(gateway.send(forged, b"").await.status, 200);
    let arrived = gateway.service("auth").last();
    assert_eq!(arrived.header("x-forwarded-for"), "unix:", "this test's own address");
    assert_eq!((arrived.header("x-forwarded-proto"), arrived.header("forwarded")), ("http", ""));
}

#[tokio::test]
async fn no_query_is_logged() {
    let Some(gateway) = Gateway::start().await else { return };
    gateway.service("oauth").stop();
    for path in ["/identity/email_verification?token=SECRET", "/oauth2/token?token=SECRET", "/a//b?token=SECRET"] {
        let _ = gateway.get(path).await;
    }
    let log = gateway.log_of(3).await;
    assert!(log.contains("/identity/email_verification") && log.contains("\"http.status\":503"), "{log}");
    assert!(!log.contains("SECRET"), "{log}");
}

#[test]
fn only_public_ports_are_named() {
    let configuration = tessera_standalone::gateway::configuration().expect("a configuration");
    for internal in ["9000", "9080", "9081", "9082", "9083"] {
        assert!(!configuration.contains(internal), "{internal}");
    }
}
