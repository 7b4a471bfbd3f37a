//! The program `tessera-oauth`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tessera_process::main::<tessera_oauth::OAuth>()
}
