//! Password hashes: argon2id on its own threads, never more at once than cores, and a bounded queue before them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use opentelemetry::global;
use opentelemetry::metrics::Counter;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use tessera_common::telemetry::METER;
use tessera_contracts::call::Failure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory of one hash, in KiB (OWASP's second recommended set: 19 MiB, two passes, one lane).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes that may wait for each one that runs; more are turned away at once.
const QUEUED_PER_CORE: usize = 32;
/// How long one may wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// Random bytes of a salt.
const SALT_LEN: usize = 16;

static REFUSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter(METER)
        .u64_counter("tessera.password_hash.refused")
        .with_unit("{hash}")
        .with_description("Password hashes that were turned away because too many waited")
        .build()
});

/// Hashes and compares passwords.
#[derive(Clone, Debug)]
pub struct Hasher {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    /// Compared with where there is no password, so that both cases take one hash.
    dummy: Arc<str>,
}

impl Hasher {
    /// A hasher that runs at most `cores` hashes at once.
    ///
    /// # Errors
    /// When the parameters do not suit the algorithm.
    pub fn new(cores: usize, random: &Random) -> Result<Self, Failure> {
        let hasher = Self {
            running: Arc::new(Semaphore::new(cores)),
            admitted: Arc::new(Semaphore::new(cores * (1 + QUEUED_PER_CORE))),
            dummy: hash(&random.bytes::<SALT_LEN>(), &random.bytes::<SALT_LEN>())?.into(),
        };
        hasher.count(cores);
        Ok(hasher)
    }

    /// Lets the numbers of the process tell how long the queue is. They are counted whenever somebody reads them.
    fn count(&self, cores: usize) {
        let (running, admitted) = (Arc::clone(&self.running), Arc::clone(&self.admitted));
        let at_work = move || cores.saturating_sub(running.available_permits());
        let at_work_too = at_work.clone();
        let places = cores * (1 + QUEUED_PER_CORE);
        let waiting = move || places.saturating_sub(admitted.available_permits()).saturating_sub(at_work_too());
        let meter = global::meter(METER);
        meter
            .i64_observable_up_down_counter("tessera.password_hash.running")
            .with_unit("{hash}")
            .with_description("Password hashes that run")
            .with_callback(move |count| count.observe(i64::try_from(at_work()).unwrap_or(i64::MAX), &[]))
            .build();
        meter
            .i64_observable_up_down_counter("tessera.password_hash.waiting")
            .with_unit("{hash}")
            .with_description("Password hashes that wait for a core")
            .with_callback(move |count| count.observe(i64::try_from(waiting()).unwrap_or(i64::MAX), &[]))
            .build();
        // From the first look on there is a number to compare later ones with.
        REFUSED.add(0, &[]);
    }

    /// The PHC string of `password` under the present parameters.
    ///
    /// # Errors
    /// [`Failure::Busy`] when too many wait.
    pub async fn hash(&self, password: SecretString, random: &Random) -> Result<String, Failure> {
        let salt = random.bytes::<SALT_LEN>();
        self.run(move || hash(password.expose_secret().as_bytes(), &salt)).await?
    }

    /// Whether `password` is the one of `phc`. Without a hash to compare with, the same time is spent and the answer is no.
    ///
    /// # Errors
    /// [`Failure::Busy`] when too many wait.
    pub async fn verify(&self, password: SecretString, phc: Option<String>) -> Result<bool, Failure> {
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.dummy.to_string());
        let matches = self.run(move || verify(password.expose_secret().as_bytes(), &phc)).await?;
        Ok(matches && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let (admitted, running) = self.place().await.inspect_err(|_| REFUSED.add(1, &[]))?;
        let span = tracing::Span::current();
        let work = move || {
            // Held by the work, not by the request: a caller who hangs up frees no core.
            let _held = (admitted, running);
            span.in_scope(work)
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Internal(Box::new(error)))
    }

    /// A place in the queue, and then a core.
    async fn place(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Failure> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Failure::Busy)?;
        let running = tokio::time::timeout(PATIENCE, Arc::clone(&self.running).acquire_owned());
        let running = running.await.map_err(|_| Failure::Busy)?.map_err(|_| Failure::Busy)?;
        Ok((admitted, running))
    }
}

fn argon2() -> Result<Argon2<'static>, Failure> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8], salt: &[u8]) -> Result<String, Failure> {
    let phc: PasswordHash = argon2()?.hash_password_with_salt(password, salt).map_err(internal)?;
    Ok(phc.to_string())
}

fn verify(password: &[u8], phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let random = Random::seeded(1);
        let hasher = Hasher::new(1, &random).expect("a hasher");
        let phc = hasher.hash("correct".into(), &random).await.expect("hashed");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(hasher.verify("correct".into(), Some(phc.clone())).await.expect("compared"));
        assert!(!hasher.verify("wrong".into(), Some(phc)).await.expect("compared"));
        assert!(!hasher.verify("correct".into(), None).await.expect("compared"));
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_is_turned_away_at_once() {
        let random = Random::seeded(1);
        let hasher = Hasher::new(1, &random).expect("a hasher");
        let all = Arc::clone(&hasher.admitted).acquire_many_owned(33).await.expect("all places");
        assert!(matches!(hasher.verify("x".into(), None).await, Err(Failure::Busy)));
        drop(all);
        assert!(hasher.verify("x".into(), None).await.is_ok());
    }
}
