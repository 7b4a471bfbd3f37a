//! The settings of each service, as its environment: the one place that knows their names.

use std::path::Path;

use tessera_testkit::{ServiceKeySet, TlsFiles};

use super::databases::ServiceDatabases;
use super::{Edge, Service, Setup};

/// The public keys of all services.
const SERVICE_KEYS: &str = "service-keys.json";
const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server.key";
const AUTHORITIES: &str = "authorities.pem";

/// What the services of one platform stand in.
#[derive(Debug)]
pub struct Surroundings<'a> {
    pub setup: &'a Setup,
    pub databases: &'a ServiceDatabases,
    pub edges: &'a [Edge],
    pub keys: &'a ServiceKeySet,
    /// Where the files are that settings name.
    pub folder: &'a Path,
    /// The gateway's port.
    pub port: u16,
}

impl Surroundings<'_> {
    /// Writes the files that settings name.
    pub fn write_files(&self) {
        let write = |name: &str, text: &str| std::fs::write(self.folder.join(name), text).expect("a file");
        write(SERVICE_KEYS, &self.keys.public);
        if let Some(TlsFiles { certificate, key, authority }) = &self.setup.tls {
            write(CERTIFICATE, certificate);
            write(KEY, key);
            write(AUTHORITIES, authority);
        }
    }

    /// The environment of a replica of a service on these ports, the public one first.
    pub fn environment(&self, service: Service, [port, internal_port]: [u16; 2]) -> Vec<(String, String)> {
        let name = service.name();
        let file = |name: &str| self.folder.join(name).display().to_string();
        let scheme = if self.setup.tls.is_some() { "https" } else { "http" };
        let mut table = vec![
            ("PROFILE".to_owned(), "dev".to_owned()),
            ("BIND".to_owned(), "127.0.0.1".to_owned()),
            ("PORT".to_owned(), port.to_string()),
            ("INTERNAL_PORT".to_owned(), internal_port.to_string()),
            ("ORIGIN".to_owned(), format!("{scheme}://localhost:{}", self.port)),
            ("TRUSTED_PROXIES".to_owned(), "[\"127.0.0.1\"]".to_owned()),
            ("WORKERS".to_owned(), "2".to_owned()),
            ("LOG_LEVEL".to_owned(), "warn".to_owned()),
            ("LOG_FORMAT".to_owned(), "pretty".to_owned()),
            ("NAMESPACE".to_owned(), self.databases.namespace().to_owned()),
            ("DATABASE_URL".to_owned(), self.databases.url(service).to_owned()),
            ("REDIS_URL".to_owned(), self.setup.redis.clone()),
            ("REDIS_INSTANCES".to_owned(), self.setup.replicas.to_string()),
            ("AMQP_URL".to_owned(), self.setup.amqp.clone()),
            ("SERVICE_KEYS".to_owned(), file(SERVICE_KEYS)),
            (format!("{}_KEYS", name.to_uppercase()), key_ring(service).to_owned()),
        ];
        if !self.setup.drains {
            table.push(("DRAIN_S".to_owned(), "0".to_owned()));
        }
        let own = self.keys.private.iter().find(|(service, _)| service == name);
        table.extend(own.map(|(_, key)| ("SERVICE_KEY".to_owned(), key.clone())));
        for edge in self.edges.iter().filter(|edge| edge.from == service) {
            let peer = format!("PEERS_{}", edge.to.name().to_uppercase());
            table.push((peer, format!("{scheme}://localhost:{}", edge.proxy.port())));
        }
        if self.setup.tls.is_some() {
            table.push(("TRANSPORT".to_owned(), "tls".to_owned()));
            table.push(("TLS_CERTIFICATE".to_owned(), file(CERTIFICATE)));
            table.push(("TLS_KEY".to_owned(), file(KEY)));
            table.push(("TLS_AUTHORITIES".to_owned(), file(AUTHORITIES)));
        }
        let mut table: Vec<_> = table.into_iter().map(|(name, value)| (format!("TESSERA_{name}"), value)).collect();
        table.extend(self.setup.settings.iter().cloned());
        let own = self.setup.settings_of.iter().filter(|(of, ..)| *of == service);
        table.extend(own.map(|(_, name, value)| (name.clone(), value.clone())));
        table
    }
}

/// A key ring that only this service has.
const fn key_ring(service: Service) -> &'static str {
    match service {
        Service::Auth => "k1:YXV0aC1hdXRoLWF1dGgtYXV0aC1hdXRoLWF1dGgtYXU=",
        Service::Sessions => "k1:c2Vzc2lvbnMtc2Vzc2lvbnMtc2Vzc2lvbnMtc2Vzc2k=",
        Service::Verify => "k1:dmVyaWZ5LXZlcmlmeS12ZXJpZnktdmVyaWZ5LXZlcmk=",
        Service::OAuth => "k1:b2F1dGgtb2F1dGgtb2F1dGgtb2F1dGgtb2F1dGgtb2E=",
    }
}
