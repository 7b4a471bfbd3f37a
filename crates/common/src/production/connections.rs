//! What goes over a network: plain connections, and passwords that everybody knows.

use secrecy::ExposeSecret as _;
use url::Url;

use super::{ListenerFacts, Peer, ProductionFacts, Refusal};
use crate::profile::Profile;
use crate::tls::Link;

/// Passwords that are tried first.
const KNOWN_PASSWORDS: [&str; 8] =
    ["guest", "password", "postgres", "redis", "rabbitmq", "tessera", "secret", "changeme"];

pub(super) fn refusals(facts: &ProductionFacts) -> Vec<Refusal> {
    let demands_tls = facts.transport.demands_tls(Profile::Production);
    let listeners = facts.listeners.iter().filter(|_| demands_tls).filter_map(listener);
    listeners.chain(facts.peers.iter().flat_map(|each| peer(each, demands_tls))).collect()
}

fn listener(listener: &ListenerFacts) -> Option<Refusal> {
    let ListenerFacts { setting, address, encrypted } = listener;
    (!encrypted && !address.to_canonical().is_loopback()).then(|| {
        Refusal::new(
            "tls.certificate",
            format!("there is none, and `{setting}` listens on {address} for other hosts"),
            "name the files `tls.certificate` and `tls.key`, or say transport = \"trusted-network\"",
        )
    })
}

fn peer(peer: &Peer, demands_tls: bool) -> Vec<Refusal> {
    let Some(url) = &peer.url else { return vec![Refusal::new(&peer.setting, "it is missing", form(&peer.setting))] };
    let Ok(url) = url.expose_secret().parse::<Url>() else {
        return vec![Refusal::new(&peer.setting, "it is not a URL", form(&peer.setting))];
    };
    let link = Link::of(&url);
    let mut refusals = Vec::new();
    if demands_tls && link == Link::Plain {
        refusals.push(Refusal::new(
            &peer.setting,
            "the connection is not encrypted and verified",
            encrypted_form(&url),
        ));
    }
    if link != Link::Local
        && let Some(problem) = password_problem(&url, demands_tls)
    {
        refusals.push(Refusal::new(
            &peer.setting,
            problem,
            "give this process a user and a random password of its own",
        ));
    }
    refusals
}

/// What is to be written there.
fn form(setting: &str) -> &'static str {
    match setting {
        "database.url" => "name the database, as postgres://user:password@host/database",
        "amqp.url" => "name the broker, as amqps://user:password@host:5671/vhost",
        "redis.url" => "name the Redis that replicas share, as rediss://user:password@host",
        "verify.smtp_url" => {
            "name the mail server, as smtps://user:password@host: nobody could verify an address without"
        }
        _ => "write it as https://host:port",
    }
}

fn encrypted_form(url: &Url) -> String {
    let how = match url.scheme() {
        "http" => "https://",
        "redis" | "rediss" | "valkey" | "valkeys" => "rediss:// without a fragment",
        "amqp" => "amqps://",
        "smtp" => "smtps://, or ?tls=required",
        "postgres" | "postgresql" => "sslmode=verify-full",
        _ => "an encrypted scheme",
    };
    format!("write {how}, or say transport = \"trusted-network\"")
}

/// What is wrong with the credentials in a URL. A cache on a trusted network may have none; a broker has `guest` then.
fn password_problem(url: &Url, demands_tls: bool) -> Option<&'static str> {
    let scheme = url.scheme();
    match url.password().unwrap_or_default() {
        "" if scheme.starts_with("amqp") => Some("it names no password, so the broker's own guest is meant"),
        "" if demands_tls && (scheme.starts_with("redis") || scheme.starts_with("valkey")) => {
            Some("it names no password")
        }
        "" => None,
        password if password == url.username() || KNOWN_PASSWORDS.contains(&password) => {
            Some("its password is one that everybody tries first")
        }
        _ => None,
    }
}
