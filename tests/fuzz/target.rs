//! One source for every target: the name of the program says which it is.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| k3s_ha_wizard::fuzz::run(env!("CARGO_BIN_NAME"), bytes));
