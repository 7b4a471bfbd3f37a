//! The platform under load: its processes, its accounts, and what they have used.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tempfile::TempDir;
use tessera_journeys::{Engines, Service, Services, Setup};

use crate::http::{Connection, Request};
use crate::limits::Store;
use crate::machine::{self, cores};
use crate::program::{Program, built, free_port};

/// What the platform consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One process on SQLite.
    AllInOne,
    /// Four processes on PostgreSQL, Redis and RabbitMQ.
    FourServices,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AllInOne, Self::FourServices];

    /// As the table names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllInOne => "all-in-one",
            Self::FourServices => "four-services",
        }
    }

    /// What it stands on.
    pub const fn store(self) -> Store {
        match self {
            Self::AllInOne => Store::Sqlite,
            Self::FourServices => Store::Postgres,
        }
    }
}

/// A running platform.
#[derive(Debug)]
pub struct Platform {
    /// The port that answers for all of it.
    pub port: u16,
    running: Running,
}

/// What is ended with it. Each is dropped in this order: programs before what they stand on.
#[derive(Debug)]
enum Running {
    AllInOne(
        #[expect(dead_code, reason = "held for its end")] Program,
        #[expect(dead_code, reason = "as well")] TempDir,
    ),
    FourServices(Box<Services>, Box<Engines>),
}

/// Limits that the load of one address, and of one tenant to few recipients, must not reach.
const LIMITS: (&str, &str) = ("LIMITS_ADDRESS_FACTOR", "1000000");
const LIMITS_OF_VERIFY: (&str, &str) = ("VERIFY_TENANT_MESSAGES", "1000000000");

/// The settings of an all-in-one of its own: the release's defaults, but for where it is, and for these limits.
pub fn settings(folder: &Path, [port, internal_port]: [u16; 2], service_ports: bool) -> Vec<(String, String)> {
    [
        ("DATA_DIR", folder.join("data").display().to_string()),
        ("PORT", port.to_string()),
        ("INTERNAL_PORT", internal_port.to_string()),
        ("SERVICE_PORTS", service_ports.to_string()),
    ]
    .into_iter()
    .chain([LIMITS, LIMITS_OF_VERIFY].map(|(name, value)| (name, value.to_owned())))
    .map(|(name, value)| (format!("TESSERA_{name}"), value))
    .collect()
}

impl Platform {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(shape: Shape) -> anyhow::Result<Self> {
        match shape {
            Shape::AllInOne => Self::all_in_one().await,
            Shape::FourServices => Self::four_services().await,
        }
    }

    /// The port that answers a path: without the balancer that stands before four services.
    pub fn port_of(&self, path: &str) -> u16 {
        match &self.running {
            Running::AllInOne(..) => self.port,
            Running::FourServices(services, _) => services.port_of(path),
        }
    }

    /// The PostgreSQL that it stands on, as the superuser; an all-in-one stands on none.
    pub fn postgres(&self) -> Option<String> {
        match &self.running {
            Running::AllInOne(..) => None,
            Running::FourServices(_, engines) => Some(engines.postgres.url("postgres")),
        }
    }

    async fn all_in_one() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (port, internal_port) = (free_port()?, free_port()?);
        let settings = settings(folder.path(), [port, internal_port], false);
        let log = folder.path().join("log");
        let mut program = Program::start(&built("tessera")?, &["serve"], &settings, &log)?;
        program.answers(internal_port, "/health/ready").await?;
        Ok(Self { port, running: Running::AllInOne(program, folder) })
    }

    async fn four_services() -> anyhow::Result<Self> {
        let engines = Engines::start().await.context("an engine is not installed")?;
        let named = |(name, value): (&str, &str)| (format!("TESSERA_{name}"), value.to_owned());
        let settings = vec![named(LIMITS), named(("LOG_LEVEL", "info"))];
        let (name, value) = named(LIMITS_OF_VERIFY);
        let settings_of = vec![(Service::Verify, name, value)];
        let services = Services::start(&Setup { settings, settings_of, ..Setup::on(&engines) }).await;
        Ok(Self { port: services.port(), running: Running::FourServices(Box::new(services), Box::new(engines)) })
    }
}

/// Processor time of the platform's processes, and of what they stand on.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// The platform's own.
    pub server: Duration,
    /// The database's and Redis's. The broker's is left out: it works when idle, and carries what nobody waits for.
    pub store: Duration,
}

impl Used {
    /// So far.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn now() -> anyhow::Result<Self> {
        let all = machine::descendants()?;
        let of = |is: fn(&str) -> bool| all.iter().filter(|process| is(&process.name)).map(|process| process.cpu).sum();
        Ok(Self {
            server: of(|name| name.starts_with("tessera")),
            store: of(|name| name.starts_with("postgres") || name.starts_with("redis")),
        })
    }

    /// What was used since.
    pub fn since(self, before: Self) -> Self {
        Self { server: self.server.saturating_sub(before.server), store: self.store.saturating_sub(before.store) }
    }
}

/// Who puts load on the platform.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// Mail addresses of accounts with [`PASSWORD`].
    pub addresses: Vec<String>,
    /// A browser that is signed in: its `Cookie` header.
    pub cookie: String,
    /// Its session.
    pub session: String,
    /// A session token of the accounts API, and the number of its session.
    pub token: (String, u64),
}

/// The password of each account.
pub const PASSWORD: &str = "Secret1*2*3*4*5*6";

const JSON: &str = "application/json";

impl Accounts {
    /// Makes them.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn make(port: u16) -> anyhow::Result<Self> {
        let mut connection = Connection::open(port).await?;
        let addresses: Vec<String> = (0..4 * cores()).map(|number| format!("user{number}@example.org")).collect();
        let first = addresses.first().context("a machine without cores")?;
        for address in &addresses {
            let body = format!("{{\"email\":\"{address}\",\"password\":\"{PASSWORD}\"}}");
            said(&mut connection, &Request::post("/sign_up", &[], JSON, &body), 201).await?;
        }
        let body = format!("{{\"username\":\"{first}\",\"password\":\"{PASSWORD}\"}}");
        let answer = said(&mut connection, &Request::post("/auth/login", &[], JSON, &body), 200).await?;
        let cookie = between(&answer, "__client=", ";").map(|secret| format!("__client={secret}"))?;
        let answer = said(&mut connection, &Request::get("/v1/client", &[("Cookie", &cookie)]), 200).await?;
        let session = between(&answer, "\"last_active_session_id\":\"", "\"")?.to_owned();
        let answer = said(&mut connection, &sign_in(first), 201).await?;
        let token = between(&answer, "x-session-token: ", "\r\n")?.to_owned();
        let number = between(&answer, "\"id\":", ",")?.parse().context("the session's number")?;
        ensure!(token.starts_with("tss_"), "no session token");
        Ok(Self { addresses, cookie, session, token: (token, number) })
    }
}

/// A sign-in by the accounts API.
pub fn sign_in(address: &str) -> Request {
    let body = format!("{{\"email\":\"{address}\",\"password\":\"{PASSWORD}\"}}");
    Request::post("/sign_in", &[], JSON, &body)
}

/// Head and body of an answer with a status.
///
/// # Errors
/// When it has another, or none comes.
pub async fn said(connection: &mut Connection, request: &Request, status: u16) -> anyhow::Result<String> {
    let answer = connection.exchange(request).await?;
    let text = format!("{}\r\n\r\n{}", answer.head, answer.text()?);
    ensure!(answer.status == status, "the platform refuses: {text}");
    Ok(text)
}

/// What stands between two texts.
///
/// # Errors
/// When they are not there.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> anyhow::Result<&'a str> {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    Ok(found.with_context(|| format!("no {before}…{after} in {text}"))?.0)
}
