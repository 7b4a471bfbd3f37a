//! What a call that is being answered hands on to the calls that answering it takes: where the request has been, and how long is left.

use tokio::time::Instant;

tokio::task_local! {
    static CURRENT: Context;
}

/// The call that is being answered.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// The services that the request has come through, commas between.
    pub(super) path: String,
    /// When nobody waits for the answer any more.
    pub(super) deadline: Instant,
}

impl Context {
    /// Carries out `work` as part of answering this call.
    pub(super) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

/// The path and the deadline of a call that `service` makes now, if it may take until `latest`.
pub(super) fn outgoing(service: &str, latest: Instant) -> Context {
    let current = CURRENT.try_with(Clone::clone).ok();
    match current {
        Some(Context { path, deadline }) => {
            Context { path: format!("{path},{service}"), deadline: latest.min(deadline) }
        }
        None => Context { path: service.to_owned(), deadline: latest },
    }
}

/// Whether `service` is among those that `path` names.
pub(super) fn visited(path: &str, service: &str) -> bool {
    path.split(',').any(|visited| visited.trim() == service)
}
