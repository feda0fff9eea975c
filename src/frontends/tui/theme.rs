//! How things look: styles and marks, named by what they mean.
//!
//! Colours are the sixteen that every terminal has, so that they fit what the operator has set.
//! Nothing is told by colour alone: what has focus is bold and marked, what is selected is reversed,
//! what is wrong has a mark and a word.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

pub use crate::frontends::Palette;

use crate::events::Outcome;
use crate::events::progress::{PhaseStatus, Status};

/// Milliseconds that a running step's mark stands still.
pub const SPIN: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub palette: Palette,
    /// Nothing but ASCII is drawn.
    pub ascii: bool,
}

// Which styles depend on the palette is its own matter.
#[expect(clippy::unused_self)]
impl Theme {
    fn colour(self, dark: Color, light: Color) -> Style {
        match self.palette {
            Palette::Dark => Style::new().fg(dark),
            Palette::Light => Style::new().fg(light),
            Palette::Mono => Style::new(),
        }
    }

    /// Of less weight: help, times, what is not at work.
    pub fn faint(self) -> Style {
        match self.palette {
            // "Dark grey" is invisible in some palettes; dim is at worst not dim.
            Palette::Dark | Palette::Mono => Style::new().add_modifier(Modifier::DIM),
            Palette::Light => Style::new().fg(Color::DarkGray),
        }
    }

    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Keys, and what has focus.
    pub fn accent(self) -> Style {
        self.colour(Color::Cyan, Color::Blue)
            .add_modifier(Modifier::BOLD)
    }

    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn good(self) -> Style {
        self.colour(Color::Green, Color::Green)
    }

    pub fn busy(self) -> Style {
        self.colour(Color::Cyan, Color::Blue)
    }

    pub fn warning(self) -> Style {
        self.colour(Color::Yellow, Color::Magenta)
    }

    pub fn bad(self) -> Style {
        self.colour(Color::LightRed, Color::Red)
            .add_modifier(Modifier::BOLD)
    }

    pub fn stderr(self) -> Style {
        self.colour(Color::Yellow, Color::Magenta)
    }

    /// What a search has found.
    pub fn found(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    fn pick(self, rich: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { rich }
    }

    pub fn focus_mark(self) -> &'static str {
        self.pick("▸", ">")
    }

    pub fn across(self) -> &'static str {
        self.pick("─", "-")
    }

    pub fn down(self) -> &'static str {
        self.pick("│", "|")
    }

    /// Between things on one line.
    pub fn dot(self) -> &'static str {
        self.pick("·", "-")
    }

    pub fn more(self) -> &'static str {
        self.pick("…", "~")
    }

    /// There is more above, and below.
    pub fn more_lines(self) -> (&'static str, &'static str) {
        if self.ascii {
            ("^", "v")
        } else {
            ("▲", "▼")
        }
    }

    /// There is more on the left, and on the right.
    pub fn more_columns(self) -> (&'static str, &'static str) {
        if self.ascii {
            ("<", ">")
        } else {
            ("‹", "›")
        }
    }

    /// A bar: what is done of it, and what is not.
    pub fn bar(self) -> (&'static str, &'static str) {
        if self.ascii {
            ("#", ".")
        } else {
            ("█", "░")
        }
    }

    /// Bars, from the lowest to the highest.
    pub fn levels(self) -> [&'static str; 8] {
        if self.ascii {
            ["_", ".", ":", "-", "=", "+", "*", "#"]
        } else {
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        }
    }

    pub fn paused(self) -> &'static str {
        self.pick("⏸", "||")
    }

    pub fn bad_mark(self) -> &'static str {
        self.pick("✗", "x")
    }

    pub fn good_mark(self) -> &'static str {
        self.pick("✓", "+")
    }

    /// Between a host and what it printed.
    pub fn stream(self, stderr: bool) -> &'static str {
        if stderr { "!" } else { self.down() }
    }

    fn spinner(self, clock: u64) -> &'static str {
        const RICH: [&str; 4] = ["⠋", "⠙", "⠴", "⠦"];
        const ASCII: [&str; 4] = ["|", "/", "-", "\\"];
        let frames = if self.ascii { ASCII } else { RICH };
        frames[usize::try_from(clock / SPIN % 4).unwrap_or(0)]
    }

    /// The mark of a step and how it is drawn. `clock` turns the marks of what is at work.
    pub fn step(self, status: &Status, clock: u64) -> (&'static str, Style) {
        match status {
            Status::NotStarted => (self.dot(), self.faint()),
            Status::Running { .. } => (self.spinner(clock), self.busy()),
            Status::Ended { outcome, .. } => match outcome {
                Outcome::Done => (self.good_mark(), self.good()),
                Outcome::Unchanged => ("=", self.good()),
                Outcome::Warned { .. } => ("!", self.warning()),
                Outcome::Skipped { .. } => (self.pick("↷", "s"), self.warning()),
                Outcome::Failed(_) => (self.bad_mark(), self.bad()),
                Outcome::WontRun { .. } => (self.pick("–", "_"), self.faint()),
            },
        }
    }

    pub fn phase(self, status: PhaseStatus, clock: u64) -> (&'static str, Style) {
        match status {
            PhaseStatus::NotStarted => (self.dot(), self.faint()),
            PhaseStatus::Running => (self.spinner(clock), self.busy()),
            PhaseStatus::Failed => (self.bad_mark(), self.bad()),
            PhaseStatus::WontRun => (self.pick("–", "_"), self.faint()),
            PhaseStatus::Warned => ("!", self.warning()),
            PhaseStatus::Done => (self.good_mark(), self.good()),
            PhaseStatus::Unchanged => ("=", self.good()),
            PhaseStatus::Skipped => (self.pick("↷", "s"), self.warning()),
        }
    }

    /// The last thing that happens to a frame.
    ///
    /// Without colours, every colour is taken out of the cells: under `NO_COLOR` crossterm 0.29
    /// writes a bare `CSI m` in place of a colour, which would reset bold and reversed as well and
    /// make the focus invisible. With ASCII alone, what hosts printed is held to it too.
    pub fn scrub(self, buffer: &mut Buffer) {
        for cell in &mut buffer.content {
            if self.palette == Palette::Mono {
                cell.fg = Color::Reset;
                cell.bg = Color::Reset;
            }
            if self.ascii && !cell.symbol().is_ascii() {
                cell.set_symbol("?");
            }
        }
    }
}
