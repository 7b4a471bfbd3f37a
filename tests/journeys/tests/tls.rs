//! The programs over TLS: making certificates, replacing them, and who is let in by whom.

#![cfg(test)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tessera_journeys::{
    Api, DataFolder, Engines, Instance, Service, Services, Setup, TlsFiles, eventually, json, run, warnings,
};

const PASSWORD: &str = "Secret1*2*3*4*5*6";

/// Certificates made by the program, in a folder that goes with the data.
async fn made(folder: &DataFolder, name: &str) -> PathBuf {
    let out = folder.path().with_file_name(name);
    let ended = run(folder, &["dev-cert", "--out", &text(&out), "--name", "id.internal"], &[]).await;
    assert!(ended.status.success(), "{ended:?}");
    out
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file")
}

#[tokio::test]
async fn dev_certificates_have_private_keys_and_overwrite_nothing() {
    let folder = DataFolder::new();
    let out = made(&folder, "certificates").await;
    let mode = |file: &str| out.join(file).metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("server.key"), mode("server.pem")), (0o600, 0o644));

    let before = read(&out.join("server.key"));
    std::fs::remove_file(out.join("server.pem")).expect("removed");
    let again = run(&folder, &["dev-cert", "--out", &text(&out), "--keep-ca-key"], &[]).await;
    assert!(!again.status.success() && again.stderr.contains(&text(&out.join("ca.pem"))), "{again:?}");
    assert!(!out.join("server.pem").exists() && !out.join("ca.key").exists());
    assert_eq!(read(&out.join("server.key")), before);

    let wrong = run(&folder, &["dev-cert", "--out", &text(&out), "--name", "a b"], &[]).await;
    assert!(!wrong.status.success() && wrong.stderr.contains("`a b`"), "{wrong:?}");
}

#[tokio::test]
async fn both_listeners_serve_over_tls_and_follow_the_files() {
    let folder = DataFolder::new();
    let (old, new) = (made(&folder, "old").await, made(&folder, "new").await);
    let (certificate, key) = (text(&old.join("server.pem")), text(&old.join("server.key")));
    let settings = [("TESSERA_TLS_CERTIFICATE", certificate.as_str()), ("TESSERA_TLS_KEY", &key)];
    let instance = Instance::start_over_tls(&folder, &settings, &read(&old.join("ca.pem"))).await;
    let home = instance.api().get("/").send().await.expect(200);
    assert!(home.text.contains(instance.api().origin()), "links lead to https");

    // Callers that come for the first time, to see the certificate anew.
    let newcomer =
        |port, authority: &Path| Api::trusting(format!("https://localhost:{port}"), &read(&authority.join("ca.pem")));
    let others = [(folder.port(), "/sessions/version"), (folder.internal_port(), "/health/live")];
    for (port, path) in others {
        assert!(newcomer(port, &old).get(path).try_send().await.is_ok());
        assert!(newcomer(port, &new).get(path).try_send().await.is_err(), "not the authority of {port}");
    }
    for file in ["server.pem", "server.key"] {
        std::fs::copy(new.join(file), old.join(file)).expect("replaced");
    }
    for (port, path) in others {
        eventually("the new certificate", Duration::from_secs(30), async || {
            newcomer(port, &new).get(path).try_send().await.ok()
        })
        .await;
        assert!(newcomer(port, &old).get(path).try_send().await.is_err(), "the old certificate is gone");
    }
}

/// The authorities of some, as one PEM text.
fn authorities(of: &[&TlsFiles]) -> String {
    of.iter().map(|files| files.authority.as_str()).collect()
}

#[tokio::test]
async fn a_service_lets_nobody_in_by_a_plain_connection_and_speaks_to_nobody_whose_authority_it_does_not_trust() {
    let [ours, postgres, redis, rabbitmq] = [(); 4].map(|()| TlsFiles::make());
    let Some(engines) = Engines::start_over_tls(&postgres, &redis, &rabbitmq).await else { return };
    let all = authorities(&[&ours, &postgres, &redis, &rabbitmq]);
    let mut services = Services::start(&Setup::over_tls(&engines, TlsFiles { authority: all, ..ours.clone() })).await;

    for (service, ports) in services.listeners() {
        for port in ports {
            let encrypted = Api::trusting(format!("https://localhost:{port}"), &ours.authority);
            assert!(encrypted.get("/").try_send().await.is_ok(), "{service:?} {port}");
            let plain = Api::new(format!("http://localhost:{port}"));
            assert!(plain.get("/").try_send().await.is_err(), "{service:?} {port}");
        }
    }
    for service in Service::ALL {
        let checked = services.run(service, &["healthcheck"]).await;
        assert!(checked.status.success(), "{service:?}: {checked:?}");
    }

    let api = services.api();
    let account = json!({ "email": "ada@example.org", "password": PASSWORD });
    let _ = api.post("/sign_up").json(&account).send().await.expect(201);
    let sign_in =
        async || api.post("/sign_in").json(&account).try_send().await.map(|answer| answer.status.as_u16()).ok();
    assert_eq!(sign_in().await, Some(201));
    assert_eq!(warnings(&services.log()), "");

    for (trusted, said, signs_in) in [
        ([&ours, &redis, &rabbitmq], "the database cannot be used", Some(503)),
        ([&ours, &postgres, &rabbitmq], "Redis is away", Some(201)),
        ([&ours, &postgres, &redis], "RabbitMQ is not reached", Some(201)),
        ([&postgres, &redis, &rabbitmq], "a call was not answered", Some(503)),
    ] {
        services.kill9(Service::Auth, 0);
        let file = services.folder().join("fewer.pem");
        std::fs::write(&file, authorities(&trusted)).expect("written");
        services.spawn(Service::Auth, 0, &[("TESSERA_TLS_AUTHORITIES", &text(&file))]);
        let line = eventually(said, Duration::from_secs(30), async || {
            let _ = sign_in().await;
            services.log().lines().find(|line| line.contains(said)).map(str::to_owned)
        })
        .await;
        assert!(line.contains("UnknownIssuer"), "{line}");
        assert_eq!(sign_in().await, signs_in, "{said}");
    }
}
