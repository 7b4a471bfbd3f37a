//! Asking the loops of a process to stop.

use tokio::sync::watch;

/// Tells every loop of a process to stop.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// The receiving end: resolves once a stop was asked for.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

impl Stop {
    /// A stop nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// An end for one loop.
    #[must_use]
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.0.subscribe())
    }

    /// Asks all to stop.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl StopSignal {
    /// Waits until a stop is asked for.
    pub async fn asked(&mut self) {
        // An error means that the asking end is gone: the process is ending.
        let _ = self.0.wait_for(|asked| *asked).await;
    }

    /// The underlying receiver, for loops that select on it.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }
}
