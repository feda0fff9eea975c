//! Secrets are not shown while they are typed.
//!
//! It uses `rustix`, which crossterm and tempfile need anyway. (The usual crate for passwords opens
//! the terminal a second time: lines typed or pasted ahead would be split between two readers.)

use std::io::stdin;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Whether typed text is shown.
pub trait Echo {
    fn off(&mut self);
    /// Its settings before.
    fn on(&mut self);
}

/// The terminal on standard input; without one, nothing is echoed anyway.
#[derive(Default)]
pub struct Terminal {
    before: Option<Termios>,
}

impl Echo for Terminal {
    fn off(&mut self) {
        let Ok(before) = tcgetattr(stdin()) else {
            return;
        };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // Immediately, so that text typed ahead is kept.
        if tcsetattr(stdin(), OptionalActions::Now, &hidden).is_ok() {
            self.before = Some(before);
        }
    }

    fn on(&mut self) {
        if let Some(before) = self.before.take() {
            // A terminal that is gone shows nothing.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        }
    }
}

/// A panic must not leave the shell without echo.
impl Drop for Terminal {
    fn drop(&mut self) {
        self.on();
    }
}

/// For input that is not a terminal.
#[cfg(test)]
pub struct Shown;

#[cfg(test)]
impl Echo for Shown {
    fn off(&mut self) {}

    fn on(&mut self) {}
}
