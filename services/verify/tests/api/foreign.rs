//! What nobody here wrote: a mail server. It is a script beside this file, run by the Python that `TESSERA_TEST_PYTHON` names; it has the
//! packages of `foreign/requirements.txt`.

mod mail_server;

use std::process::Command;

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
