//! Password hashes: argon2id on its own threads, never more at once than cores, and a bounded queue before them.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
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
/// Bytes of a hash.
const HASH_LEN: usize = Params::DEFAULT_OUTPUT_LEN;

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
    memory: Arc<Memory>,
    /// Compared with where there is no password, so that both cases take one hash. Nobody knows a password of it.
    dummy: Arc<str>,
}

/// The memory that hashes work in: a piece for each that runs at once, made when it is first needed and used again. To the allocator's
/// zeroes a hash would pay a tenth of its time, and each thread that ever hashed would keep 19 MiB.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    fn lend<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let pieces = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut piece = pieces().pop().unwrap_or_default();
        let done = work(&mut piece);
        pieces().push(piece);
        done
    }
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
            memory: Arc::default(),
            dummy: phc(&random.bytes::<SALT_LEN>(), &random.bytes::<HASH_LEN>())?.into(),
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
        self.run(move |memory| hash(memory, password.expose_secret().as_bytes(), &salt)).await?
    }

    /// Whether `password` is the one of `phc`. Without a hash to compare with, the same time is spent and the answer is no.
    ///
    /// # Errors
    /// [`Failure::Busy`] when too many wait.
    pub async fn verify(&self, password: SecretString, phc: Option<String>) -> Result<bool, Failure> {
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.dummy.to_string());
        let matches = self.run(move |memory| verify(memory, password.expose_secret().as_bytes(), &phc)).await?;
        Ok(matches && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (admitted, running) = self.place().await.inspect_err(|_| REFUSED.add(1, &[]))?;
        let (memory, span) = (Arc::clone(&self.memory), tracing::Span::current());
        let work = move || {
            // Held by the work, not by the request: a caller who hangs up frees no core.
            let _held = (admitted, running);
            span.in_scope(|| memory.lend(work))
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

fn params() -> Result<Params, Failure> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LEN)).map_err(internal)
}

fn hash(memory: &mut Vec<Block>, password: &[u8], salt: &[u8]) -> Result<String, Failure> {
    let mut hash = [0; HASH_LEN];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?);
    stretch(&argon2, memory, password, salt, &mut hash).map_err(internal)?;
    phc(salt, &hash)
}

/// The PHC string of a hash under the present parameters.
fn phc(salt: &[u8], hash: &[u8]) -> Result<String, Failure> {
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params()?).map_err(internal)?,
        salt: Some(Salt::new(salt).map_err(internal)?),
        hash: Some(Output::new(hash).map_err(internal)?),
    };
    Ok(phc.to_string())
}

/// Whether `password` is the one of `phc`. A string that is no hash of this algorithm matches nothing.
fn verify(memory: &mut Vec<Block>, password: &[u8], phc: &str) -> bool {
    let Ok(phc) = PasswordHash::new(phc) else { return false };
    // The library compares in constant time.
    rehashed(memory, password, &phc).is_some_and(|hash| phc.hash == Some(hash))
}

/// The hash of `password` with the salt and the parameters of `phc`, whatever they are.
fn rehashed(memory: &mut Vec<Block>, password: &[u8], phc: &PasswordHash) -> Option<Output> {
    let algorithm = Algorithm::try_from(phc.algorithm.as_str()).ok()?;
    let argon2 = Argon2::new(algorithm, phc.version?.try_into().ok()?, Params::try_from(phc).ok()?);
    let mut hash = vec![0; phc.hash.as_ref()?.len()];
    stretch(&argon2, memory, password, phc.salt.as_ref()?, &mut hash).ok()?;
    Output::new(&hash).ok()
}

fn stretch(
    argon2: &Argon2<'_>,
    memory: &mut Vec<Block>,
    password: &[u8],
    salt: &[u8],
    hash: &mut [u8],
) -> argon2::Result<()> {
    let needed = argon2.params().block_count();
    if memory.len() < needed {
        memory.resize(needed, Block::new());
    }
    argon2.hash_password_into_with_memory(password, salt, hash, memory)
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher as _;

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

    #[test]
    fn memory_that_was_used_before_changes_no_hash() {
        let memory = Memory::default();
        let salt = [7; SALT_LEN];
        let known = Argon2::default().hash_password_with_salt(b"second", &salt).expect("hashed").to_string();
        memory.lend(|memory| hash(memory, b"first", &salt)).expect("hashed");
        assert_eq!(memory.lend(|memory| hash(memory, b"second", &salt)).expect("hashed"), known);
        assert!(memory.lend(|memory| verify(memory, b"second", &known)));
        assert_eq!(memory.0.lock().expect("the pieces").len(), 1);
    }

    #[test]
    fn a_hash_of_other_parameters_is_compared_under_its_own() {
        let memory = Memory::default();
        for (kib, passes, lanes, len) in [(8, 1, 1, 16), (20 * 1024, 1, 2, 64)] {
            let other = Params::new(kib, passes, lanes, Some(len)).expect("parameters");
            let other = Argon2::new(Algorithm::Argon2i, Version::V0x10, other);
            let known = other.hash_password_with_salt(b"correct", &[7; SALT_LEN]).expect("hashed").to_string();
            assert!(memory.lend(|memory| verify(memory, b"correct", &known)), "{known}");
            assert!(!memory.lend(|memory| verify(memory, b"wrong", &known)), "{known}");
        }
        assert!(!memory.lend(|memory| verify(memory, b"correct", "not a hash")));
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
