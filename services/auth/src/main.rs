//! The program `tessera-auth`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tessera_process::main::<tessera_auth::Auth>()
}
