//! The data folder: one process at a time, its databases, and in the dev profile the secrets it made.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use tessera_storage::{Db, Migrations};
use tessera_tokens::key_ring::KeyRing;

use crate::infrastructure::{Databases, SCHEMAS};
use crate::private_files;

/// A data folder that this process holds alone.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if need be and locks it.
    ///
    /// # Errors
    /// When it cannot be made, or another process holds it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        private_files::create_dir(path).with_context(|| format!("data_dir: {} cannot be made", path.display()))?;
        let lock = private_files::open(&path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{} is in use by another process: stop it, or choose another folder by --data-dir",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Opens the databases, and migrates them if `migrate`.
    ///
    /// # Errors
    /// When one cannot be opened or is not fit to serve from.
    pub async fn databases(&self, migrate: bool) -> anyhow::Result<Databases> {
        let [auth, sessions, verify, oauth] = SCHEMAS.map(|(name, schema)| self.database(name, schema, migrate));
        Ok(Databases::from([auth.await?, sessions.await?, verify.await?, oauth.await?]))
    }

    async fn database(&self, name: &str, migrations: &Migrations, migrate: bool) -> anyhow::Result<Db> {
        let file = self.path.join(format!("{name}.sqlite"));
        let db = Db::sqlite(&file).await.with_context(|| format!("{} cannot be opened", file.display()))?;
        let fit = if migrate { migrations.apply(&db).await } else { migrations.check(&db).await };
        fit.with_context(|| format!("{} is not fit to serve from", file.display()))?;
        Ok(db)
    }

    /// The key ring of a context that was made here, making it the first time.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn made_ring(&self, context: &str, random: &Random) -> anyhow::Result<SecretString> {
        let file = self.path.join(format!("{context}.keys"));
        match std::fs::read_to_string(&file) {
            Ok(ring) => Ok(ring.trim().to_owned().into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let ring = KeyRing::generate(random);
                private_files::open(&file)?.write_all(ring.expose_secret().as_bytes())?;
                Ok(ring)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }
}
