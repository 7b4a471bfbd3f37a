//! The program `tessera-verify`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tessera_process::main::<tessera_verify::Verify>()
}
