//! The connection that all calls of a process share: dialled when needed, dropped at the first failure, never waited for long.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult};
use tokio::time::{Instant, timeout};

use super::breaker::Breaker;

/// What dialling may take. It goes on when the call that began it has given up.
pub(super) const DIAL: Duration = Duration::from_secs(1);

/// After this a connection is made anew: its name may mean another server by now.
pub(super) const MAX_AGE: Duration = Duration::from_secs(300);

/// Redis did not answer; that has been logged.
#[derive(Debug)]
pub(crate) struct Away;

type Dial = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

pub(super) struct Connection {
    client: Client,
    patience: Duration,
    dialled: Mutex<Option<(Instant, Dial)>>,
    breaker: Mutex<Breaker>,
}

impl Connection {
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self { client, patience, dialled: Mutex::default(), breaker: Mutex::new(Breaker::new(Instant::now())) }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Asks one thing, and waits for the answer as long as the settings say.
    pub(super) async fn call<T, F>(&self, ask: impl FnOnce(MultiplexedConnection) -> F) -> Result<T, Away>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.breaker().admits(Instant::now()) {
            return Err(Away);
        }
        let dial = self.dial();
        let reason = match timeout(self.patience, async { ask(dial.clone().await?).await }).await {
            Ok(Ok(answer)) => {
                if self.breaker().succeeded() {
                    tracing::info!("Redis is back: limits by address are shared again");
                }
                return Ok(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.forget(&dial);
        if self.breaker().failed(Instant::now()) {
            tracing::warn!(error = reason, "Redis is away: limits by address are each process's own, and stricter");
        }
        Err(Away)
    }

    /// The connection, or the dialling of it that is under way.
    fn dial(&self) -> Dial {
        let mut dialled = self.dialled();
        if let Some((at, dial)) = &*dialled
            && at.elapsed() < MAX_AGE
            && !matches!(dial.peek(), Some(Err(_)))
        {
            return dial.clone();
        }
        let client = self.client.clone();
        // In a task of its own, for the call that begins it gives up before it may be done.
        let dialling = tokio::spawn(async move {
            let config = AsyncConnectionConfig::new().set_connection_timeout(Some(DIAL)).set_response_timeout(None);
            client.get_multiplexed_async_connection_with_config(&config).await
        });
        let stopped = || RedisError::from((ErrorKind::Io, "the dialling was stopped"));
        let dial = dialling.map(move |ended| ended.unwrap_or_else(|_| Err(stopped()))).boxed().shared();
        *dialled = Some((Instant::now(), dial.clone()));
        dial
    }

    /// Whatever went wrong on a connection, the next call gets another: it may have become that of a replica, which refuses to
    /// count. One that is still being dialled is left to that.
    fn forget(&self, failed: &Dial) {
        let mut dialled = self.dialled();
        if failed.peek().is_some() && dialled.as_ref().is_some_and(|(_, dial)| dial.ptr_eq(failed)) {
            *dialled = None;
        }
    }

    fn dialled(&self) -> MutexGuard<'_, Option<(Instant, Dial)>> {
        self.dialled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
