//! Connections for statements that need no transaction.
//!
//! sqlx's pool asks each connection that comes back whether it is alive, for the sake of what a dropped transaction has left behind.
//! These begin none, and one whose last statement ended well a moment ago needs no question, which would cost about as much as a read.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long somebody may wait for a connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// A connection that was used within this time, and whose last statement ended well, is taken as alive.
pub(crate) const SURELY_ALIVE: Duration = Duration::from_secs(1);
/// How long another one may take to say that it is; behind a network that swallows everything it never does.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_millis(500);
/// How old a connection may be when it is lent: its server may have moved, or remember too much of it.
pub(crate) const MOST_AGE: Duration = Duration::from_secs(15 * 60);

/// A fixed number of places for connections, which are opened when they are first needed. Cheap to clone.
#[derive(Debug)]
pub struct Lender<C: Connection>(Arc<Inner<C>>);

#[derive(Debug)]
struct Inner<C: Connection> {
    options: C::Options,
    places: Vec<Arc<Mutex<Place<C>>>>,
    /// One permit for each place; who comes first gets the first that is free.
    free: Arc<Semaphore>,
}

/// Where a connection is, once one was needed there.
type Place<C> = Option<Kept<C>>;

#[derive(Debug)]
struct Kept<C> {
    connection: C,
    opened: Instant,
    /// When the last statement ended well; `None` since one began.
    sound: Option<Instant>,
}

/// A connection on loan: nobody else has it until it is dropped.
#[derive(Debug)]
pub struct Lent<C> {
    kept: OwnedMappedMutexGuard<Place<C>, Kept<C>>,
    // Given back after the place is.
    _permit: OwnedSemaphorePermit,
}

impl<C: Connection> Clone for Lender<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Connection> Lender<C> {
    /// At most `most` connections, none of them open.
    #[must_use]
    pub fn new(options: C::Options, most: u32) -> Self {
        let places: Vec<_> = (0..most).map(|_| Arc::new(Mutex::new(None))).collect();
        let free = Arc::new(Semaphore::new(places.len()));
        Self(Arc::new(Inner { options, places, free }))
    }

    /// A connection: one that is free, or the next that becomes free.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`], [`sqlx::Error::PoolClosed`], or why none could be opened.
    pub async fn lend(&self) -> sqlx::Result<Lent<C>> {
        timeout(PATIENCE, self.wait()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    async fn wait(&self) -> sqlx::Result<Lent<C>> {
        let permit = Arc::clone(&self.0.free).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let mut place = self.free_place().await;
        if let Some(kept) = place.as_mut()
            && !kept.is_usable().await
        {
            *place = None;
        }
        if place.is_none() {
            *place = Some(Kept::new(self.0.options.connect().await?));
        }
        let kept = OwnedMutexGuard::try_map(place, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Lent { kept, _permit: permit })
    }

    /// The first free place: where few are needed, few connections are opened. Who has a permit finds one; while others come and go it
    /// may take a second look.
    async fn free_place(&self) -> OwnedMutexGuard<Place<C>> {
        loop {
            let free = self.0.places.iter().find_map(|place| Arc::clone(place).try_lock_owned().ok());
            match free {
                Some(free) => return free,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// How many there may be.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.places.len()
    }

    /// How many are open, and how many of them are on loan.
    #[must_use]
    pub fn open_and_used(&self) -> (usize, usize) {
        let states = self.0.places.iter().map(|place| place.try_lock().map(|free| free.is_some()));
        states.fold((0, 0), |(open, used), state| match state {
            Ok(is_open) => (open + usize::from(is_open), used),
            Err(_) => (open + 1, used + 1),
        })
    }

    /// Closes all of them; those on loan, or about to be, first come back.
    pub async fn close(&self) {
        // With all permits nobody else is looking for a place. That there are none means that they were closed before.
        let all = u32::try_from(self.most()).unwrap_or(u32::MAX);
        let _permits = self.0.free.acquire_many(all).await;
        self.0.free.close();
        for place in &self.0.places {
            if let Some(kept) = place.lock().await.take() {
                // What cannot be closed is gone.
                let _ = kept.connection.close().await;
            }
        }
    }
}

impl<C: Connection> Kept<C> {
    fn new(connection: C) -> Self {
        let now = Instant::now();
        Self { connection, opened: now, sound: Some(now) }
    }

    /// Whether it can be lent. Another one is opened in its place, and whoever wants it does not notice.
    async fn is_usable(&mut self) -> bool {
        if self.opened.elapsed() > MOST_AGE {
            return false;
        }
        if self.sound.is_some_and(|at| at.elapsed() < SURELY_ALIVE) {
            return true;
        }
        timeout(SIGN_OF_LIFE, self.connection.ping()).await.is_ok_and(|answer| answer.is_ok())
    }
}

impl<C> Lent<C> {
    /// Notes that the statement which was begun last has ended well.
    pub(crate) fn ended_well(&mut self) {
        self.kept.sound = Some(Instant::now());
    }
}

impl<C> Deref for Lent<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.kept.connection
    }
}

impl<C> DerefMut for Lent<C> {
    /// To begin a statement.
    fn deref_mut(&mut self) -> &mut C {
        self.kept.sound = None;
        &mut self.kept.connection
    }
}
