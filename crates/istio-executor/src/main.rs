//! `refit`: plans and performs in-place upgrades of Istio.

use std::process::ExitCode;

fn main() -> ExitCode {
    istio_executor::cli::main(std::env::args_os())
}
