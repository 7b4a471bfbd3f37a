//! The read-only connections of a SQLite file.
//!
//! sqlx's pool asks each connection that comes back whether it is alive, for the sake of what a dropped transaction has left behind. These
//! begin none, and a file does not go away: the question would cost as much as a read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

/// How long somebody may wait for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection on loan: nobody else has it until it is dropped.
pub type Reader = OwnedMappedMutexGuard<Place, SqliteConnection>;

/// Where a connection is, once one was needed there.
type Place = Option<SqliteConnection>;

/// A fixed number of places for connections, which are opened when they are needed first. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: SqliteConnectOptions,
    places: Vec<Arc<Mutex<Place>>>,
    /// At which place the next one waits who finds none free.
    next: AtomicUsize,
    open: AtomicUsize,
    closed: AtomicBool,
}

impl Readers {
    /// At most `most` connections.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn open(options: SqliteConnectOptions, most: usize) -> sqlx::Result<Self> {
        let places = std::iter::repeat_with(Arc::default).take(most).collect();
        let (next, open, closed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let readers = Self(Arc::new(Inner { options, places, next, open, closed }));
        drop(readers.acquire().await?);
        Ok(readers)
    }

    /// A connection: one that is free, or whichever becomes free in its turn.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`], [`sqlx::Error::PoolClosed`], or why none could be opened.
    pub async fn acquire(&self) -> sqlx::Result<Reader> {
        let mut place = self.place().await?;
        if self.0.closed.load(Ordering::Acquire) {
            return Err(sqlx::Error::PoolClosed);
        }
        if place.is_none() {
            *place = Some(self.0.options.connect().await?);
            self.0.open.fetch_add(1, Ordering::Relaxed);
        }
        OwnedMutexGuard::try_map(place, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)
    }

    /// The first free place: where few are needed, few connections are opened.
    async fn place(&self) -> sqlx::Result<OwnedMutexGuard<Place>> {
        let free = self.0.places.iter().find_map(|place| Arc::clone(place).try_lock_owned().ok());
        if let Some(free) = free {
            return Ok(free);
        }
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed) % self.0.places.len().max(1);
        let place = self.0.places.get(turn).ok_or(sqlx::Error::PoolClosed)?;
        tokio::time::timeout(PATIENCE, Arc::clone(place).lock_owned()).await.map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// How many there may be.
    pub fn most(&self) -> usize {
        self.0.places.len()
    }

    /// How many are open, and how many of them are on loan.
    pub fn open_and_used(&self) -> (usize, usize) {
        let used = self.0.places.iter().filter(|place| place.try_lock().is_err()).count();
        let open = self.0.open.load(Ordering::Relaxed);
        (open, used.min(open))
    }

    /// Closes all of them; those on loan first come back.
    pub async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        for place in &self.0.places {
            if let Some(connection) = place.lock().await.take() {
                // What cannot be closed is gone.
                let _ = connection.close().await;
            }
        }
    }
}
