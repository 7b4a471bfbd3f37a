//! The gateway's configuration, for nginx: made from the routes, the ports, the limits and the error forms that the services have
//! themselves, so that a request meets one platform whichever shape it runs in.

use std::path::Path;

use actix_web::body::MessageBody as _;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use anyhow::{Context as _, anyhow};
use askama::Template;
use tessera_common::config::Config;
use tessera_common::dialect::{Accident, Dialect, PREFIXES};
use tessera_common::server::{MAX_BODY, as_request};
use tessera_process::settings::{self, ProcessSettings};

use crate::routes::{Route, Routes};

/// The services, and the defaults that say where each listens.
const SERVICES: [(&str, &str); 4] = [
    ("auth", tessera_auth::program::DEFAULTS),
    ("sessions", tessera_sessions::program::DEFAULTS),
    ("verify", tessera_verify::program::DEFAULTS),
    ("oauth", tessera_oauth::program::DEFAULTS),
];

/// Where the gateway listens: the origin, and the ports that clients of single services are configured with.
const PORTS: [u16; 3] = [8000, 8080, 3000];

/// The name of nginx's own id of a request, where an answer tells the id.
const REQUEST_ID: &str = "$request_id";

#[derive(Template)]
#[template(path = "nginx.conf", escape = "none")]
struct Configuration {
    ports: [u16; 3],
    max_body: usize,
    upstreams: Vec<Upstream>,
    routes: Vec<Line>,
    default_dialect: String,
    dialects: Vec<Line>,
    media_types: Vec<Line>,
    accidents: Vec<Said>,
}

/// Where a service is.
struct Upstream {
    service: &'static str,
    port: u16,
}

/// A line of a map.
struct Line {
    from: String,
    to: String,
}

/// An accident that the gateway answers by itself, in every dialect.
struct Said {
    /// The name of the variable that holds its body.
    name: &'static str,
    /// Its status.
    status: u16,
    /// The statuses of nginx's own pages that it replaces, as `error_page` lists them.
    caught: &'static str,
    bodies: Vec<Line>,
    codes: Vec<Line>,
}

impl Said {
    /// Where nginx goes to say it. A request that could not be read has no path to go on from: it needs a location with one.
    fn place(&self) -> String {
        if self.status == 400 { format!("/{}", self.name) } else { format!("@{}", self.name) }
    }
}

/// Writes the configuration to `folder`.
///
/// # Errors
/// When it cannot be made or written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration()?).with_context(|| format!("{} cannot be written", file.display()))
}

/// The configuration.
///
/// # Errors
/// When the table of routes or a service's defaults cannot be read.
pub fn configuration() -> anyhow::Result<String> {
    let upstreams = SERVICES.map(|(service, defaults)| Ok(Upstream { service, port: public_port(defaults)? }));
    let mut prefixes = PREFIXES.to_vec();
    prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    let dialects = prefixes.into_iter().map(|(prefix, dialect)| Line { from: under(prefix), to: name(dialect) });
    let media_types = Dialect::ALL.map(|dialect| {
        let (_, headers) = said(dialect, &Accident::NotFound)?;
        Ok(Line { from: name(dialect), to: text(&headers, CONTENT_TYPE.as_str()) })
    });
    let configuration = Configuration {
        ports: PORTS,
        max_body: MAX_BODY,
        upstreams: upstreams.into_iter().collect::<anyhow::Result<_>>()?,
        routes: routes()?,
        default_dialect: name(Dialect::Problem),
        dialects: dialects.collect(),
        media_types: media_types.into_iter().collect::<anyhow::Result<_>>()?,
        accidents: vec![
            in_all_dialects("malformed", "400 405 414 494 501 505 =400", &Accident::Malformed)?,
            in_all_dialects("not_found", "404", &Accident::NotFound)?,
            in_all_dialects("too_large", "413", &Accident::TooLarge)?,
            in_all_dialects("unavailable", "500 502 503 504 =503", &Accident::Unavailable { retry_after: 1 })?,
        ],
    };
    Ok(configuration.render()? + "\n")
}

fn public_port(defaults: &str) -> anyhow::Result<u16> {
    let config = Config::layer(&[settings::DEFAULTS, defaults], None, [])?;
    Ok(config.read::<ProcessSettings>()?.port)
}

/// The routes as patterns, the longest first.
fn routes() -> anyhow::Result<Vec<Line>> {
    let routes = Routes::committed()?;
    let line = |(service, route): (&str, Route<'_>)| {
        let from = match route {
            Route::Exact(path) => format!("~^{}$", literal(path)),
            Route::Prefix(prefix) => under(prefix),
        };
        Line { from, to: service.to_owned() }
    };
    Ok(routes.longest_first().into_iter().map(line).collect())
}

/// The pattern of the paths under a prefix, which ends at a segment.
fn under(prefix: &str) -> String {
    let end = if prefix.ends_with(['/', '_']) { "" } else { "(/|$)" };
    format!("~^{}{end}", literal(prefix))
}

fn literal(path: &str) -> String {
    path.replace('.', "\\.")
}

fn name(dialect: Dialect) -> String {
    format!("{dialect:?}").to_lowercase()
}

fn in_all_dialects(name_of: &'static str, caught: &'static str, accident: &Accident) -> anyhow::Result<Said> {
    let (mut bodies, mut codes) = (Vec::new(), Vec::new());
    for dialect in Dialect::ALL {
        let (body, headers) = said(dialect, accident)?;
        bodies.push(Line { from: name(dialect), to: body.replace('\\', "\\\\").replace('\'', "\\'") });
        let code = text(&headers, "x-error-code");
        if !code.is_empty() {
            codes.push(Line { from: name(dialect), to: code });
        }
    }
    Ok(Said { name: name_of, status: accident.status().as_u16(), caught, bodies, codes })
}

/// How a service would say it: body and headers.
fn said(dialect: Dialect, accident: &Accident) -> anyhow::Result<(String, HeaderMap)> {
    let mut response = as_request(REQUEST_ID, || dialect.answer(accident));
    let headers = std::mem::replace(response.headers_mut(), HeaderMap::new());
    let body = response.into_body().try_into_bytes().map_err(|_| anyhow!("a refusal that is not all there"))?;
    Ok((String::from_utf8(body.to_vec())?, headers))
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
