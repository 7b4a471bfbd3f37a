//! What nobody here wrote: a mail server, an authenticator app, and a client of the provider of text messages. They are scripts beside this
//! file, run by the Python that `TESSERA_TEST_PYTHON` names; it has the packages of `foreign/requirements.txt`.

mod authenticator;
mod mail_server;
mod text_message;

use std::process::Command;

use tessera_testkit::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/foreign");

/// What runs a script; `None` where there is no Python for it.
fn script(name: &str) -> Option<Command> {
    let Ok(python) = std::env::var("TESSERA_TEST_PYTHON") else {
        eprintln!("left out: TESSERA_TEST_PYTHON names no Python with the packages of the tests");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(format!("{FOLDER}/{name}.py"));
    Some(command)
}

/// What a script says when it is asked this.
async fn answered(mut script: Command, asked: &Value) -> Value {
    script.arg(asked.to_string());
    let running = tokio::task::spawn_blocking(move || script.output());
    let output = running.await.expect("it ends").expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
