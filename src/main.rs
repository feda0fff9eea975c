//! The program: everything is in the library, in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    k3s_ha_wizard::cli::main()
}
