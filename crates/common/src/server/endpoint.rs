//! A service's operations: each is a handler together with its description, so that none is served undescribed.

use std::collections::BTreeSet;
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
    route: Arc<dyn Fn() -> Route + Send + Sync>,
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
    operations: Vec<Endpoint>,
    unrouted: Vec<Unrouted>,
}

/// What answers under a prefix where there is no operation.
#[derive(Clone)]
struct Unrouted {
    prefix: &'static str,
    route: Arc<dyn Fn(Option<String>) -> Route + Send + Sync>,
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

    /// Under `prefix`, `E` is taken from a request before it is told that its path (404) or verb (405) does not exist: for an API
    /// whose order of checks can be seen.
    #[must_use]
    pub fn checking_first<E: FromRequest + 'static>(mut self, prefix: &'static str) -> Self {
        let route = |allow: Option<String>| {
            web::to(move |_: E, request: HttpRequest| std::future::ready(no_operation(&request, allow.clone())))
        };
        self.unrouted.push(Unrouted { prefix, route: Arc::new(route) });
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.operations.iter()
    }

    /// Registers them: one resource per path with all its verbs, `HEAD` beside each `GET`, and a 405 in the dialect of the path for every
    /// other verb.
    ///
    /// Paths are looked at one after the other until one matches. Literal ones come first: each costs a comparison. Patterns cost more, so
    /// they are grouped by their first segment, and only those of the request's are looked at.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let paths: BTreeSet<&str> = self.operations.iter().map(|endpoint| endpoint.path.as_str()).collect();
        let (mut patterns, literals): (Vec<&str>, Vec<&str>) = paths.into_iter().partition(|path| path.contains('{'));
        for path in literals {
            config.service(self.resource(path, path));
        }
        for unrouted in &self.unrouted {
            config.service(web::resource(unrouted.prefix).route((unrouted.route)(None)));
        }
        patterns.sort_by_key(|path| specificity(path));
        let heads: BTreeSet<&str> =
            patterns.iter().copied().chain(self.unrouted.iter().map(|u| u.prefix)).map(head).collect();
        for head in heads {
            config.service(self.below(head, patterns.iter().copied().filter(|path| self::head(path) == head)));
        }
    }

    /// All patterns that begin with the literal segment `head`, and what answers where none matches.
    fn below<'a>(&self, head: &str, patterns: impl Iterator<Item = &'a str>) -> actix_web::Scope {
        let inside = |path: &'a str| path.strip_prefix(head).unwrap_or(path);
        let scope = patterns.fold(web::scope(head), |scope, path| scope.service(self.resource(inside(path), path)));
        let unrouted = self.unrouted.iter().filter(|unrouted| self::head(unrouted.prefix) == head);
        unrouted.fold(scope, |scope, unrouted| {
            let below = format!("{}/{{tail:.*}}", unrouted.prefix.strip_prefix(head).unwrap_or_default());
            scope.service(web::resource(below).route((unrouted.route)(None)))
        })
    }

    /// The resource of `path`, which is `inside` its scope.
    fn resource(&self, inside: &str, path: &str) -> actix_web::Resource {
        let mut resource = web::resource(inside);
        let mut allow = Vec::new();
        for endpoint in self.operations.iter().filter(|endpoint| endpoint.path == path) {
            resource = resource.route((endpoint.route)().method(endpoint.method.clone()));
            allow.push(endpoint.method.as_str());
            if endpoint.method == Method::GET {
                resource = resource.route((endpoint.route)().method(Method::HEAD));
                allow.push("HEAD");
            }
        }
        let allow = Some(allow.join(", "));
        resource.default_service(match self.unrouted_at(path) {
            Some(unrouted) => (unrouted.route)(allow),
            None => web::to(move |request: HttpRequest| std::future::ready(no_operation(&request, allow.clone()))),
        })
    }

    fn unrouted_at(&self, path: &str) -> Option<&Unrouted> {
        let is_under =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.unrouted.iter().find(|unrouted| is_under(unrouted.prefix))
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

fn no_operation(request: &HttpRequest, allow: Option<String>) -> HttpResponse {
    let accident = allow.map_or(Accident::NotFound, |allow| Accident::MethodNotAllowed { allow });
    Dialect::of(request.path()).answer(&accident)
}

/// The first segment of a path, with its slash.
fn head(path: &str) -> &str {
    let end = path.match_indices('/').nth(1).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or(path)
}

/// Orders literal segments before parameters, from the left.
fn specificity(path: &str) -> Vec<(bool, String)> {
    path.split('/').map(|segment| (segment.starts_with('{'), segment.to_owned())).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_grouped_by_their_first_segment() {
        for (path, expected) in [
            ("/sessions/{id}", "/sessions"),
            ("/v1/client/sessions/{id}/end", "/v1"),
            ("/methods", "/methods"),
            ("/{anything}/else", "/{anything}"),
        ] {
            assert_eq!(head(path), expected);
        }
    }

    #[test]
    fn literal_paths_come_before_patterns() {
        let mut paths =
            ["/sessions/{id}", "/sessions/session/{id}", "/sessions/session/extend", "/sessions/version", "/sessions"];
        paths.sort_by_key(|path| specificity(path));
        assert_eq!(
            paths,
            ["/sessions", "/sessions/session/extend", "/sessions/session/{id}", "/sessions/version", "/sessions/{id}"]
        );
    }
}
