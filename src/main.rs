//! The program: all that it does is in the library, below `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    k3s_ha_wizard::cli::main()
}
