//! What the replicas of a service share and may lose.

use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_storage::Cache;
use tessera_storage::cache::RedisSettings;

use crate::service::ServiceSettings;

/// How Redis is used. Where it is, is a secret.
#[derive(Clone, Debug, Deserialize)]
pub struct SharedSettings {
    /// How many replicas this service has.
    pub instances: NonZeroU32,
    /// The authorities that may vouch for the server; empty for the machine's own.
    pub ca_file: PathBuf,
}

/// Opens the cache that the settings name. That Redis does not answer is no error.
///
/// # Errors
/// When a setting cannot be used, or none is set in production.
pub fn open_cache(config: &Config, dev: bool, random: &Random) -> anyhow::Result<Cache> {
    let ServiceSettings { namespace, redis, .. } = config.read()?;
    let Some(url) = config.secret("redis.url")? else {
        if dev {
            return Ok(Cache::Memory);
        }
        bail!("setting `redis.url`: name the Redis that replicas share, as redis://user:password@host");
    };
    let authorities = match redis.ca_file.as_os_str().is_empty() {
        true => None,
        false => Some(std::fs::read(&redis.ca_file).context("setting `redis.ca_file` cannot be read")?),
    };
    let settings = RedisSettings { url, namespace, instances: redis.instances, authorities };
    Cache::redis(&settings, random).context("settings `redis.url` and `redis.ca_file`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{service, settings};

    fn open(dev: bool, variables: &[(&str, &str)]) -> Result<Cache, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::layer(&[settings::DEFAULTS, service::DEFAULTS], None, variables).unwrap();
        open_cache(&config, dev, &Random::system()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn redis_may_be_missing_on_a_persons_own_machine_alone() {
        assert!(matches!(open(true, &[]), Ok(Cache::Memory)));
        assert!(open(false, &[]).unwrap_err().contains("redis.url"));
    }

    #[tokio::test]
    async fn settings_that_cannot_be_used_are_named_without_their_secret() {
        let url = ("TESSERA_REDIS_URL", "redis://:planted@127.0.0.1");
        assert!(matches!(open(false, &[url]), Ok(Cache::Redis(_))));
        let wrong = [
            vec![("TESSERA_REDIS_URL", "planted")],
            vec![url, ("TESSERA_REDIS_CA_FILE", "/nowhere.pem")],
            vec![url, ("TESSERA_REDIS_CA_FILE", "/dev/null")],
        ];
        for variables in wrong {
            let problem = open(false, &variables).unwrap_err();
            assert!(problem.contains("`redis.") && !problem.contains("planted"), "{problem}");
        }
        assert!(!format!("{:?}", open(false, &[url])).contains("planted"));
    }
}
