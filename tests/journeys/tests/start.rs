//! How the program starts, and when it does not.

use std::net::TcpListener;

use tessera_journeys::{DataFolder, Ended, Instance, run};

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
async fn production_is_refused_without_an_https_origin_and_keys() {
    let production = ("TESSERA_PROFILE", "production");
    let refuses = async |settings: &[(&str, &str)], naming: &str| {
        let folder = DataFolder::new();
        refused(&run(&folder, &["serve"], settings).await, naming);
        assert!(!folder.path().join("auth.keys").exists(), "production makes no secrets");
    };
    refuses(&[production], "`origin`").await;
    refuses(&[production, ("TESSERA_ORIGIN", "http://id.example")], "`origin`").await;
    refuses(&[production, ("TESSERA_ORIGIN", "https://id.example")], "`auth.keys`").await;
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
