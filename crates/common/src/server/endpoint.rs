//! A service's operations: each is a handler together with its description, so that none is served undescribed.

use std::future::ready;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder, Route, web};
use utoipa::openapi::path::{HttpMethod, Operation, PathsBuilder};
use utoipa::openapi::schema::{ComponentsBuilder, Schema};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, PathItem, RefOr};

use crate::dialect::{Accident, Dialect};

/// One operation.
#[derive(Clone)]
pub struct Endpoint {
    method: Method,
    documented: HttpMethod,
    path: String,
    pub(super) route: Arc<dyn Fn() -> Route + Send + Sync>,
    operation: Operation,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What an operation is called by, and how OpenAPI describes it.
#[derive(Clone)]
pub struct Description {
    /// Its verb.
    pub method: HttpMethod,
    /// Its path, parameters in braces.
    pub path: String,
    /// What it takes and answers.
    pub operation: Operation,
    /// The schemas that `operation` refers to, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)
    }
}

impl Endpoint {
    /// The operation that `handler` serves, at the path and verb that its description `P` names.
    pub fn of<P, F, Args>(handler: F) -> Self
    where
        P: utoipa::Path + utoipa::__dev::SchemaReferences,
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let documented = P::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        Self::new(Description { method: documented, path: P::path(), operation: P::operation(), schemas }, handler)
    }

    /// The operation that `handler` serves, described by hand: where descriptions are made from types and not from attributes.
    pub fn new<F, Args>(description: Description, handler: F) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let Description { method: documented, path, operation, schemas } = description;
        Self {
            method: method(&documented),
            documented,
            path,
            route: Arc::new(move || web::to(handler.clone())),
            operation,
            schemas,
        }
    }

    /// Its verb.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Its path, parameters in braces.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its description.
    #[must_use]
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }
}

fn method(documented: &HttpMethod) -> Method {
    match documented {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// All operations of a service, or of several.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    pub(super) operations: Vec<Endpoint>,
    pub(super) unrouted: Vec<Unrouted>,
}

/// What answers under a prefix where there is no operation.
#[derive(Clone)]
pub(super) struct Unrouted {
    pub prefix: &'static str,
    pub route: Arc<dyn Fn(Option<String>) -> Route + Send + Sync>,
}

impl std::fmt::Debug for Unrouted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.prefix)
    }
}

impl Endpoints {
    /// These operations.
    #[must_use]
    pub const fn new(operations: Vec<Endpoint>) -> Self {
        Self { operations, unrouted: Vec::new() }
    }

    /// These operations and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.operations.extend(others.operations);
        self.unrouted.extend(others.unrouted);
        self
    }

    /// Under `prefix`, which is one segment, `E` is taken from a request before it is told that its path (404) or verb (405) does not
    /// exist: for an API whose order of checks can be seen.
    #[must_use]
    pub fn checking_first<E: FromRequest + 'static>(mut self, prefix: &'static str) -> Self {
        let route = |allow: Option<String>| {
            web::to(move |_: E, request: HttpRequest| ready(no_operation(&request, allow.as_deref())))
        };
        self.unrouted.push(Unrouted { prefix, route: Arc::new(route) });
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.operations.iter()
    }

    /// The OpenAPI 3.1 description of all of them.
    #[must_use]
    pub fn describe(&self, title: &str, description: &str) -> OpenApi {
        let mut paths = PathsBuilder::new();
        let mut components = ComponentsBuilder::new();
        for endpoint in &self.operations {
            paths = paths
                .path(endpoint.path.as_str(), PathItem::new(endpoint.documented.clone(), endpoint.operation.clone()));
            components = components.schemas_from_iter(endpoint.schemas.clone());
        }
        let info = InfoBuilder::new().title(title).description(Some(description)).version(env!("CARGO_PKG_VERSION"));
        OpenApiBuilder::new().info(info.build()).paths(paths.build()).components(Some(components.build())).build()
    }
}

/// That a path has no operation, or none with this verb but those in `allow`.
pub(super) fn no_operation(request: &HttpRequest, allow: Option<&str>) -> HttpResponse {
    let accident = allow.map_or(Accident::NotFound, |allow| Accident::MethodNotAllowed { allow: allow.to_owned() });
    Dialect::of(request.path()).answer(&accident)
}

/// Collects handlers with their descriptions: `endpoints![sign_up::post, password::put]`.
///
/// Each handler carries `#[utoipa::path(…)]`, which names its verb and path.
#[macro_export]
macro_rules! endpoints {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        $crate::server::Endpoints::new(vec![$(
            $crate::__pastey::paste! {
                $crate::server::Endpoint::of::<$module::[<__path_ $handler>], _, _>($module::$handler)
            }
        ),+])
    };
}
