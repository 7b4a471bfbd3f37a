//! The settings of a program as production asks about them.

use std::path::Path;

use tessera_common::config::Config;
use tessera_common::production::{
    self, FileFacts, ListenerFacts, Peer, ProductionFacts, Refusal, Refused, Secret, SecretKind,
};

use crate::service::Service;
use crate::settings::ProcessSettings;

/// The settings with URLs that are no secrets: of the other services, the collector, and the provider of text messages.
const PEERS: [&str; 5] =
    ["peers.sessions", "peers.verify", "peers.oauth", "telemetry.otlp_endpoint", "verify.sms.base_url"];

/// Which calls between services go over HTTP, and so which keys the program has to have. None, where all services are in one program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// It calls others, and signs its calls.
    pub made: bool,
    /// Others call it, and it checks who they are.
    pub taken: bool,
}

impl Calls {
    /// Those of a service that is a program of its own.
    #[must_use]
    pub fn of<S: Service>() -> Self {
        Self { made: S::CALLS_OTHERS, taken: S::internal().iter().next().is_some() }
    }
}

/// Holds a program to the rules of the production profile, before it opens anything.
///
/// # Errors
/// Names every setting that production refuses.
pub fn check(config: &Config, settings: &ProcessSettings, calls: Calls) -> Result<(), Refused> {
    if settings.is_dev() { Ok(()) } else { production::check(&facts(config, settings, calls)) }
}

fn facts(config: &Config, settings: &ProcessSettings, calls: Calls) -> ProductionFacts {
    let mut facts = ProductionFacts {
        origin: settings.origin.clone(),
        allowed_origins: settings.allowed_origins.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        address_factor: settings.address_factor(),
        transport: settings.transport,
        listeners: vec![ListenerFacts {
            setting: "bind".to_owned(),
            address: settings.bind,
            encrypted: !settings.tls.certificate.is_empty(),
        }],
        texts_everywhere: texts_everywhere(config),
        service_ports: config.find("service_ports").unwrap_or(false),
        ..ProductionFacts::default()
    };
    let unusable = [settings.tls.identity().err(), settings.trust().err()];
    facts.found.extend(unusable.into_iter().flatten().map(Into::into));
    facts.secret_files.extend(FileFacts::look("tls.key", Path::new(&settings.tls.key)));
    facts.trust_files.extend(FileFacts::look("tls.authorities", Path::new(&settings.tls.authorities)));
    for setting in config.secrets() {
        add_secret(&mut facts, config, setting, calls);
    }
    if calls.taken {
        add_callers(&mut facts, config);
    }
    let url = |setting: &str| config.find::<String>(setting).filter(|url| !url.is_empty()).map(Into::into);
    let peer = |setting: &str| url(setting).map(|url| Peer { setting: setting.to_owned(), url: Some(url) });
    facts.peers.extend(PEERS.into_iter().filter_map(peer));
    facts
}

/// Whether there is a provider of text messages, and no word of where they may go.
fn texts_everywhere(config: &Config) -> bool {
    let has_provider = config.find::<String>("verify.sms.base_url").is_some_and(|url| !url.is_empty());
    has_provider && config.find::<Vec<String>>("verify.sms.allowed_prefixes").is_none_or(|prefixes| prefixes.is_empty())
}

/// What a secret is, is told by its name: a key ring, the key of a service, or the URL of something that this one connects to.
fn add_secret(facts: &mut ProductionFacts, config: &Config, setting: &str, calls: Calls) {
    let twin = format!("{setting}_file");
    let file: String = config.find(&twin).unwrap_or_default();
    facts.secret_files.extend(FileFacts::look(&twin, Path::new(&file)));
    let value = match config.secret(setting) {
        Ok(value) => value,
        Err(error) => return facts.found.push(error.into()),
    };
    let setting = setting.to_owned();
    if setting.ends_with(".keys") {
        facts.secrets.push(Secret { setting, kind: SecretKind::KeyRing, value });
    } else if setting.ends_with("url") {
        facts.peers.push(Peer { setting, url: value });
    } else if setting == "service_key" && (calls.made || value.is_some()) {
        facts.secrets.push(Secret { setting, kind: SecretKind::ServiceKey, value });
    }
}

/// The file with the keys of those who call.
fn add_callers(facts: &mut ProductionFacts, config: &Config) {
    const SETTING: &str = "service_keys";
    let file: String = config.find(SETTING).unwrap_or_default();
    if let Err(error) = std::fs::read(&file) {
        let problem = if file.is_empty() { "it is missing".to_owned() } else { format!("{file}: {error}") };
        facts.found.push(Refusal::new(SETTING, problem, "name the JWKS file with the public keys of all services"));
    }
    facts.trust_files.extend(FileFacts::look(SETTING, Path::new(&file)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{service_settings, settings};

    const RING: &str = "k1:lvFtLpSdI5uEJw6vOtPp1QwZ3Yk8cXb0aGmN2rHs7Tc=";
    const IN_ORDER: [(&str, &str); 7] = [
        ("TESSERA_ORIGIN", "https://id.example"),
        ("TESSERA_BIND", "127.0.0.1"),
        ("TESSERA_AUTH_KEYS", RING),
        ("TESSERA_DATABASE_URL", "postgres://auth:Rk4vHq8z@db.internal/auth"),
        ("TESSERA_AMQP_URL", "amqps://auth:Rk4vHq8z@broker.internal/tessera"),
        ("TESSERA_REDIS_URL", "rediss://:Rk4vHq8z@cache.internal"),
        ("TESSERA_PEERS_VERIFY", "https://verify.internal:9083"),
    ];

    /// What is said about a service with these settings, over those that are in order.
    fn refused(changed: &[(&str, &str)]) -> Option<String> {
        refused_with(Calls::default(), changed)
    }

    fn refused_with(calls: Calls, changed: &[(&str, &str)]) -> Option<String> {
        let variables = IN_ORDER.iter().chain(changed);
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let context = "[auth]\nkeys = \"\"\nkeys_file = \"\"\n";
        let config =
            Config::layer(&[settings::DEFAULTS, service_settings::DEFAULTS, context], None, variables).unwrap();
        check(&config, &config.read().unwrap(), calls).err().map(|refused| refused.to_string())
    }

    #[test]
    fn a_service_in_order_is_not_refused() {
        assert_eq!(refused(&[]), None);
    }

    #[test]
    fn nothing_is_asked_of_a_persons_own_machine() {
        let dev = [("TESSERA_PROFILE", "dev"), ("TESSERA_ORIGIN", ""), ("TESSERA_DATABASE_URL", "")];
        assert_eq!(refused(&dev), None);
    }

    #[test]
    fn every_setting_that_matters_is_looked_at() {
        for (variable, value, setting) in [
            ("TESSERA_ORIGIN", "http://id.example", "origin"),
            ("TESSERA_ALLOWED_ORIGINS", "[\"http://app.example\"]", "allowed_origins"),
            ("TESSERA_TRUSTED_PROXIES", "[\"::/0\"]", "trusted_proxies"),
            ("TESSERA_LIMITS_ADDRESS_FACTOR", "1000", "limits.address_factor"),
            ("TESSERA_BIND", "0.0.0.0", "tls.certificate"),
            ("TESSERA_TLS_KEY", "/nonexistent.key", "tls.certificate"),
            ("TESSERA_TLS_AUTHORITIES", "/nonexistent.pem", "tls.authorities"),
            ("TESSERA_AUTH_KEYS", "", "auth.keys"),
            ("TESSERA_AUTH_KEYS", "k1:c2hvcnQ=", "auth.keys"),
            ("TESSERA_AUTH_KEYS_FILE", "/nonexistent", "auth.keys"),
            ("TESSERA_SERVICE_KEY", "short", "service_key"),
            ("TESSERA_DATABASE_URL", "", "database.url"),
            ("TESSERA_DATABASE_URL", "postgres://auth:Rk4vHq8z@db/auth?sslmode=disable", "database.url"),
            ("TESSERA_AMQP_URL", "amqps://guest:guest@broker", "amqp.url"),
            ("TESSERA_REDIS_URL", "redis://:Rk4vHq8z@cache", "redis.url"),
            ("TESSERA_PEERS_VERIFY", "http://verify.internal:9083", "peers.verify"),
            ("TESSERA_TELEMETRY_OTLP_ENDPOINT", "http://collector.internal:4318", "telemetry.otlp_endpoint"),
        ] {
            let refusal = refused(&[(variable, value)]).unwrap_or_default();
            assert!(refusal.contains(&format!("setting `{setting}`: ")), "{variable} {value}: {refusal}");
            assert_eq!(refusal.lines().count(), 2, "nothing else: {refusal}");
        }
    }

    #[test]
    fn calls_between_services_need_their_keys() {
        let (makes, takes) = (Calls { made: true, taken: false }, Calls { made: false, taken: true });
        for (calls, changed, setting, problem) in [
            (makes, ("TESSERA_SERVICE_KEY", ""), "service_key", "missing"),
            (takes, ("TESSERA_SERVICE_KEYS", ""), "service_keys", "missing"),
            (takes, ("TESSERA_SERVICE_KEYS", "/nonexistent"), "service_keys", "/nonexistent"),
        ] {
            let refusal = refused_with(calls, &[changed]).unwrap_or_default();
            let told = refusal.lines().nth(1).unwrap_or_default();
            assert!(
                told.contains(&format!("setting `{setting}`: ")) && told.contains(problem),
                "{changed:?}: {refusal}"
            );
            assert_eq!(refusal.lines().count(), 2, "nothing else: {refusal}");
        }
    }

    #[test]
    fn text_messages_need_to_be_told_where_they_may_go() {
        let context = "[auth]\nkeys = \"\"\nkeys_file = \"\"\n[verify.sms]\nbase_url = \"https://sms.example\"\nallowed_prefixes = []\n";
        let refused = |changed: &[(&str, &str)]| {
            let variables = IN_ORDER.iter().chain(changed);
            let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let config =
                Config::layer(&[settings::DEFAULTS, service_settings::DEFAULTS, context], None, variables).unwrap();
            check(&config, &config.read().unwrap(), Calls::default())
                .err()
                .map(|refused| refused.to_string())
                .unwrap_or_default()
        };
        assert!(refused(&[]).contains("setting `verify.sms.allowed_prefixes`: "));
        assert_eq!(refused(&[("TESSERA_VERIFY_SMS_ALLOWED_PREFIXES", "[\"+49\"]")]), "");
        assert_eq!(refused(&[("TESSERA_VERIFY_SMS_BASE_URL", "")]), "");
        let plain = [
            ("TESSERA_VERIFY_SMS_ALLOWED_PREFIXES", "[\"+49\"]"),
            ("TESSERA_VERIFY_SMS_BASE_URL", "http://sms.example"),
        ];
        assert!(refused(&plain).contains("setting `verify.sms.base_url`: "));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_file_for_everybody_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::env::temp_dir().join(format!("tessera-ring-{}", std::process::id()));
        std::fs::write(&file, RING).unwrap();
        let given = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            refused(&[("TESSERA_AUTH_KEYS", ""), ("TESSERA_AUTH_KEYS_FILE", file.to_str().unwrap())])
        };
        let (private, public) = (given(0o600), given(0o644));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(private, None);
        assert!(public.is_some_and(|refusal| refusal.contains("setting `auth.keys_file`: ")));
    }
}
