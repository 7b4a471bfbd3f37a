//! The engines that a journey shares with others of its run: those that are named or stand at their usual places, else private ones.

use crate::engines::{Postgres, RabbitMq, Redis, answers_amqp, answers_postgres, answers_redis};
use crate::services::Setup;

/// Engines for four services that do not harm them. Tests that kill start their own: [`crate::Engines`].
#[derive(Debug)]
pub struct Ground {
    urls: [String; 3],
    // Held for their drop.
    _private: (Option<Postgres>, Option<Redis>, Option<RabbitMq>),
}

impl Ground {
    /// Finds or starts each. `None` where one is neither there nor installed, or the tests are told to leave it out:
    /// `TESSERA_TEST_POSTGRES=off`, `TESSERA_TEST_REDIS=off` or `TESSERA_TEST_RABBITMQ=off`.
    ///
    /// # Panics
    /// When one does not come up; with what it said.
    pub async fn find() -> Option<Self> {
        let is_off = |name: &str| std::env::var(format!("TESSERA_TEST_{name}")).as_deref() == Ok("off");
        if ["POSTGRES", "REDIS", "RABBITMQ"].into_iter().any(is_off) {
            return None;
        }
        let (postgres, redis, rabbitmq) = tokio::join!(
            async {
                match given("POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres", answers_postgres(5432)).await {
                    Some(url) => Some((url, None)),
                    None => Postgres::start().await.map(|server| server.lent(|server| server.url("postgres"))),
                }
            },
            async {
                match given("REDIS", "redis://127.0.0.1:6379/0", answers_redis(6379)).await {
                    Some(url) => Some((url, None)),
                    None => Redis::start().await.map(|server| server.lent(Redis::url)),
                }
            },
            async {
                match given("AMQP", "amqp://guest:guest@127.0.0.1:5672/%2f", answers_amqp(5672)).await {
                    Some(url) => Some((url, None)),
                    None => RabbitMq::start().await.map(|broker| broker.lent(RabbitMq::url)),
                }
            },
        );
        let (postgres, redis, rabbitmq) = (postgres?, redis?, rabbitmq?);
        Some(Self { urls: [postgres.0, redis.0, rabbitmq.0], _private: (postgres.1, redis.1, rabbitmq.1) })
    }

    /// One replica of each service on these engines.
    #[must_use]
    pub fn setup(&self) -> Setup {
        let [postgres, redis, amqp] = self.urls.clone();
        Setup {
            postgres,
            redis,
            amqp,
            replicas: 1,
            settings: Vec::new(),
            settings_of: Vec::new(),
            drains: false,
            seed: 0,
            tls: None,
        }
    }
}

/// The engine that the environment names, or the one at its usual place if it answers there.
async fn given(name: &str, usual: &str, answers: impl Future<Output = bool>) -> Option<String> {
    match std::env::var(format!("TESSERA_TEST_{name}_URL")) {
        Ok(url) if !url.is_empty() => Some(url),
        _ => answers.await.then(|| usual.to_owned()),
    }
}

/// An engine with its URL.
trait Lent: Sized {
    fn lent(self, url: impl FnOnce(&Self) -> String) -> (String, Option<Self>) {
        (url(&self), Some(self))
    }
}

impl Lent for Postgres {}
impl Lent for Redis {}
impl Lent for RabbitMq {}
