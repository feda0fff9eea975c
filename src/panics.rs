//! What a panic may tell: a message that is put together while the wizard runs can quote a secret, as
//! that of a text cut inside a letter quotes the text.

use std::panic::PanicHookInfo;

/// Where it was, and its message if that is a text of the program.
pub fn told(panic: &PanicHookInfo<'_>) -> String {
    let place = panic
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let message = panic
        .payload()
        .downcast_ref::<&'static str>()
        .unwrap_or(&"its message is not shown, because it may quote a secret");
    format!("panicked at {place}: {message}")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const INSIDE: &str = "K3S_HA_WIZARD_TEST_INSIDE_A_PANIC";

    /// Starts this very test once more, where it panics.
    #[test]
    fn a_panic_does_not_quote_a_secret() {
        let cut = |text: &str| text[1..].len();
        if let Some(what) = std::env::var_os(INSIDE) {
            std::panic::set_hook(Box::new(|panic| println!("told: {}", told(panic))));
            assert!(what != "literal", "a text of the program");
            let _ = cut("\u{e9}hunter2hunter2");
        }
        let said = |what: &str| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["a_panic_does_not_quote_a_secret", "--nocapture"])
                .env(INSIDE, what)
                .output()
                .unwrap();
            assert!(!output.status.success());
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        let cut = said("cut");
        assert!(cut.contains("told: panicked at src/panics.rs:"), "{cut}");
        assert!(!cut.contains("hunter2"), "{cut}");
        assert!(said("literal").contains(": a text of the program"));
    }
}
