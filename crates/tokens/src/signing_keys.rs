//! Signing keys as rows, sealed under the service's ring: made once, published, used, retired, each by the clock.
//!
//! Every context that signs has the table `signing_keys`. A key is published 15 minutes before it signs, so that every cached set
//! knows it by then, and stays published until the last token it signed has ended. All instances read the same rows and decide by
//! the same clock.

use std::sync::{Arc, PoisonError, RwLock};

use actix_web::web::Bytes;
use async_trait::async_trait;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use chrono::TimeDelta;
use serde::Serialize;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_storage::{Db, Session, affected, run};
use zeroize::Zeroizing;

use crate::access_token::PublicKeys;
use crate::jwk::{Algorithm, Jwk, JwkSet};
use crate::jwt::{self, NotSigned, SigningKey, TokenError, VerifyingKey};
use crate::kept_keys::{self, KeptKey};
use crate::key_ring::{KeyRing, NotOpened, Sealer};

/// How long a key is published before it signs: longer than any published set may be cached.
pub const PUBLISHED_AHEAD: TimeDelta = TimeDelta::minutes(15);

/// A set of keys that one issuer signs with.
#[derive(Clone, Copy, Debug)]
pub struct KeySet {
    /// Its name in the table.
    pub name: &'static str,
    /// The algorithms it has a key for, in the order they are published.
    pub algorithms: &'static [Algorithm],
    /// What each `kid` begins with.
    pub kid_prefix: &'static str,
    /// The longest life of a token signed with it.
    pub token_life: TimeDelta,
}

/// Why signing keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A key does not open: the service's ring is not the one it was sealed under.
    #[error("signing key {0} does not open: the key ring is not the one it was sealed under")]
    NotOpened(String),
    /// A key could not be made or read.
    #[error("a signing key could not be made or read")]
    Unusable,
}

/// The signing keys of one set, shared by all who sign or publish.
#[derive(Clone, Debug)]
pub struct SigningKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    sealer: Sealer,
    clock: Clock,
    random: Random,
    set: KeySet,
    keys: RwLock<Vec<Kept>>,
    published: RwLock<Published>,
}

#[derive(Clone, Debug)]
struct Kept {
    signing: SigningKey,
    verifying: VerifyingKey,
    jwk: Jwk,
    published_at: Timestamp,
    active_at: Timestamp,
    retired_at: Option<Timestamp>,
    gone_at: Option<Timestamp>,
}

/// The rendered set, good until the next key appears or leaves.
#[derive(Clone, Debug)]
struct Published {
    document: Bytes,
    until: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    kid: String,
    alg: String,
    sealed: Vec<u8>,
    published_at: Timestamp,
    active_at: Timestamp,
    retired_at: Option<Timestamp>,
    gone_at: Option<Timestamp>,
}

/// A new key, sealed.
struct Made {
    kid: String,
    sealed: Vec<u8>,
}

impl SigningKeys {
    /// Opens a set, making the first key of each algorithm if there is none. Processes that start together agree on one.
    ///
    /// # Errors
    /// When the database fails, or a key does not open under `ring`.
    pub async fn open(
        db: Db,
        ring: &KeyRing,
        clock: Clock,
        random: Random,
        set: KeySet,
    ) -> Result<Self, SigningKeysError> {
        let now = clock.now();
        let keys = Self(Arc::new(Inner {
            db,
            sealer: ring.sealer("signing keys"),
            clock,
            random,
            set,
            keys: RwLock::default(),
            published: RwLock::new(Published { document: Bytes::new(), until: now }),
        }));
        keys.reload().await?;
        for algorithm in set.algorithms {
            if !keys.has_any(*algorithm) {
                let made = keys.make(*algorithm, now).await?;
                keys.insert(&mut keys.0.db.write().await?, made, *algorithm, 1, now, now).await?;
            }
        }
        keys.reload().await?;
        Ok(keys)
    }

    /// Reads the rows again: another instance may have rotated.
    ///
    /// # Errors
    /// As [`SigningKeys::open`].
    pub async fn reload(&self) -> Result<(), SigningKeysError> {
        let rows: Vec<Row> = run!(&mut self.0.db.read().await?, |e| sqlx::query_as(
            "select kid, alg, sealed, published_at, active_at, retired_at, gone_at from signing_keys \
             where key_set = $1 and (gone_at is null or gone_at > $2) order by generation desc"
        )
        .bind(self.0.set.name)
        .bind(self.0.clock.now())
        .fetch_all(e))?;
        let known = self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            keys.push(match known.iter().find(|kept| kept.jwk.kid == row.kid) {
                Some(kept) => Kept { retired_at: row.retired_at, gone_at: row.gone_at, ..kept.clone() },
                None => self.parse(row)?,
            });
        }
        let order = |kept: &Kept| self.0.set.algorithms.iter().position(|algorithm| *algorithm == kept.jwk.alg);
        keys.sort_by_key(order);
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        self.0.published.write().unwrap_or_else(PoisonError::into_inner).until = self.0.clock.now();
        Ok(())
    }

    /// Puts a new key of `algorithm` in the place of the present one, from 15 minutes on. Answers its `kid`; instances that
    /// rotate at once end up signing with one key.
    ///
    /// # Errors
    /// As [`SigningKeys::open`].
    pub async fn rotate(&self, algorithm: Algorithm) -> Result<String, SigningKeysError> {
        let now = self.0.clock.now();
        let active_at = now + PUBLISHED_AHEAD;
        let made = self.make(algorithm, now).await?;
        let mut tx = self.0.db.begin().await?;
        let newest: Option<i64> = run!(&mut tx, |e| sqlx::query_scalar(
            "select max(generation) from signing_keys where key_set = $1 and alg = $2"
        )
        .bind(self.0.set.name)
        .bind(algorithm.name())
        .fetch_one(e))?;
        let generation = newest.unwrap_or(0) + 1;
        self.insert(&mut tx, made, algorithm, generation, now, active_at).await?;
        // Only what is older: whoever lost the race for this generation must not retire the winner's key.
        affected!(
            &mut tx,
            sqlx::query(
                "update signing_keys set retired_at = $4, gone_at = $5 \
                 where key_set = $1 and alg = $2 and generation < $3 and retired_at is null"
            )
            .bind(self.0.set.name)
            .bind(algorithm.name())
            .bind(generation)
            .bind(active_at)
            .bind(active_at + self.0.set.token_life)
        )?;
        let kid = run!(&mut tx, |e| sqlx::query_scalar(
            "select kid from signing_keys where key_set = $1 and alg = $2 and generation = $3"
        )
        .bind(self.0.set.name)
        .bind(algorithm.name())
        .bind(generation)
        .fetch_one(e))?;
        tx.commit().await?;
        self.reload().await?;
        Ok(kid)
    }

    /// Signs with the key of `algorithm` that is in use now.
    ///
    /// # Errors
    /// [`NotSigned`] when the set has no such key.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        typ: &str,
        category: Option<&str>,
        claims: &impl Serialize,
    ) -> Result<String, NotSigned> {
        let now = self.0.clock.now();
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let in_use = |kept: &&Kept| {
            kept.jwk.alg == algorithm && kept.active_at <= now && kept.retired_at.is_none_or(|retired| now < retired)
        };
        let key = keys.iter().find(in_use).map(|kept| kept.signing.clone());
        drop(keys);
        let missing = || jsonwebtoken::errors::Error::from(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat);
        jwt::sign(&key.ok_or_else(missing)?, typ, category, claims)
    }

    /// The set as published now (RFC 7517), rendered once for as long as it does not change.
    #[must_use]
    pub fn document(&self) -> Bytes {
        let now = self.0.clock.now();
        let published = self.0.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        if now < published.until && !published.document.is_empty() {
            return published.document;
        }
        let rendered = self.render(now);
        *self.0.published.write().unwrap_or_else(PoisonError::into_inner) = rendered.clone();
        rendered.document
    }

    fn render(&self, now: Timestamp) -> Published {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let shown = keys.iter().filter(|kept| kept.published_at <= now && kept.gone_at.is_none_or(|gone| now < gone));
        let set = JwkSet { keys: shown.map(|kept| kept.jwk.clone()).collect() };
        let changes = keys.iter().flat_map(|kept| [Some(kept.published_at), kept.gone_at]).flatten();
        let until = changes.filter(|at| *at > now).min().unwrap_or(Timestamp::MAX_UTC);
        Published { document: serde_json::to_vec(&set).unwrap_or_default().into(), until }
    }

    fn has_any(&self, algorithm: Algorithm) -> bool {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).iter().any(|kept| kept.jwk.alg == algorithm)
    }

    async fn make(&self, algorithm: Algorithm, now: Timestamp) -> Result<Made, SigningKeysError> {
        let kid = ids::encode_prefixed(self.0.set.kid_prefix, ids::new_v7(now, &self.0.random));
        // Making an RSA key takes long enough to hold up a worker thread.
        let pkcs8 = tokio::task::spawn_blocking(move || generate(algorithm))
            .await
            .ok()
            .flatten()
            .ok_or(SigningKeysError::Unusable)?;
        let place = ["signing_keys", &kid];
        let sealed =
            self.0.sealer.seal(&place, &pkcs8, &self.0.random).map_err(|NotOpened| SigningKeysError::Unusable)?;
        Ok(Made { kid, sealed })
    }

    async fn insert(
        &self,
        session: &mut impl Session,
        made: Made,
        algorithm: Algorithm,
        generation: i64,
        published_at: Timestamp,
        active_at: Timestamp,
    ) -> sqlx::Result<()> {
        affected!(
            session,
            sqlx::query(
                "insert into signing_keys (kid, key_set, alg, generation, sealed, published_at, active_at) \
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict (key_set, alg, generation) do nothing"
            )
            .bind(made.kid.clone())
            .bind(self.0.set.name)
            .bind(algorithm.name())
            .bind(generation)
            .bind(made.sealed.clone())
            .bind(published_at)
            .bind(active_at)
        )?;
        Ok(())
    }

    fn parse(&self, row: Row) -> Result<Kept, SigningKeysError> {
        let algorithm = Algorithm::named(&row.alg).ok_or(SigningKeysError::Unusable)?;
        let pkcs8 = self
            .0
            .sealer
            .open(&["signing_keys", &row.kid], &row.sealed)
            .map_err(|NotOpened| SigningKeysError::NotOpened(row.kid.clone()))?;
        let key = parse(algorithm, &pkcs8).ok_or(SigningKeysError::Unusable)?;
        let jwk = Jwk { members: key.public(), purpose: "sig".to_owned(), kid: row.kid.clone(), alg: algorithm };
        let verifying = VerifyingKey::of(&jwk).map_err(|_| SigningKeysError::Unusable)?;
        let signing = SigningKey { kid: row.kid, algorithm, encoding: kept_keys::keep(key) };
        let Row { published_at, active_at, retired_at, gone_at, .. } = row;
        Ok(Kept { signing, verifying, jwk, published_at, active_at, retired_at, gone_at })
    }
}

#[async_trait]
impl PublicKeys for SigningKeys {
    async fn find(&self, kid: &str) -> Result<Option<VerifyingKey>, TokenError> {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now();
        let known = |kept: &&Kept| kept.jwk.kid == kid && kept.gone_at.is_none_or(|gone| now < gone);
        Ok(keys.iter().find(known).map(|kept| kept.verifying.clone()))
    }
}

fn generate(algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
    let der = match algorithm {
        Algorithm::RS256 => RsaKeyPair::generate(KeySize::Rsa2048).ok()?.as_der().ok()?.as_ref().to_vec(),
        Algorithm::ES256 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            key.to_pkcs8v1().ok()?.as_ref().to_vec()
        }
        Algorithm::EdDSA => Ed25519KeyPair::generate().ok()?.to_pkcs8().ok()?.as_ref().to_vec(),
    };
    Some(Zeroizing::new(der))
}

fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Option<KeptKey> {
    Some(match algorithm {
        Algorithm::RS256 => KeptKey::Rsa(RsaKeyPair::from_pkcs8(pkcs8).ok()?),
        Algorithm::ES256 => KeptKey::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?),
        Algorithm::EdDSA => KeptKey::Ed(Ed25519KeyPair::from_pkcs8(pkcs8).ok()?),
    })
}
