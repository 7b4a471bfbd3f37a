//! A collector of traces and metrics that keeps what it is sent, for a test to look at.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message as _;

/// The largest batch that is taken, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// A collector on a port of its own. Any number of programs may send to it.
#[derive(Debug)]
pub struct Collector {
    endpoint: String,
    received: Arc<Received>,
    server: ServerHandle,
}

#[derive(Debug, Default)]
struct Received {
    spans: Mutex<Vec<SeenSpan>>,
    bodies: Mutex<Vec<Vec<u8>>>,
}

/// A span as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSpan {
    /// The program that sent it.
    pub service: String,
    /// Its trace.
    pub trace: Vec<u8>,
    /// Its own id.
    pub id: Vec<u8>,
    /// The id of the span that it is part of; empty for none.
    pub parent: Vec<u8>,
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

/// The spans of one trace.
#[derive(Clone, Debug)]
pub struct Trace(pub Vec<SeenSpan>);

impl Collector {
    /// A collector that listens.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", socket.local_addr().expect("bound"));
        let received = Arc::<Received>::default();
        let state = web::Data::from(Arc::clone(&received));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(web::PayloadConfig::new(LARGEST))
                .route("/v1/traces", web::post().to(traces))
                .route("/v1/metrics", web::post().to(metrics))
        });
        let server = server.workers(1).disable_signals().listen(socket).expect("listening").run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { endpoint, received, server: handle }
    }

    /// The variables that make a program send to it, and soon.
    #[must_use]
    pub fn variables(&self) -> Vec<(&str, &str)> {
        vec![("TESSERA_TELEMETRY_OTLP_ENDPOINT", &self.endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100")]
    }

    /// All spans so far.
    ///
    /// # Panics
    /// When a test has panicked meanwhile.
    #[must_use]
    pub fn spans(&self) -> Vec<SeenSpan> {
        self.received.spans.lock().expect("the spans").clone()
    }

    /// Everything so far, as it came: traces and metrics.
    ///
    /// # Panics
    /// When a test has panicked meanwhile.
    #[must_use]
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.received.bodies.lock().expect("the bodies").clone()
    }

    /// The trace that began with a span of this name; there is one.
    ///
    /// # Panics
    /// When there is none, or several.
    #[must_use]
    pub fn trace(&self, root: &str) -> Trace {
        let spans = self.spans();
        let roots: Vec<_> = spans.iter().filter(|span| span.name == root && span.parent.is_empty()).collect();
        let [root] = roots.as_slice() else { panic!("{} traces begin with {root}: {spans:#?}", roots.len()) };
        let trace = root.trace.clone();
        Trace(spans.iter().filter(|span| span.trace == trace).cloned().collect())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Trace {
    /// The one span of this name.
    ///
    /// # Panics
    /// When there is none, or several.
    #[must_use]
    pub fn the(&self, name: &str) -> &SeenSpan {
        let named: Vec<_> = self.0.iter().filter(|span| span.name == name).collect();
        let [span] = named.as_slice() else { panic!("{} spans are called {name}: {:?}", named.len(), self.names()) };
        span
    }

    /// The spans that lead to this one, from the first on: which program's, and their names.
    ///
    /// # Panics
    /// When one is missing on the way.
    #[must_use]
    pub fn way_to(&self, name: &str) -> Vec<(&str, &str)> {
        let mut span = self.the(name);
        let mut way = vec![(span.service.as_str(), span.name.as_str())];
        while !span.parent.is_empty() {
            let parent = self.0.iter().find(|other| other.id == span.parent);
            span = parent.unwrap_or_else(|| panic!("what {} is part of was not sent", span.name));
            way.insert(0, (&span.service, &span.name));
        }
        way
    }

    /// The spans whose parents are not there.
    #[must_use]
    pub fn torn(&self) -> Vec<&SeenSpan> {
        let is_there = |id: &[u8]| self.0.iter().any(|span| span.id == id);
        self.0.iter().filter(|span| !span.parent.is_empty() && !is_there(&span.parent)).collect()
    }

    /// The names of all spans.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|span| span.name.as_str()).collect()
    }
}

async fn traces(received: web::Data<Received>, body: web::Bytes) -> HttpResponse {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else {
        return HttpResponse::BadRequest().finish();
    };
    let spans = request.resource_spans.into_iter().flat_map(|of_resource| {
        let resource = of_resource.resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
        let service = resource.get("service.name").cloned().unwrap_or_default();
        let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        spans.map(move |span| SeenSpan {
            service: service.clone(),
            trace: span.trace_id,
            id: span.span_id,
            parent: span.parent_span_id,
            name: span.name,
            attributes: attributes(span.attributes),
        })
    });
    received.spans.lock().expect("the spans").extend(spans);
    received.bodies.lock().expect("the bodies").push(body.to_vec());
    HttpResponse::Ok().finish()
}

async fn metrics(received: web::Data<Received>, body: web::Bytes) -> HttpResponse {
    received.bodies.lock().expect("the bodies").push(body.to_vec());
    HttpResponse::Ok().finish()
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        other => other.map(|value| format!("{value:?}")).unwrap_or_default(),
    };
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}
