//! Waking a loop that waits for work.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Redis;

/// Wakes one loop, in this process and in the others. Cheap to clone; by default it wakes in this process only.
///
/// A wake-up can be lost on its way to another process: a loop looks for work by itself, too.
#[derive(Clone, Debug, Default)]
pub struct WakeUp {
    pub(super) here: Arc<Notify>,
    pub(super) elsewhere: Option<(Redis, &'static str)>,
}

impl WakeUp {
    /// Wakes the loop, or keeps it from waiting the next time. To be called after the commit, for the loop looks at once.
    pub fn notify(&self) {
        self.here.notify_one();
        if let Some((redis, name)) = &self.elsewhere {
            redis.publish(name);
        }
    }

    /// Waits for the next wake-up.
    pub async fn notified(&self) {
        self.here.notified().await;
    }
}
