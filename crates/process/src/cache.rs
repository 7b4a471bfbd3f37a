//! What the replicas of a service share and may lose.

use anyhow::{Context as _, bail};
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_storage::Cache;
use tessera_storage::cache::RedisSettings;

use crate::service_settings::ServiceSettings;
use crate::settings::ProcessSettings;

/// Opens the cache that the settings name. That Redis does not answer is no error.
///
/// # Errors
/// When a setting cannot be used, or none is set in production.
pub fn open_cache(config: &Config, settings: &ProcessSettings, random: &Random) -> anyhow::Result<Cache> {
    let ServiceSettings { namespace, redis, .. } = config.read()?;
    let Some(url) = config.secret("redis.url")? else {
        if settings.is_dev() {
            return Ok(Cache::Memory);
        }
        bail!("setting `redis.url`: name the Redis that replicas share, as redis://user:password@host");
    };
    let authorities = settings.trust()?.pem().map(<[u8]>::to_vec);
    let (instances, patience) = (redis.instances, RedisSettings::PATIENCE);
    let settings = RedisSettings { url, namespace, instances, authorities, patience };
    Cache::redis(&settings, random).context("setting `redis.url`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{service_settings, settings};
    use tessera_common::profile::Profile;

    fn open(dev: bool, variables: &[(&str, &str)]) -> Result<Cache, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::layer(&[settings::DEFAULTS, service_settings::DEFAULTS], None, variables).unwrap();
        let mut settings: ProcessSettings = config.read().unwrap();
        settings.profile = if dev { Profile::Dev } else { Profile::Production };
        open_cache(&config, &settings, &Random::system()).map_err(|error| format!("{error:#}"))
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
        let problem = open(false, &[("TESSERA_REDIS_URL", "planted")]).unwrap_err();
        assert!(problem.contains("`redis.") && !problem.contains("planted"), "{problem}");
        assert!(!format!("{:?}", open(false, &[url])).contains("planted"));
    }
}
