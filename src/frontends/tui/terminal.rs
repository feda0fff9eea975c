//! The terminal while the wizard has it, and everything that puts it back: an end, an error, a
//! panic, a signal, Ctrl-Z.

use std::io::{self, IsTerminal as _, Stdout, Write as _, stdin, stdout};
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::{Frame, Terminal};
use signal_hook::consts::SIGTSTP;

use crate::panics::told;

use super::synchronized::Synchronized;

/// Whether the terminal is ours at the moment: the panic hook has to know.
static OURS: AtomicBool = AtomicBool::new(false);
/// What panics on other threads had to say, until it can be read.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The columns of the terminal on standard output, where that is one.
pub fn columns() -> Option<usize> {
    size().map(|(columns, _)| columns)
}

/// Its rows.
pub fn rows() -> Option<usize> {
    size().map(|(_, rows)| rows)
}

fn size() -> Option<(usize, usize)> {
    if !stdout().is_terminal() {
        return None;
    }
    let (columns, rows) = crossterm::terminal::size().ok()?;
    (columns > 0 && rows > 0).then_some((usize::from(columns), usize::from(rows)))
}

/// Whether there is a terminal, to read from and to draw on.
pub fn is_there() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Holds the terminal; dropping it puts the terminal back.
pub struct Guard {
    terminal: Terminal<Synchronized<Stdout>>,
    mouse: bool,
}

impl Guard {
    pub fn enter(mouse: bool) -> io::Result<Self> {
        hook_panics();
        let terminal = Terminal::new(Synchronized::new(stdout()))?;
        let mut guard = Self { terminal, mouse };
        guard.take()?;
        Ok(guard)
    }

    fn take(&mut self) -> io::Result<()> {
        OURS.store(true, Ordering::Release);
        enable_raw_mode()?;
        let mut out = stdout();
        queue!(
            out,
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        if self.mouse {
            queue!(out, EnableMouseCapture)?;
        }
        out.flush()?;
        self.terminal.backend_mut().forget_the_cursor();
        self.clear()
    }

    /// After another process had the terminal: it may be in any mode.
    pub fn take_again(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        self.take()
    }

    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(view).map(drop)
    }

    /// The next frame is drawn from nothing. (Not `Terminal::clear`: that asks the terminal where
    /// its cursor is, and not every terminal answers.)
    pub fn clear(&mut self) -> io::Result<()> {
        let area = self.terminal.size()?.into();
        self.terminal.resize(area)
    }

    /// Puts text on the operator's clipboard, through the terminal (OSC 52).
    pub fn copy(text: &str) -> io::Result<()> {
        execute!(
            stdout(),
            crossterm::clipboard::CopyToClipboard::to_clipboard_from(text)
        )
    }

    /// Gives the terminal to the shell until the operator comes back (`fg`).
    pub fn suspend(&mut self) -> io::Result<()> {
        put_back();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.take()
    }
}

impl Guard {
    /// Gives the terminal to a program until that ends. Taking it again is the caller's.
    pub fn lend(says: &str, program: &mut Command) -> io::Result<()> {
        put_back();
        let mut out = stdout();
        writeln!(out, "{says}")?;
        out.flush()?;
        program.status().map(drop)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        put_back();
    }
}

/// Undoes whatever was done to the terminal. Twice does no harm. Nothing can be done about errors:
/// the terminal may be gone.
fn put_back() {
    if !OURS.swap(false, Ordering::AcqRel) {
        return;
    }
    let _ = execute!(
        stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// A panic of the screens puts the terminal back before it is reported. One on another thread must
/// not write over the screens, which go on: it is kept until they are gone.
fn hook_panics() {
    static HOOKED: AtomicBool = AtomicBool::new(false);
    if HOOKED.swap(true, Ordering::AcqRel) {
        return;
    }
    let screens: ThreadId = thread::current().id();
    let report = take_hook();
    set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        if !OURS.load(Ordering::Acquire) {
            report(panic);
        } else if thread::current().id() == screens {
            put_back();
            report(panic);
        } else {
            let name = thread::current().name().unwrap_or("?").to_owned();
            let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
            panics.push(format!("thread {name} {}", told(panic)));
        }
    }));
}

/// What panics of other threads said while the screens were shown.
pub fn panics() -> Vec<String> {
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut panics)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    const INSIDE: &str = "K3S_HA_WIZARD_TEST_INSIDE_A_TERMINAL";

    /// Starts this very test once more, inside a terminal, where it panics.
    #[test]
    fn a_panic_puts_the_terminal_back_before_it_is_reported() {
        if std::env::var_os(INSIDE).is_some() {
            let guard = Guard::enter(true).expect("a terminal");
            let other = thread::spawn(|| panic!("on another thread"));
            assert!(other.join().is_err());
            // `drop` must not be what puts it back.
            std::mem::forget(guard);
            panic!("on purpose");
        }
        let pair = native_pty_system()
            .openpty(PtySize::default())
            .expect("a terminal");
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
        command.args([
            "a_panic_puts_the_terminal_back_before_it_is_reported",
            "--nocapture",
        ]);
        command.env(INSIDE, "1");
        let mut child = pair.slave.spawn_command(command).expect("started");
        drop(pair.slave);
        let mut said = Vec::new();
        // The end of a terminal is an error.
        let _ = pair
            .master
            .try_clone_reader()
            .expect("a reader")
            .read_to_end(&mut said);
        assert!(!child.wait().expect("its end").success());
        let said = String::from_utf8_lossy(&said);
        let place = |what: &str| {
            said.find(what)
                .unwrap_or_else(|| panic!("no {what:?}: {said:?}"))
        };
        let report = place("on purpose");
        for undone in [
            "\u{1b}[?1049l",
            "\u{1b}[?1000l",
            "\u{1b}[?2004l",
            "\u{1b}[?25h",
        ] {
            assert!(place(undone) < report, "{undone:?} after the report");
        }
        // The other thread's panic did not write over the screens.
        assert!(!said[..report].contains("on another thread"), "{said:?}");
    }
}
