//! Lines out, lines in. The output is plain text without control sequences.

use std::cell::RefCell;
use std::io::{self, BufRead, Write};
use std::rc::Rc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, never, select, unbounded};
use zeroize::Zeroizing;

use super::echo::Echo;
use crate::report::lines::{self, plain};

/// The width of paragraphs where it is not known how wide the terminal is; and at most, for reading.
const WIDTH: usize = 78;
const WIDEST: usize = 98;
const NARROWEST: usize = 20;

/// The output of the questions and of a run's lines.
#[derive(Clone)]
pub struct Out(Rc<RefCell<dyn Write>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// An entered line; it may be a secret.
pub type EnteredLine = Zeroizing<String>;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The input has ended.
    End,
    /// A signal asks to stop.
    Signal(i32),
}

enum Input {
    Line(EnteredLine),
    /// Not a usable text.
    Unreadable,
    End,
}

pub struct Console {
    out: Out,
    /// How many columns the terminal has now.
    columns: fn() -> Option<usize>,
    echo: Box<dyn Echo>,
    /// A separate thread reads one line on request, so that a signal need not wait for Enter.
    ask: Sender<()>,
    lines: Receiver<Input>,
    /// A line was requested, and the question abandoned.
    asked: bool,
    signals: Receiver<i32>,
}

impl Console {
    pub fn new(
        input: impl BufRead + Send + 'static,
        out: impl Write + 'static,
        echo: Box<dyn Echo>,
        signals: Option<&Receiver<i32>>,
        columns: fn() -> Option<usize>,
    ) -> io::Result<Self> {
        let (ask, asked) = unbounded();
        let (tell, lines) = unbounded();
        thread::Builder::new()
            .name("input".into())
            .spawn(move || read(input, &asked, &tell))?;
        Ok(Self {
            out: Out(Rc::new(RefCell::new(out))),
            columns,
            echo,
            ask,
            lines,
            asked: false,
            signals: signals.cloned().unwrap_or_else(never),
        })
    }

    pub fn out(&self) -> Out {
        self.out.clone()
    }

    pub fn columns(&self) -> Option<usize> {
        (self.columns)()
    }

    fn width(&self) -> usize {
        let columns = self.columns();
        columns.map_or(WIDTH, |columns| {
            columns.saturating_sub(2).clamp(NARROWEST, WIDEST)
        })
    }

    /// A paragraph, wrapped at the width.
    pub fn say(&mut self, text: &str) {
        for line in text.lines() {
            for part in wrapped(&tamed(line), self.width()) {
                self.put(&part);
            }
        }
    }

    /// The same with a prefix on its first line.
    pub fn point(&mut self, mark: &str, text: &str) {
        let indent = " ".repeat(mark.len());
        let mut mark = mark;
        for line in text.lines() {
            for part in wrapped(&tamed(line), self.width().saturating_sub(mark.len())) {
                self.put(&format!("{mark}{part}"));
                mark = &indent;
            }
        }
    }

    /// A table or a plan: wrapped at the terminal's width alone, in its columns.
    pub fn print(&mut self, text: &str) {
        for line in text.lines() {
            for part in lines::wrapped(tamed(line).trim_end(), self.columns()) {
                self.put(&part);
            }
        }
    }

    /// Unwrapped: a script.
    pub fn print_whole(&mut self, text: &str) {
        for line in text.lines() {
            self.put(tamed(line).trim_end());
        }
    }

    pub fn gap(&mut self) {
        self.put("");
    }

    /// The reader may be gone: running steps continue, and the end of the input ends the questions.
    fn put(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
        let _ = self.out.flush();
    }

    /// Asks, and waits for a line.
    pub fn ask(&mut self, prompt: &str, hidden: bool) -> Result<EnteredLine, Gone> {
        if hidden {
            self.echo.off();
        }
        let line = self.wait(prompt);
        if hidden {
            self.echo.on();
            // Enter was not shown either.
            self.gap();
        }
        line
    }

    fn wait(&mut self, prompt: &str) -> Result<EnteredLine, Gone> {
        loop {
            if let Ok(signal) = self.signals.try_recv() {
                return Err(Gone::Signal(signal));
            }
            let _ = write!(self.out, "{} ", tamed(prompt));
            let _ = self.out.flush();
            if !self.asked && self.ask.send(()).is_err() {
                return Err(Gone::End);
            }
            self.asked = true;
            let read = select! {
                recv(self.signals) -> signal => match signal {
                    Ok(signal) => return Err(Gone::Signal(signal)),
                    Err(_) => return Err(Gone::End),
                },
                recv(self.lines) -> read => read.unwrap_or(Input::End),
            };
            self.asked = false;
            match read {
                Input::Line(line) => return Ok(line),
                Input::Unreadable => self.say(super::text::UNREADABLE),
                Input::End => {
                    self.gap();
                    return Err(Gone::End);
                }
            }
        }
    }
}

fn read(mut input: impl BufRead, asked: &Receiver<()>, tell: &Sender<Input>) {
    while asked.recv().is_ok() {
        let mut bytes = Zeroizing::new(Vec::new());
        let read = match input.read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => Input::End,
            Ok(_) => match std::str::from_utf8(&bytes) {
                Ok(line) => {
                    let line = line.trim_end_matches(['\n', '\r']);
                    if line
                        .chars()
                        .any(|letter| letter.is_control() && letter != '\t')
                    {
                        Input::Unreadable
                    } else {
                        Input::Line(Zeroizing::new(line.to_owned()))
                    }
                }
                Err(_) => Input::Unreadable,
            },
        };
        if tell.send(read).is_err() {
            break;
        }
    }
}

/// Plain text that every terminal can show.
fn tamed(line: &str) -> String {
    plain(line).replace('…', "...")
}

/// Never breaks a word: addresses and commands must be copied whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::super::echo::Shown;
    use super::*;

    fn console(input: &'static [u8], signals: &Receiver<i32>) -> Console {
        Console::new(input, io::sink(), Box::new(Shown), Some(signals), || None).expect("a thread")
    }

    #[test]
    fn lines_come_one_by_one_and_end() {
        let mut console = console(b"one\r\n\xff\xfe\ntwo \n\x1b[A\nlast", &never());
        let mut next = || console.ask("?", true).map(|line| line.to_string());
        assert_eq!(next(), Ok("one".into()));
        // Invalid text is asked for again.
        assert_eq!(next(), Ok("two ".into()));
        assert_eq!(next(), Ok("last".into()));
        assert_eq!(next(), Err(Gone::End));
    }

    #[test]
    fn a_signal_ends_a_question_and_the_line_is_for_the_next_one() {
        let (sender, signals) = unbounded();
        let mut console = console(b"one\n", &signals);
        sender.send(2).expect("sent");
        assert_eq!(console.ask("?", false), Err(Gone::Signal(2)));
        assert_eq!(*console.ask("?", false).expect("a line"), "one");
    }

    #[test]
    fn paragraphs_are_broken_between_words_only() {
        assert_eq!(wrapped("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrapped("a-long-word b", 4), ["a-long-word", "b"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(tamed("\u{1b}[31mSHA256:…\u{7}"), "SHA256:...");
    }
}
