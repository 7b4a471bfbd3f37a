//! What browsers are told about pages of other origins, one test for each rule.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{App, HttpResponse, middleware, test, web};
use tessera_common::clock::Clock;
use tessera_common::dialect::{Accident, Dialect};
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Origin, guard, not_found};

/// An origin of the settings.
const ALLOWED: &str = "https://app.example";

/// Paths whose answers pages of allowed origins read.
const SHARED: [&str; 8] = [
    "/v1/client",
    "/auth/login",
    "/sessions",
    "/sessions/session",
    "/sign_in",
    "/registration",
    "/oauth2/token",
    "/oauth2/userinfo",
];

/// Paths that no page of another origin reads.
const OWN: [&str; 7] =
    ["/", "/methods/email", "/dev/messages", "/docs/", "/oauth2/authorize", "/auth/logout", "/ui/sessions"];

/// Paths that are published.
const PUBLISHED: [&str; 3] = ["/oauth2/jwks", "/oauth2/.well-known/openid-configuration", "/.well-known/jwks.json"];

fn origin(text: &str) -> Origin {
    Origin::try_from(text.to_owned()).expect("an origin")
}

/// Status and headers of an answer; `?down` is one that fails.
async fn call(dev: bool, method: Method, uri: &str, headers: &[(&'static str, &str)]) -> (u16, HeaderMap) {
    let edge = EdgeSettings {
        origin: origin("https://id.example"),
        allowed_origins: vec![origin(ALLOWED)],
        allow_loopback_origins: dev,
        trusted_proxies: vec![],
        callers_are_ours: false,
    };
    let answer = async |request: actix_web::HttpRequest| match request.query_string() {
        "down" => Dialect::of(request.path()).answer(&Accident::Unavailable { retry_after: 1 }),
        "panic" => panic!("as it is told"),
        _ => HttpResponse::Ok().insert_header(("vary", "Cookie")).finish(),
    };
    let app = App::new()
        .app_data(web::Data::new(edge))
        .app_data(web::Data::new(Clock::machine()))
        .app_data(web::Data::new(Random::seeded(1)))
        .route("/{tail:.*}", web::get().to(answer))
        .default_service(web::to(not_found))
        .wrap(middleware::from_fn(guard));
    let app = test::init_service(app).await;
    let request = test::TestRequest::default().method(method).uri(uri);
    let request = headers.iter().fold(request, |request, header| request.insert_header(*header)).to_request();
    match test::try_call_service(&app, request).await {
        Ok(response) => (response.status().as_u16(), response.headers().clone()),
        Err(error) => {
            let response = error.error_response();
            (response.status().as_u16(), response.headers().clone())
        }
    }
}

async fn get(uri: &str, from: &str) -> HeaderMap {
    call(false, Method::GET, uri, &[("origin", from)]).await.1
}

async fn preflight(dev: bool, uri: &str, from: &str) -> (u16, HeaderMap) {
    let headers = [("origin", from), ("access-control-request-method", "POST")];
    call(dev, Method::OPTIONS, uri, &headers).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value: &HeaderValue| value.to_str().expect("text"))
}

/// Whether nothing is said to pages of other origins.
fn is_closed(headers: &HeaderMap) -> bool {
    headers.keys().all(|name| !name.as_str().starts_with("access-control-"))
}

fn varies_by_origin(headers: &HeaderMap) -> bool {
    headers.get_all("vary").any(|value| value == "Origin")
}

#[actix_web::test]
async fn a_page_of_an_allowed_origin_reads_what_browsers_call_with_the_cookie() {
    for path in SHARED {
        let headers = get(path, ALLOWED).await;
        assert_eq!(text(&headers, "access-control-allow-origin"), ALLOWED, "{path}");
        assert_eq!(text(&headers, "access-control-allow-credentials"), "true", "{path}");
        for name in ["Retry-After", "X-Session-Token", "X-Request-Id"] {
            assert!(text(&headers, "access-control-expose-headers").contains(name), "{path}");
        }
    }
}

#[actix_web::test]
async fn no_other_origin_is_named() {
    let strangers = [
        "https://evil.test",
        "null",
        "https://app.example.evil.test",
        "http://app.example",
        "https://app.example:8443",
        "https://sub.app.example",
        "https://app.example/",
        "http://localhost:5173",
        "*",
        "",
    ];
    for path in SHARED {
        for stranger in strangers {
            assert!(is_closed(&get(path, stranger).await), "{path} to {stranger}");
            let (status, headers) = preflight(false, path, stranger).await;
            assert!(status >= 400 && is_closed(&headers), "{path} to {stranger}");
        }
    }
}

#[actix_web::test]
async fn the_answer_varies_by_origin_whoever_asked() {
    for path in SHARED {
        for from in [ALLOWED, "https://evil.test"] {
            let headers = get(path, from).await;
            assert!(varies_by_origin(&headers) && text(&headers, "vary") == "Cookie", "{path} to {from}");
        }
        assert!(varies_by_origin(&call(false, Method::GET, path, &[]).await.1), "{path}");
        assert!(varies_by_origin(&preflight(false, path, ALLOWED).await.1), "{path}");
    }
}

#[actix_web::test]
async fn a_browser_may_ask_before_it_sends() {
    for path in SHARED {
        let (status, headers) = preflight(false, path, ALLOWED).await;
        assert_eq!(status, 204, "{path}");
        assert_eq!(text(&headers, "access-control-allow-origin"), ALLOWED, "{path}");
        assert_eq!(text(&headers, "access-control-allow-credentials"), "true", "{path}");
        assert_eq!(text(&headers, "access-control-allow-methods"), "GET, POST, PUT, PATCH, DELETE", "{path}");
        assert_eq!(text(&headers, "access-control-allow-headers"), "Authorization, Content-Type, Clerk-Api-Version");
        assert_eq!(text(&headers, "access-control-max-age"), "600", "{path}");
    }
}

#[actix_web::test]
async fn only_a_browsers_question_is_answered_as_one() {
    for headers in [&[("origin", ALLOWED)][..], &[("access-control-request-method", "POST")], &[]] {
        let (status, _) = call(false, Method::OPTIONS, "/v1/client", headers).await;
        assert!(status >= 400, "{headers:?}");
    }
    let (status, _) = preflight(false, "/v1//client", ALLOWED).await;
    assert_eq!(status, 404, "a path with two readings");
}

#[actix_web::test]
async fn failures_can_be_read_too() {
    for (uri, expected) in [("/v1/client?down", 503), ("/v1/client?panic", 500), ("/v1/client;x", 404)] {
        let (status, headers) = call(false, Method::GET, uri, &[("origin", ALLOWED)]).await;
        assert_eq!((status, text(&headers, "access-control-allow-origin")), (expected, ALLOWED), "{uri}");
    }
}

#[actix_web::test]
async fn back_ends_pages_and_explorers_are_for_our_own_pages() {
    for path in OWN {
        for dev in [false, true] {
            let (_, headers) = call(dev, Method::GET, path, &[("origin", ALLOWED)]).await;
            assert!(is_closed(&headers) && !varies_by_origin(&headers), "{path}");
            let (status, headers) = preflight(dev, path, ALLOWED).await;
            assert!(status >= 400 && is_closed(&headers), "{path}");
        }
    }
}

#[actix_web::test]
async fn what_is_published_is_read_by_everybody_without_the_cookie() {
    for path in PUBLISHED {
        for from in [ALLOWED, "https://evil.test", "null"] {
            let headers = get(path, from).await;
            assert_eq!(text(&headers, "access-control-allow-origin"), "*", "{path}");
            assert_eq!(text(&headers, "access-control-allow-credentials"), "", "{path}");
        }
    }
}

#[actix_web::test]
async fn pages_of_this_machine_are_allowed_in_the_dev_profile_alone() {
    for from in ["http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173"] {
        let (status, headers) = preflight(true, "/v1/client", from).await;
        assert_eq!((status, text(&headers, "access-control-allow-origin")), (204, from));
        assert!(is_closed(&get("/v1/client", from).await), "{from}");
    }
    assert!(is_closed(&preflight(true, "/v1/client", "http://localhost.evil.test").await.1));
}
