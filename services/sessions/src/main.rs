//! The program `tessera-sessions`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tessera_process::main::<tessera_sessions::Sessions>()
}
