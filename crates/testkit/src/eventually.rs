//! Waiting for what is not told.

use std::time::Duration;

/// Looks again and again until there is something to see. For what another process does, which tells nobody when.
///
/// # Panics
/// With `what`, if it is not there in time.
pub async fn eventually<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::time::timeout(within, looking).await;
    seen.unwrap_or_else(|_| panic!("not within {within:?}: {what}"))
}
