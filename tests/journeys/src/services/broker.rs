//! What a platform has left on a broker that others use too.

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};
use tessera_testkit::subscriptions;

use crate::process::PATIENCE;

/// The names of one platform. They are deleted with this value.
#[derive(Debug)]
pub struct BrokerNames {
    pub url: String,
    pub namespace: String,
}

impl Drop for BrokerNames {
    /// From a thread of its own: a test may end anywhere.
    fn drop(&mut self) {
        let (url, namespace) = (self.url.clone(), self.namespace.clone());
        let deleting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            // A private broker may be gone already, and its names with it.
            let _ = runtime.block_on(async { tokio::time::timeout(PATIENCE, delete(&url, &namespace)).await });
        });
        // A failure here leaves names behind, and the test's own outcome as it was.
        let _ = deleting.join();
    }
}

async fn delete(url: &str, namespace: &str) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    for consumer in subscriptions::ALL.iter().map(|subscription| subscription.consumer) {
        for end in ["", ".dead"] {
            let queue = format!("{namespace}.{consumer}{end}");
            channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
        }
    }
    for end in ["events", "dead"] {
        let exchange = format!("{namespace}.{end}");
        channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await?;
    }
    connection.close(200, "done".into()).await
}
