//! What the four programs do besides serving, and when they do not serve.

#![cfg(test)]

use tessera_journeys::{Ended, Ground, Program, Service, Services, ended};

/// Runs a service's program with these settings and no others.
async fn run(service: Service, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
    let mut command = Program::Of(service).command();
    command.args(arguments).envs(settings.iter().copied());
    ended(command).await
}

#[tokio::test]
async fn a_service_that_was_told_nothing_names_all_it_needs() {
    for service in Service::ALL {
        let refused = run(service, &["serve"], &[]).await;
        assert!(!refused.status.success(), "{service:?}");
        let own_keys = format!("{}.keys", service.name());
        let mut needed = vec!["origin", "database.url", "amqp.url", "redis.url", &own_keys];
        if [Service::Auth, Service::OAuth].contains(&service) {
            needed.push("service_key");
        }
        if service != Service::Auth {
            needed.push("service_keys");
        }
        for setting in needed {
            assert!(refused.stderr.contains(&format!("setting `{setting}`: ")), "{setting}: {}", refused.stderr);
        }
    }
}

#[tokio::test]
async fn settings_are_productions_unless_told_otherwise_and_are_shown_without_secrets() {
    let secret = [("TESSERA_DATABASE_URL", "postgres://auth:Rk4vHq8z@db.internal/auth")];
    for service in Service::ALL {
        let shown = run(service, &["config", "show"], &secret).await;
        assert!(shown.status.success(), "{shown:?}");
        assert!(!shown.stdout.contains("Rk4vHq8z"), "{}", shown.stdout);
        let lines: Vec<Vec<&str>> = shown.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
        for expected in [["profile", "\"production\"", "default"], ["database.url", "***", "TESSERA_DATABASE_URL"]] {
            assert!(lines.iter().any(|line| line == &expected), "{expected:?}:\n{}", shown.stdout);
        }
    }
}

#[tokio::test]
async fn the_clients_of_examples_are_not_for_production() {
    let refused = run(Service::OAuth, &["bootstrap", "--dev"], &[]).await;
    assert!(!refused.status.success() && refused.stderr.contains("setting `profile`"), "{refused:?}");
}

#[tokio::test]
async fn a_health_check_says_whether_its_service_is_ready() {
    let Some(ground) = Ground::find().await else { return };
    let mut services = Services::start(&ground.setup()).await;
    for service in Service::ALL {
        let ready = services.run(service, &["healthcheck"]).await;
        assert!(ready.status.success(), "{service:?}: {ready:?}");
        services.kill9(service, 0);
        let gone = services.run(service, &["healthcheck"]).await;
        assert!(!gone.status.success() && gone.stderr.contains("does not answer"), "{service:?}: {gone:?}");
    }
}
