//! A rolling restart of two replicas of each service under load: through proxies that try another replica when one refuses, nobody notices.

use tessera_journeys::{History, Outcome, Service, seeds};

use crate::row::Row;

const REPLICAS: usize = 2;

/// How many requests were answered so far.
fn answered(history: &History) -> usize {
    history.records().iter().filter(|record| matches!(record.outcome, Outcome::Done | Outcome::Refused)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_a_rolling_restart_of_every_replica_under_load_is_not_noticed() {
    let Some(mut row) = Row::start_replicas("F7 rolling restart", REPLICAS).await else { return };
    for seed in seeds(1) {
        row.round(seed, &[], async |ground, history, _| {
            for service in Service::ALL {
                for number in 0..REPLICAS {
                    let before = answered(history);
                    ground.services.terminate(service, number).await;
                    assert!(answered(history) > before, "nobody was served while {service:?} {number} stopped");
                    ground.services.launch(service, number).await;
                }
            }
            history.elapsed()
        })
        .await;
    }
    let figures = row.finish().await;
    assert_eq!(figures.unknown, 0, "callers see nothing of it");
}
