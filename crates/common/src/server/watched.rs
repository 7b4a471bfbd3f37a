//! What is seen of a request from outside: its span, and how long it took.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use opentelemetry::metrics::Histogram;
use opentelemetry::{KeyValue, global};
use tracing::Span;
use tracing::field::Empty;

use super::EdgeSettings;
use crate::telemetry::{self, METER};

/// Rate, errors and durations of each operation.
static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter(METER)
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("How long requests took, by method, route and class of status")
        .with_boundaries(vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0])
        .build()
});

/// A request as logs, traces and metrics show it: by its method and the pattern of its route. A path may hold what is nobody's business.
pub(super) struct Watched {
    span: Span,
    method: &'static str,
    route: Option<String>,
    began: Instant,
}

impl Watched {
    /// From here on its time runs.
    #[expect(clippy::disallowed_methods, reason = "how long a request takes is monotonic, not a time of day")]
    pub(super) fn begin(request: &ServiceRequest, id: &str) -> Self {
        let method = known_method(request.method());
        let route = request.match_pattern();
        let name = route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let span = tracing::info_span!(
            "http.request",
            otel.name = name,
            otel.kind = "server",
            otel.status_code = Empty,
            request.id = id,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
        );
        if is_believed(request) {
            telemetry::follow(&span, request.headers().get("traceparent").and_then(|value| value.to_str().ok()));
        }
        Self { span, method, route, began: Instant::now() }
    }

    /// What all log lines and spans of the request are in.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The request was answered.
    pub(super) fn end(self, status: StatusCode) {
        self.span.record("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
        let mut labels = vec![
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("http.response.status_class", class(status)),
        ];
        labels.extend(self.route.map(|route| KeyValue::new("http.route", route)));
        DURATION.record(self.began.elapsed().as_secs_f64(), &labels);
    }
}

/// Whether the caller may say which trace its request belongs to. A stranger who may could choose what is kept, and under which name.
fn is_believed(request: &ServiceRequest) -> bool {
    let Some(edge) = request.app_data::<web::Data<EdgeSettings>>() else { return false };
    let is_proxy = |peer: SocketAddr| edge.trusted_proxies.iter().any(|network| network.contains(peer.ip()));
    edge.callers_are_ours || request.peer_addr().is_some_and(is_proxy)
}

/// The method, if it is one that HTTP has: a caller may invent as many as it likes.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, HttpResponse, middleware};

    use super::*;
    use crate::server::{Network, Origin, guard};

    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const PROXY: &str = "10.0.0.1:1234";
    const STRANGER: &str = "203.0.113.9:1234";

    /// Which trace a handler finds itself in, when `peer` says that it goes on with [`CALLER`].
    async fn trace_in_handler(callers_are_ours: bool, peer: &str) -> String {
        let _spans = tracing::subscriber::set_default(tracing_subscriber::registry());
        let edge = EdgeSettings {
            origin: Origin::try_from("https://id.example".to_owned()).expect("an origin"),
            allowed_origins: vec![],
            allow_loopback_origins: false,
            trusted_proxies: vec![Network::try_from("10.0.0.0/8".to_owned()).expect("a network")],
            callers_are_ours,
        };
        let tell = || async { HttpResponse::Ok().body(telemetry::traceparent().unwrap_or_default()) };
        let app = App::new().app_data(web::Data::new(edge)).default_service(web::to(tell));
        let app = init_service(app.wrap(middleware::from_fn(guard))).await;
        let request = TestRequest::get().uri("/x").insert_header(("traceparent", CALLER));
        let request = request.peer_addr(peer.parse().expect("an address")).to_request();
        let body = read_body(call_service(&app, request).await).await;
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[actix_web::test]
    async fn a_strangers_trace_is_not_followed() {
        assert_eq!(trace_in_handler(false, STRANGER).await, "");
    }

    #[actix_web::test]
    async fn the_trace_of_a_trusted_proxy_is_followed() {
        assert_eq!(trace_in_handler(false, PROXY).await, CALLER);
    }

    #[actix_web::test]
    async fn on_an_internal_listener_every_callers_trace_is_followed() {
        assert_eq!(trace_in_handler(true, STRANGER).await, CALLER);
    }

    #[test]
    fn methods_and_classes_are_few() {
        let invented = Method::from_bytes(b"INVENTED").expect("a method");
        assert_eq!([Method::PATCH, invented].map(|method| known_method(&method)), ["PATCH", "_OTHER"]);
        let classes = [101, 200, 304, 422, 503].map(|status| class(StatusCode::from_u16(status).expect("a status")));
        assert_eq!(classes, ["1xx", "2xx", "3xx", "4xx", "5xx"]);
    }
}
