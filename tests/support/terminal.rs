//! A terminal without a window: the real binary in it, and what its screen shows.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A machine may be slow: nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Seen>,
    /// How much of what was printed was heard.
    heard: usize,
}

/// What came out of the terminal.
struct Seen {
    parser: Mutex<vt100::Parser>,
    /// Something came.
    changed: Condvar,
    drawn: AtomicUsize,
    /// Everything that was printed, byte by byte.
    said: Mutex<Vec<u8>>,
    /// When each frame was complete.
    frames: Mutex<Vec<Instant>>,
}

/// What the wizard writes behind every frame: the end of a synchronized update.
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";

impl Terminal {
    /// Starts the wizard with these arguments and variables, and a state folder of its own.
    /// Where the wizard is, cargo tells to tests and benchmarks alone.
    pub fn start(
        wizard: &str,
        size: (u16, u16),
        args: &[&str],
        variables: &[(&str, &str)],
        state: &Path,
    ) -> Self {
        let pair = native_pty_system()
            .openpty(pty_size(size))
            .expect("a terminal");
        let mut command = CommandBuilder::new(wizard);
        command.args(args);
        command.cwd(state);
        command.env("K3S_HA_WIZARD_STATE", state.join("state"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for name in [
            "NO_COLOR",
            "LC_ALL",
            "LC_CTYPE",
            "SSH_CONNECTION",
            "COLORFGBG",
        ] {
            command.env_remove(name);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("started");
        let parser = vt100::Parser::new(at_least_1(size.1), at_least_1(size.0), 0);
        let seen = Arc::new(Seen {
            parser: Mutex::new(parser),
            changed: Condvar::new(),
            drawn: AtomicUsize::new(0),
            said: Mutex::default(),
            frames: Mutex::default(),
        });
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let shown = seen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The last bytes, in which a mark may have begun.
            let mut tail = Vec::new();
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                shown.take(&bytes[..length], &mut tail);
            }
        });
        Self {
            writer: pair.master.take_writer().expect("a writer"),
            master: pair.master,
            child,
            seen,
            heard: 0,
        }
    }

    /// Everything that was printed so far, with what the terminal showed of what was typed.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.seen.said()).into_owned()
    }

    /// Waits for a text behind the one that was heard last; what stood between them.
    pub fn hears(&mut self, text: &str) -> String {
        let since = Instant::now();
        loop {
            let said = self.said();
            if let Some(at) = said[self.heard..].find(text) {
                let between = said[self.heard..self.heard + at].to_owned();
                self.heard += at + text.len();
                return between;
            }
            let rest = &said[self.heard..];
            assert!(since.elapsed() < PATIENCE, "never: {text}\n{rest}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Answers the question that was heard.
    pub fn answers(&mut self, question: &str, answer: &str) {
        self.hears(question);
        self.types(&format!("{answer}\n"));
    }

    pub fn parser(&self) -> MutexGuard<'_, vt100::Parser> {
        self.seen.parser()
    }

    pub fn text(&self) -> String {
        self.parser().screen().contents()
    }

    pub fn types(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("typed");
        self.writer.flush().expect("typed");
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        // First ours: what the program draws then is for the new size.
        let mut parser = self.parser();
        let screen = parser.screen_mut();
        screen.set_size(at_least_1(size.1), at_least_1(size.0));
        drop(parser);
        self.master.resize(pty_size(size)).expect("resized");
    }

    pub fn waits_for(&self, text: &str) {
        self.waits_until(text, |terminal| terminal.text().contains(text));
    }

    pub fn waits_until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let since = Instant::now();
        while !is_so(self) {
            assert!(since.elapsed() < PATIENCE, "never: {what}\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The moment at which the screen is so, as soon as it is.
    pub fn moment(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let since = Instant::now();
        let mut parser = self.parser();
        while !is_so(parser.screen()) {
            // However often the screen changes meanwhile.
            let left = PATIENCE.saturating_sub(since.elapsed());
            assert!(
                !left.is_zero(),
                "never: {what}\n{}",
                parser.screen().contents()
            );
            let waited = self.seen.changed.wait_timeout(parser, left);
            (parser, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Instant::now()
    }

    /// When each frame so far was complete.
    pub fn frames(&self) -> Vec<Instant> {
        self.seen.frames().clone()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.expect("kill is there").success());
    }

    pub fn pid(&self) -> String {
        self.child.process_id().expect("it runs").to_string()
    }

    /// `R`, `S`, `T` …, as the kernel says it.
    pub fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it runs");
        let (_, rest) = stat.rsplit_once(") ").expect("a state");
        rest.chars().next().expect("a state")
    }

    /// How many bytes were drawn so far.
    pub fn drawn(&self) -> usize {
        self.seen.drawn.load(Ordering::Acquire)
    }

    /// The whole frames since so many bytes were drawn that left every cell as it was.
    /// The terminal's size must not have changed.
    pub fn idle_frames(&self, drawn: usize) -> Vec<String> {
        let (rows, columns) = self.parser().screen().size();
        let mut parser = vt100::Parser::new(rows, columns, 0);
        let said = self.seen.said().clone();
        let mut idle = Vec::new();
        let mut begin = 0;
        let marks = said.windows(END_OF_FRAME.len()).enumerate();
        for (mark, _) in marks.filter(|(_, bytes)| *bytes == END_OF_FRAME) {
            let end = mark + END_OF_FRAME.len();
            let shown = parser.screen().contents_formatted();
            parser.process(&said[begin..end]);
            if begin >= drawn && parser.screen().contents_formatted() == shown {
                idle.push(String::from_utf8_lossy(&said[begin..end]).into_owned());
            }
            begin = end;
        }
        idle
    }

    /// Waits for its end; the exit code.
    pub fn ends(&mut self) -> u32 {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return status.exit_code();
            }
            assert!(
                since.elapsed() < PATIENCE,
                "it does not end\n{}",
                self.text()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Nothing is left of what a program does to a terminal.
    pub fn is_put_back(&self) {
        self.waits_until("the terminal is put back", |terminal| {
            let parser = terminal.parser();
            let screen = parser.screen();
            let modes = terminal
                .master
                .get_termios()
                .expect("its modes")
                .local_flags;
            let cooked = libc::ICANON | libc::ECHO | libc::ISIG;
            !screen.alternate_screen()
                && !screen.bracketed_paste()
                && !screen.hide_cursor()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
                && modes.bits() & cooked == cooked
        });
    }

    pub fn is_taken(&self) {
        self.waits_until("the terminal is taken", |terminal| {
            let parser = terminal.parser();
            let screen = parser.screen();
            screen.alternate_screen()
                && screen.bracketed_paste()
                && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
        });
    }
}

impl Seen {
    fn parser(&self) -> MutexGuard<'_, vt100::Parser> {
        self.parser.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn frames(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn said(&self) -> MutexGuard<'_, Vec<u8>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, bytes: &[u8], tail: &mut Vec<u8>) {
        self.parser().process(bytes);
        self.said().extend_from_slice(bytes);
        let now = Instant::now();
        tail.extend_from_slice(bytes);
        let marks = tail.windows(END_OF_FRAME.len());
        let ends = marks.filter(|window| *window == END_OF_FRAME).count();
        self.frames().extend(std::iter::repeat_n(now, ends));
        // Too short for a whole mark: none is counted twice.
        tail.drain(..tail.len().saturating_sub(END_OF_FRAME.len() - 1));
        self.drawn.fetch_add(bytes.len(), Ordering::AcqRel);
        self.changed.notify_all();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn at_least_1(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}
