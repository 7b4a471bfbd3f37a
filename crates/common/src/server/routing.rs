//! How the operation of a request is found.
//!
//! Literal paths are looked at first: each costs a comparison. Patterns are a tree of their segments, so that a request is compared with
//! the few that begin as it does, and matched once for each parameter.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;

use actix_web::http::Method;
use actix_web::{HttpRequest, Resource, Scope, web};

use super::endpoint::{Endpoints, Unrouted, no_operation};

impl Endpoints {
    /// Registers them: one resource per path with all its verbs, `HEAD` beside each `GET`, and a 405 in the dialect of the path for every
    /// other verb. Where a literal segment and a parameter may follow, the literal one is meant.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let paths: BTreeSet<&str> = self.iter().map(super::Endpoint::path).collect();
        let (patterns, literals): (Vec<&str>, Vec<&str>) = paths.into_iter().partition(|path| path.contains('{'));
        for path in literals {
            config.service(self.resource(path, path));
        }
        for unrouted in &self.unrouted {
            config.service(web::resource(unrouted.prefix).route((unrouted.route)(None)));
        }
        let mut heads = by_next_segment("", &patterns);
        for unrouted in &self.unrouted {
            heads.entry(Segment::of(unrouted.prefix)).or_default();
        }
        for (head, patterns) in heads {
            config.service(self.branch(head.text, head.text, &patterns));
        }
    }

    /// The patterns that begin with `prefix`, whose last segment is `segment`, and what answers where none matches.
    fn branch(&self, prefix: &str, segment: &str, patterns: &[&str]) -> Scope {
        let mut scope = web::scope(segment);
        if patterns.contains(&prefix) {
            scope = scope.service(self.resource("", prefix));
        }
        for (next, patterns) in by_next_segment(prefix, patterns) {
            scope = match patterns.as_slice() {
                [only] => scope.service(self.resource(below(prefix, only), only)),
                several => scope.service(self.branch(&format!("{prefix}{}", next.text), next.text, several)),
            };
        }
        match self.unrouted_at(prefix) {
            Some(unrouted) => scope.default_service((unrouted.route)(None)),
            None => scope,
        }
    }

    /// The resource of `path`, which is `inside` its scope.
    fn resource(&self, inside: &str, path: &str) -> Resource {
        let mut resource = web::resource(inside);
        let mut allow = Vec::new();
        for endpoint in self.iter().filter(|endpoint| endpoint.path() == path) {
            resource = resource.route((endpoint.route)().method(endpoint.method().clone()));
            allow.push(endpoint.method().as_str());
            if endpoint.method() == Method::GET {
                resource = resource.route((endpoint.route)().method(Method::HEAD));
                allow.push("HEAD");
            }
        }
        let allow = Some(allow.join(", "));
        resource.default_service(match self.unrouted_at(path) {
            Some(unrouted) => (unrouted.route)(allow),
            None => web::to(move |request: HttpRequest| ready(no_operation(&request, allow.as_deref()))),
        })
    }

    fn unrouted_at(&self, path: &str) -> Option<&Unrouted> {
        self.unrouted.iter().find(|unrouted| Segment::of(path).text == unrouted.prefix)
    }
}

/// A segment of a path with its slash; literal ones are the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Segment<'a> {
    is_parameter: bool,
    text: &'a str,
}

impl<'a> Segment<'a> {
    /// The first one of a path.
    fn of(path: &'a str) -> Self {
        let end = path.match_indices('/').nth(1).map_or(path.len(), |(at, _)| at);
        let text = path.get(..end).unwrap_or(path);
        Self { is_parameter: text.contains('{'), text }
    }
}

/// The patterns that go on after `prefix`, by the segment they go on with.
fn by_next_segment<'a>(prefix: &str, patterns: &[&'a str]) -> BTreeMap<Segment<'a>, Vec<&'a str>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for pattern in patterns.iter().filter(|pattern| !below(prefix, pattern).is_empty()) {
        groups.entry(Segment::of(below(prefix, pattern))).or_default().push(*pattern);
    }
    groups
}

/// What of a pattern is behind the prefix that it has.
fn below<'a>(prefix: &str, pattern: &'a str) -> &'a str {
    pattern.strip_prefix(prefix).unwrap_or(pattern)
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, http::StatusCode};
    use utoipa::openapi::HttpMethod;
    use utoipa::openapi::path::Operation;

    use super::*;
    use crate::server::{Description, Endpoint};

    /// An operation that answers with its pattern and the segments that stand for its parameters.
    fn telling(method: HttpMethod, path: &str) -> Endpoint {
        let description =
            Description { method, path: path.to_owned(), operation: Operation::new(), schemas: Vec::new() };
        Endpoint::new(description, async |request: HttpRequest| {
            let segments: Vec<&str> = request.match_info().iter().map(|(_, segment)| segment).collect();
            format!("{} {}", request.match_pattern().unwrap_or_default(), segments.join(" "))
        })
    }

    #[actix_web::test]
    async fn a_path_finds_its_operation_through_the_tree() {
        let endpoints = Endpoints::new(
            [
                "/a",
                "/a/version",
                "/a/{id}",
                "/a/{id}/end",
                "/a/{id}/b/{other}",
                "/a/{id}/b/{other}/c",
                "/a/me/{id}",
                "/d/{id}/e",
            ]
            .map(|path| telling(HttpMethod::Get, path))
            .into(),
        );
        let app = init_service(App::new().configure(|config| endpoints.configure(config))).await;
        for (path, told) in [
            ("/a", "/a "),
            ("/a/version", "/a/version "),
            ("/a/1", "/a/{id} 1"),
            ("/a/1/end", "/a/{id}/end 1"),
            ("/a/1/b/2", "/a/{id}/b/{other} 1 2"),
            ("/a/1/b/2/c", "/a/{id}/b/{other}/c 1 2"),
            ("/a/me/1", "/a/me/{id} 1"),
            ("/a/mean/end", "/a/{id}/end mean"),
            ("/d/1/e", "/d/{id}/e 1"),
        ] {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(read_body(response).await, told, "{path}");
        }
        for path in ["/a/", "/a//end", "/a/1/", "/a/1/b", "/a/1/b/2/", "/a/1/b/2/c/d", "/d", "/d/1", "/ab/1", "/"] {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
        let response = call_service(&app, TestRequest::put().uri("/a/1/b/2").to_request()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers().get("allow").unwrap(), "GET, HEAD");
    }

    /// Refuses every request.
    struct Nobody;

    impl actix_web::FromRequest for Nobody {
        type Error = actix_web::Error;
        type Future = std::future::Ready<Result<Self, Self::Error>>;

        fn from_request(_: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
            ready(Err(actix_web::error::ErrorImATeapot("first")))
        }
    }

    #[actix_web::test]
    async fn what_is_checked_first_is_checked_wherever_there_is_no_operation() {
        let endpoints = Endpoints::new(["/a/{id}", "/a/{id}/b"].map(|path| telling(HttpMethod::Get, path)).into());
        let endpoints = endpoints.checking_first::<Nobody>("/a");
        let app = init_service(App::new().configure(|config| endpoints.configure(config))).await;
        for path in ["/a", "/a/", "/a/1/c", "/a/1/b/c"] {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), StatusCode::IM_A_TEAPOT, "{path}");
        }
        for (path, status) in [("/a/1", StatusCode::OK), ("/b", StatusCode::NOT_FOUND), ("/ab", StatusCode::NOT_FOUND)]
        {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), status, "{path}");
        }
        let response = call_service(&app, TestRequest::put().uri("/a/1").to_request()).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT, "another verb");
    }
}
