//! The journey of the README, pasted into a shell.

#![cfg(test)]

use std::process::Command;

use tessera_journeys::{DataFolder, Instance, ended};

const README: &str = include_str!("../../../README.md");
const ORIGIN: &str = "http://localhost:8000";

/// The shell lines of the journey.
fn journey() -> String {
    let (_, text) = README.split_once("\n## The journey\n").expect("the journey");
    let (text, _) = text.split_once("\n## ").expect("what follows it");
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split_once("```").expect("its end").0);
    blocks.collect()
}

#[tokio::test]
async fn its_lines_are_answered_as_it_says() {
    let folder = DataFolder::new();
    let instance = Instance::start(&folder).await;
    let place = tempfile::tempdir().expect("a folder for the cookies");
    let mut shell = Command::new("bash");
    // A variable that nothing was written into ends it.
    shell.args(["-uc", &journey().replace(ORIGIN, instance.api().origin())]).current_dir(place.path());
    let pasted = ended(shell).await;
    assert!(pasted.status.success(), "{pasted:?}");
    let statuses: Vec<&str> = pasted
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
        .filter_map(|status| status.split_whitespace().next())
        .collect();
    let said = [
        ("sign up", "201"),
        ("follow the mailed link", "204"),
        ("the sessions", "200"),
        ("change the password", "200"),
        ("sign in as a browser", "200"),
        ("the browser's client", "200"),
        ("mint a session token", "200"),
        ("the published keys", "200"),
        ("prove a mail address", "200"),
        ("end the session", "200"),
        ("nothing is minted from it", "401"),
    ];
    assert_eq!(statuses, said.map(|(_, status)| status), "{}", pasted.stdout);
}
