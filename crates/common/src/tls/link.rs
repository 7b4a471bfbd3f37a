//! What a URL says about the protection of its connection.

use url::{Host, Url};

/// How a connection to another process is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It does not leave the machine.
    Local,
    /// Encrypted, and the other end is verified.
    Encrypted,
    /// Neither, or what it is cannot be told.
    Plain,
}

impl Link {
    /// What a URL of HTTP, PostgreSQL, Redis, AMQP or SMTP asks for.
    ///
    /// One of PostgreSQL that does not say an `sslmode` counts as encrypted: whoever demands encryption puts `verify-full` there.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        if is_local(url) {
            return Self::Local;
        }
        let encrypted = match url.scheme() {
            "https" | "amqps" | "smtps" => true,
            // The client of Redis takes this fragment for leave to verify nothing.
            "rediss" | "valkeys" => url.fragment() != Some("insecure"),
            "postgres" | "postgresql" => {
                let named = |name: &str| matches!(name, "sslmode" | "ssl-mode");
                url.query_pairs().all(|(name, value)| !named(&name) || value.eq_ignore_ascii_case("verify-full"))
            }
            // STARTTLS: not done without.
            "smtp" => url.query_pairs().any(|(name, value)| name == "tls" && value == "required"),
            _ => false,
        };
        if encrypted { Self::Encrypted } else { Self::Plain }
    }
}

/// Whether every place that the URL names is on this machine: PostgreSQL's may name some in the query.
fn is_local(url: &Url) -> bool {
    if matches!(url.scheme(), "unix" | "redis+unix" | "valkey+unix") {
        return true;
    }
    let in_query: Vec<bool> = match url.scheme() {
        "postgres" | "postgresql" => url
            .query_pairs()
            .filter(|(name, _)| matches!(&**name, "host" | "hostaddr"))
            .map(|(_, host)| is_local_name(&host))
            .collect(),
        _ => Vec::new(),
    };
    let host = match url.host() {
        Some(Host::Domain(name)) => Some(is_local_name(name)),
        Some(Host::Ipv4(address)) => Some(address.is_loopback()),
        Some(Host::Ipv6(address)) => Some(address.to_canonical().is_loopback()),
        None => None,
    };
    let mut all = host.into_iter().chain(in_query).peekable();
    all.peek().is_some() && all.all(|local| local)
}

/// `localhost`, a loopback address, or a socket's folder (in the place of a host its slashes are encoded).
fn is_local_name(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || host.starts_with('/')
        || host.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2f"))
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> Link {
        Link::of(&url.parse().expect("a URL"))
    }

    #[test]
    fn what_stays_on_the_machine_is_local() {
        for url in [
            "http://localhost:9080",
            "http://127.0.0.9",
            "redis://[::1]:6379",
            "redis://[::ffff:127.0.0.1]",
            "amqp://127.0.0.1/%2f",
            "redis+unix:///run/redis.sock",
            "postgres://tessera@%2Fvar%2Frun%2Fpostgresql/auth",
            "postgres://localhost/auth?host=/var/run/postgresql",
            "postgres:///auth?host=127.0.0.1",
            "postgres://127.0.0.1/auth?sslmode=disable",
        ] {
            assert_eq!(link(url), Link::Local, "{url}");
        }
    }

    #[test]
    fn encryption_with_verification_counts() {
        for url in [
            "https://auth.internal:9081",
            "rediss://:secret@cache",
            "amqps://tessera:secret@broker",
            "smtps://mail",
            "smtp://mail?tls=required",
            "postgres://db/auth",
            "postgres://db/auth?sslmode=verify-full",
        ] {
            assert_eq!(link(url), Link::Encrypted, "{url}");
        }
    }

    #[test]
    fn everything_else_is_plain() {
        for url in [
            "http://auth.internal:9081",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "redis://cache",
            "rediss://cache#insecure",
            "amqp://broker",
            "smtp://mail",
            "smtp://mail?tls=opportunistic",
            "postgres://db/auth?sslmode=disable",
            "postgres://db/auth?sslmode=prefer",
            "postgres://db/auth?sslmode=require",
            "postgres://db/auth?ssl-mode=verify-ca",
            "postgres://db/auth?sslmode=verify-full&sslmode=disable",
            "postgres://localhost/auth?host=db&sslmode=disable",
            "postgres:///auth?sslmode=disable",
            "ftp://elsewhere",
        ] {
            assert_eq!(link(url), Link::Plain, "{url}");
        }
    }
}
