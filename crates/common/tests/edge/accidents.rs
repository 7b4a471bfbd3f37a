//! Every accident in every dialect, as it leaves the edge: its status, its form, its headers, and the request's id.

use std::net::IpAddr;

use actix_web::{App, HttpRequest, HttpResponse, middleware, test, web};
use serde_json::Value;
use tessera_common::clock::Clock;
use tessera_common::dialect::{Accident, Dialect, Limited};
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Origin, guard, not_found};

/// Whether a content type and a body are the form of a dialect.
type HasForm = fn(&str, &str) -> bool;

/// A path of each dialect, and how its errors look.
const DIALECTS: [(&str, HasForm); 7] = [
    ("/sign_x", |kind, body| kind.starts_with("application/json") && json(body)["error"].is_string()),
    ("/sessions/auth/x", |_, body| json(body)["error"].is_string() && json(body)["requestId"].is_string()),
    ("/v1/x", |_, body| json(body)["errors"][0]["code"].is_string() && json(body)["clerk_trace_id"].is_string()),
    ("/auth/x", |kind, body| kind == "text/plain; charset=utf-8" && !body.starts_with('{')),
    ("/oauth2/x", |_, body| json(body)["error"].is_string() && json(body)["error_description"].is_string()),
    ("/methods/x", |_, body| json(body)["status"].is_u64() && json(body)["error"].is_string()),
    ("/x", |kind, body| kind == "application/problem+json" && json(body)["request_id"].is_string()),
];

const ACCIDENTS: [(&str, u16); 10] = [
    ("malformed", 400),
    ("foreign", 403),
    ("missing", 404),
    ("verb", 405),
    ("unacceptable", 406),
    ("large", 413),
    ("type", 415),
    ("limited", 429),
    ("panic", 500),
    ("down", 503),
];

fn json(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_default()
}

async fn happen(request: HttpRequest) -> HttpResponse {
    let accident = match request.query_string() {
        "malformed" => Accident::Malformed,
        "foreign" => Accident::ForeignOrigin,
        "missing" => Accident::NotFound,
        "verb" => Accident::MethodNotAllowed { allow: "GET, HEAD".to_owned() },
        "unacceptable" => Accident::NotAcceptable,
        "large" => Accident::TooLarge,
        "type" => Accident::UnsupportedMediaType,
        "limited" => Accident::RateLimited(Limited { retry_after: 7, quota: 10, window: 900 }),
        "down" => Accident::Unavailable { retry_after: 3 },
        _ => panic!("the password is hunter2"),
    };
    Dialect::of(request.path()).answer(&accident)
}

fn edge() -> EdgeSettings {
    EdgeSettings {
        origin: Origin::try_from("https://id.example".to_owned()).expect("an origin"),
        allowed_origins: vec![],
        allow_loopback_origins: false,
        trusted_proxies: vec![],
        callers_are_ours: false,
    }
}

/// The status, headers and body that leave the edge.
async fn call(uri: &str) -> (u16, Vec<(String, String)>, String) {
    let app = App::new()
        .app_data(web::Data::new(edge()))
        .app_data(web::Data::new(Clock::machine()))
        .app_data(web::Data::new(Random::seeded(1)))
        .route("/{tail:.*}", web::get().to(happen))
        .default_service(web::to(not_found))
        .wrap(middleware::from_fn(guard));
    let app = test::init_service(app).await;
    let peer = (IpAddr::from([127, 0, 0, 1]), 1).into();
    let request = test::TestRequest::get().uri(uri).peer_addr(peer).to_request();
    let response = match test::try_call_service(&app, request).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().expect("text").to_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = response.status().as_u16();
    let body = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_default();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

#[actix_web::test]
async fn each_accident_has_its_status_form_and_request_id_in_each_dialect() {
    for (path, has_its_form) in DIALECTS {
        for (what, status) in ACCIDENTS {
            let (answered, headers, body) = call(&format!("{path}?{what}")).await;
            let header =
                |name: &str| headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
            assert_eq!(answered, status, "{path} {what}: {body}");
            assert!(has_its_form(header("content-type"), &body), "{path} {what}: {body}");
            assert_eq!(header("x-request-id").len(), 32, "{path} {what}");
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("strict-transport-security"), "max-age=31536000");
            assert!(!body.contains("hunter2"), "{path} {what}: {body}");
            match what {
                "verb" => assert_eq!(header("allow"), "GET, HEAD"),
                "down" => assert_eq!(header("retry-after"), "3"),
                "limited" => {
                    assert_eq!(header("retry-after"), "7");
                    assert_eq!(header("ratelimit"), "\"default\";r=0;t=7");
                    assert_eq!(header("ratelimit-policy"), "\"default\";q=10;w=900");
                }
                // OAuth's two members are all that its standard gives an error; the id is in the header.
                "panic" => assert!(path == "/oauth2/x" || body.contains(header("x-request-id")), "{path}: {body}"),
                _ => {}
            }
        }
    }
}
