//! A password change, and the end of the other sessions that comes with it.

use std::time::Duration;

use tessera_testkit::{Answer, Value, eventually};
use tokio::time::Instant;

use crate::Api;

/// How long the answer waits for that end.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Changes the password as `session`. Once that is answered `other` is refused; it may be a little later where the answer took so long, on
/// a busy machine, that it may have gone without waiting for it: only then this waits.
///
/// # Panics
/// When the password is not changed, or the other session is never refused.
pub async fn change_password(api: &Api, session: &str, change: &Value, other: &str) -> Answer {
    let since = Instant::now();
    let answer = api.put("/password").bearer(session).json(change).send().await.expect(200);
    if since.elapsed() >= AT_ONCE {
        eventually("the other is refused", Duration::from_secs(30), async || {
            (api.get("/sessions").bearer(other).send().await.status == 401).then_some(())
        })
        .await;
    }
    answer
}
