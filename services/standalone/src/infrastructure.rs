//! What the contexts stand on: a database and a key ring each, a cache, the time, and randomness.

use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_process::health::Schema;
use tessera_storage::{Cache, Db, Migrations};
use tessera_tokens::key_ring::KeyRing;
use tessera_verify::Senders;

/// What the contexts stand on.
#[derive(Clone, Debug)]
pub struct Infrastructure {
    /// A database for each context, migrated.
    pub databases: Databases,
    /// A key ring for each context.
    pub rings: Rings,
    /// What replicas share and may lose.
    pub cache: Cache,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// How messages leave.
    pub senders: Senders,
}

/// A key ring for each context.
#[derive(Clone, Debug)]
pub struct Rings {
    /// auth's.
    pub auth: KeyRing,
    /// sessions'.
    pub sessions: KeyRing,
    /// verify's.
    pub verify: KeyRing,
    /// oauth's.
    pub oauth: KeyRing,
}

impl Rings {
    /// New rings, for a platform that keeps nothing.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn made(random: &Random) -> anyhow::Result<Self> {
        let made = || KeyRing::parse(&KeyRing::generate(random));
        Ok(Self { auth: made()?, sessions: made()?, verify: made()?, oauth: made()? })
    }
}

/// A database for each context.
#[derive(Clone, Debug)]
pub struct Databases {
    /// auth's.
    pub auth: Db,
    /// sessions'.
    pub sessions: Db,
    /// verify's.
    pub verify: Db,
    /// oauth's.
    pub oauth: Db,
}

/// The contexts that have a database, with its schema, in the order of [`Databases::all`].
pub const SCHEMAS: [(&str, &Migrations); 4] = [
    ("auth", &tessera_auth::MIGRATIONS),
    ("sessions", &tessera_sessions::MIGRATIONS),
    ("verify", &tessera_verify::MIGRATIONS),
    ("oauth", &tessera_oauth::MIGRATIONS),
];

impl From<[Db; 4]> for Databases {
    fn from([auth, sessions, verify, oauth]: [Db; 4]) -> Self {
        Self { auth, sessions, verify, oauth }
    }
}

impl Databases {
    /// Each of them, with what it must have.
    #[must_use]
    pub fn schemas(&self) -> Vec<Schema> {
        let all = self.all().into_iter().zip(SCHEMAS);
        all.map(|(db, (name, migrations))| Schema { name, db: db.clone(), migrations }).collect()
    }

    /// Each of them.
    #[must_use]
    pub const fn all(&self) -> [&Db; 4] {
        [&self.auth, &self.sessions, &self.verify, &self.oauth]
    }
}
