//! How the program starts, and when it does not.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use tessera_journeys::{DataFolder, Ended, Instance, json, run};

#[track_caller]
fn refused(ended: &Ended, naming: &str) {
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains(naming), "{naming} is not named: {}", ended.stderr);
}

#[tokio::test]
async fn a_folder_in_use_is_refused_by_name() {
    let (folder, other) = (DataFolder::new(), DataFolder::new());
    let instance = Instance::start(&folder).await;
    let path = folder.path().display().to_string();
    refused(&run(&other, &["serve", "--data-dir", &path], &[]).await, &path);
    let _ = instance.api().get("/sessions/version").send().await.expect(200);
}

#[tokio::test]
async fn a_taken_port_is_refused_by_the_name_of_its_setting() {
    let folder = DataFolder::new();
    for (port, setting) in [(folder.port(), "`port`"), (folder.internal_port(), "`internal_port`")] {
        let _taken = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let ended = run(&folder, &["serve"], &[]).await;
        refused(&ended, setting);
        refused(&ended, &port.to_string());
    }
}

#[tokio::test]
async fn a_variable_of_no_setting_is_refused_by_name() {
    for arguments in [["serve"].as_slice(), &["config", "show"]] {
        let ended = run(&DataFolder::new(), arguments, &[("TESSERA_NONSENSE", "1")]).await;
        refused(&ended, "TESSERA_NONSENSE");
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_refused_with_its_setting_and_origin() {
    let ended = run(&DataFolder::new(), &["serve"], &[("TESSERA_INTERNAL_PORT", "many")]).await;
    refused(&ended, "internal_port");
    refused(&ended, "TESSERA_INTERNAL_PORT");
}

#[tokio::test]
async fn production_names_all_it_refuses_before_it_opens_anything() {
    let folder = DataFolder::new();
    let key = folder.path().with_extension("key");
    std::fs::write(&key, "k1:c2hvcnQ=").expect("written");
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("set");
    let key = key.display().to_string();
    // A taken port would be the first thing to be told, if it were looked at.
    let _taken = TcpListener::bind(("127.0.0.1", folder.port())).expect("a free port");
    let settings = [
        ("TESSERA_PROFILE", "production"),
        ("TESSERA_BIND", "0.0.0.0"),
        ("TESSERA_SERVICE_PORTS", "true"),
        ("TESSERA_AUTH_KEYS_FILE", &key),
        ("TESSERA_ALLOWED_ORIGINS", "[\"http://app.example\"]"),
        ("TESSERA_TRUSTED_PROXIES", "[\"0.0.0.0/0\"]"),
        ("TESSERA_LIMITS_ADDRESS_FACTOR", "100"),
        ("TESSERA_TLS_AUTHORITIES", "/nonexistent/ca.pem"),
    ];
    let ended = run(&folder, &["serve"], &settings).await;
    for setting in [
        "`origin`",
        "`tls.certificate`",
        "`tls.authorities`",
        "`service_ports`",
        "`auth.keys`",
        "`auth.keys_file`",
        "`sessions.keys`",
        "`allowed_origins`",
        "`trusted_proxies`",
        "`limits.address_factor`",
        "`verify.smtp_url`",
    ] {
        refused(&ended, setting);
    }
    assert!(!folder.path().exists(), "nothing is made");
}

#[tokio::test]
async fn config_show_prints_each_setting_with_its_origin_and_no_secret() {
    const SECRET: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let folder = DataFolder::new();
    let file = folder.path().with_extension("toml");
    std::fs::write(&file, format!("[log]\nformat = \"json\"\n[verify]\nkeys = \"{SECRET}\"\n")).expect("written");
    let file = file.display().to_string();
    let settings = [("TESSERA_AUTH_KEYS", SECRET), ("TESSERA_CONFIG", file.as_str())];
    let shown = run(&folder, &["config", "show", "--port", "8123"], &settings).await;
    assert!(shown.status.success(), "{shown:?}");
    assert!(!shown.stdout.contains(SECRET) && !shown.stderr.contains(SECRET));
    let lines: Vec<Vec<&str>> = shown.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    for expected in [
        ["profile", "\"dev\"", "default"],
        ["port", "8123", "--port"],
        ["service_ports", "false", "TESSERA_SERVICE_PORTS"],
        ["log.format", "\"json\"", &file],
        ["auth.keys", "***", "TESSERA_AUTH_KEYS"],
        ["verify.keys", "***", &file],
        ["oauth.keys", "\"\"", "default"],
    ] {
        assert!(lines.iter().any(|line| line == &expected), "{expected:?}:\n{}", shown.stdout);
    }
    assert!(lines.iter().all(|line| line.len() >= 3), "each with its origin:\n{}", shown.stdout);
}

#[tokio::test]
async fn a_stop_leaves_whole_files() {
    let folder = DataFolder::new();
    let instance = Instance::start(&folder).await;
    let sign_up = json!({ "email": "ada@example.org", "password": "Secret1*2*3*4*5*6" });
    let _ = instance.api().post("/sign_up").json(&sign_up).send().await.expect(201);
    let status = instance.terminate().await;
    assert!(status.success(), "{status}: {}", folder.log());
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").map(|file| file.expect("a file").path()).collect();
    assert!(!left.iter().any(|file| file.to_string_lossy().ends_with("-wal")), "whole files: {left:?}");
}
