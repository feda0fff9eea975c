//! The lines that hosts print, as many as there is room for, and the window on them. The log file
//! on the disk has all of them; here, the oldest go first.

use std::collections::VecDeque;
use std::ops::Range;

use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::ansi::tame;

/// How many lines are kept, and how many bytes they may have together.
const LINES: usize = 40_000;
const BYTES: usize = 12 << 20;
/// What a line takes besides its text.
const OVERHEAD: usize = 96;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Out,
    Err,
    /// What the wizard says about a step or a host.
    Note,
}

#[derive(Debug, Clone)]
pub struct LogLine {
    /// Counts from 0; a line keeps it.
    pub number: u64,
    /// Milliseconds since the run began.
    pub at: u64,
    /// Its place in the plan; `None` for what is about no step.
    pub step: Option<usize>,
    pub host: Option<usize>,
    pub kind: LineKind,
    pub text: Box<str>,
    /// Where the style changes, in bytes.
    pub styles: Box<[(usize, Style)]>,
}

#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<LogLine>,
    bytes: usize,
    next: u64,
}

/// Which lines are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    Step(usize),
}

impl Log {
    pub fn add(
        &mut self,
        at: u64,
        kind: LineKind,
        step: Option<usize>,
        host: Option<usize>,
        raw: &str,
    ) {
        let tamed = tame(raw);
        self.bytes += tamed.text.len() + OVERHEAD;
        self.lines.push_back(LogLine {
            number: self.next,
            at,
            step,
            host,
            kind,
            text: tamed.text.into(),
            styles: tamed.styles.into(),
        });
        self.next += 1;
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(gone) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= gone.text.len() + OVERHEAD;
        }
    }

    /// How many lines there have ever been.
    pub fn count(&self) -> u64 {
        self.next
    }

    /// How many of them are not here any more.
    pub fn gone(&self) -> u64 {
        self.lines.front().map_or(self.next, |line| line.number)
    }

    pub fn lines(&self, which: Which) -> Vec<&LogLine> {
        self.lines
            .iter()
            .filter(|line| match which {
                Which::All => true,
                Which::Step(step) => line.step == Some(step),
            })
            .collect()
    }
}

/// The window on a log: where it stands, and how it shows lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pane {
    /// It stays at the end, whatever comes.
    pub follow: bool,
    /// The number of the first line in it, when it does not follow.
    pub top: u64,
    /// What had come when it stopped following.
    pub seen: u64,
    pub wrap: bool,
    pub times: bool,
    /// What is searched for; empty for nothing.
    pub search: String,
    /// The line that the search stands on.
    pub hit: Option<u64>,
    /// Which of the lines with a match that is, and how many there were when it was found.
    pub found: (usize, usize),
}

impl Default for Pane {
    fn default() -> Self {
        Self {
            follow: true,
            top: 0,
            seen: 0,
            wrap: false,
            times: false,
            search: String::new(),
            hit: None,
            found: (0, 0),
        }
    }
}

/// How large the text part of a pane is, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub width: usize,
    pub height: usize,
}

impl Pane {
    /// The first of these lines in the window.
    pub fn first(&self, lines: &[&LogLine], room: Room) -> usize {
        let last = self.last_first(lines, room);
        if self.follow {
            return last;
        }
        lines
            .partition_point(|line| line.number < self.top)
            .min(last)
    }

    /// The first line of the window that shows the end.
    fn last_first(&self, lines: &[&LogLine], room: Room) -> usize {
        let mut left = room.height;
        let mut first = lines.len();
        while first > 0 {
            let height = self.height(lines[first - 1], room.width);
            if height > left && first < lines.len() {
                break;
            }
            left = left.saturating_sub(height);
            first -= 1;
            if left == 0 {
                break;
            }
        }
        first
    }

    /// What goes wrong, and what the wizard says, is always shown whole.
    pub fn wraps(&self, line: &LogLine) -> bool {
        self.wrap || line.kind != LineKind::Out
    }

    fn height(&self, line: &LogLine, width: usize) -> usize {
        if self.wraps(line) {
            split(&line.text, width).len()
        } else {
            1
        }
    }

    /// Moves by lines: up where negative. At the end it follows again.
    pub fn scroll(&mut self, by: isize, log: &Log, which: Which, room: Room) {
        let lines = log.lines(which);
        let first = self.first(&lines, room).saturating_add_signed(by);
        self.go_to(first, &lines, log, room);
    }

    fn go_to(&mut self, first: usize, lines: &[&LogLine], log: &Log, room: Room) {
        let last = self.last_first(lines, room);
        if first >= last {
            self.follow = true;
            return;
        }
        if self.follow {
            self.seen = log.count();
        }
        self.follow = false;
        self.top = lines.get(first).map_or(0, |line| line.number);
    }

    /// Stops where it is.
    pub fn hold(&mut self, log: &Log, which: Which, room: Room) {
        let lines = log.lines(which);
        self.seen = log.count();
        let first = self.first(&lines, room);
        self.top = lines.get(first).map_or(log.count(), |line| line.number);
        self.follow = false;
    }

    /// How many lines have come since it stopped following.
    pub fn unseen(&self, lines: &[&LogLine]) -> usize {
        if self.follow {
            return 0;
        }
        lines.len() - lines.partition_point(|line| line.number < self.seen)
    }

    /// Goes to the next line with what is searched for, or the one before; round the end when
    /// there is none. Whether there is any.
    pub fn find(&mut self, forwards: bool, log: &Log, which: Which, room: Room) -> bool {
        let lines = log.lines(which);
        let hits: Vec<usize> = (0..lines.len())
            .filter(|place| !matches(&lines[*place].text, &self.search).is_empty())
            .collect();
        let hit = match self.hit {
            None => hits.last(),
            Some(at) if forwards => hits
                .iter()
                .find(|place| lines[**place].number > at)
                .or(hits.first()),
            Some(at) => hits
                .iter()
                .rev()
                .find(|place| lines[**place].number < at)
                .or(hits.last()),
        };
        let Some(hit) = hit.copied() else {
            self.hit = None;
            self.found = (0, 0);
            return false;
        };
        self.hit = Some(lines[hit].number);
        let place = hits.iter().position(|place| *place == hit).unwrap_or(0);
        self.found = (place + 1, hits.len());
        let first = self.first(&lines, room);
        let end = first + room.height.saturating_sub(1);
        if !(first..end).contains(&hit) || self.wrap {
            let middle = hit.saturating_sub(room.height / 2);
            self.go_to(middle, &lines, log, room);
        }
        true
    }
}

/// Where a text has what is searched for. Small letters find large ones too.
pub fn matches(text: &str, search: &str) -> Vec<Range<usize>> {
    if search.is_empty() {
        return Vec::new();
    }
    let (folded, search) = if search.chars().any(char::is_uppercase) {
        (text.to_owned(), search.to_owned())
    } else {
        // Byte for byte the same length, so that places stay right.
        (text.to_ascii_lowercase(), search.to_ascii_lowercase())
    };
    folded
        .match_indices(&search)
        .map(|(at, found)| at..at + found.len())
        .collect()
}

/// The parts of a text that are each at most so wide; at least one.
pub fn split(text: &str, width: usize) -> Vec<Range<usize>> {
    if width == 0 || text.width() <= width {
        return std::iter::once(0..text.len()).collect();
    }
    let mut parts = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, letter) in text.grapheme_indices(true) {
        let wide = letter.width();
        if used + wide > width && at > start {
            parts.push(start..at);
            (start, used) = (at, 0);
        }
        used += wide;
    }
    parts.push(start..text.len());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        width: 10,
        height: 3,
    };

    fn log(lines: usize) -> Log {
        let mut log = Log::default();
        for number in 0..lines {
            log.add(
                0,
                LineKind::Out,
                Some(number % 2),
                None,
                &format!("line {number}"),
            );
        }
        log
    }

    fn shown(pane: &Pane, log: &Log, which: Which) -> Vec<String> {
        let lines = log.lines(which);
        let first = pane.first(&lines, ROOM);
        let shown = lines[first..].iter().take(ROOM.height);
        shown.map(|line| line.text.to_string()).collect()
    }

    #[test]
    fn it_follows_until_it_is_scrolled_up_and_again_from_the_end() {
        let mut log = log(10);
        let mut pane = Pane::default();
        assert_eq!(
            shown(&pane, &log, Which::All),
            ["line 7", "line 8", "line 9"]
        );
        pane.scroll(-2, &log, Which::All, ROOM);
        assert_eq!(shown(&pane, &log, Which::All)[0], "line 5");
        log.add(0, LineKind::Out, Some(0), None, "new");
        assert_eq!(shown(&pane, &log, Which::All)[0], "line 5");
        assert_eq!(pane.unseen(&log.lines(Which::All)), 1);
        pane.scroll(100, &log, Which::All, ROOM);
        assert!(pane.follow);
        assert_eq!(shown(&pane, &log, Which::All)[2], "new");
        pane.scroll(isize::MIN / 2, &log, Which::Step(1), ROOM);
        assert_eq!(
            shown(&pane, &log, Which::Step(1)),
            ["line 1", "line 3", "line 5"]
        );
    }

    #[test]
    fn memory_is_bounded_and_lines_keep_their_numbers() {
        let mut log = Log::default();
        for _ in 0..LINES + 10 {
            log.add(0, LineKind::Out, None, None, "x");
        }
        assert_eq!(log.lines(Which::All).len(), LINES);
        assert_eq!((log.gone(), log.count()), (10, LINES as u64 + 10));
        for _ in 0..LINES {
            log.add(0, LineKind::Out, None, None, &"y".repeat(1900));
        }
        assert!(log.bytes <= BYTES);
    }

    #[test]
    fn searching_goes_round() {
        let log = log(10);
        let mut pane = Pane {
            search: "LINE 3".into(),
            ..Pane::default()
        };
        assert!(!pane.find(true, &log, Which::All, ROOM));
        pane.search = "line".into();
        assert!(pane.find(true, &log, Which::All, ROOM));
        assert_eq!(pane.hit, Some(9));
        assert!(pane.find(true, &log, Which::All, ROOM));
        assert_eq!(pane.hit, Some(0));
        assert_eq!(shown(&pane, &log, Which::All)[0], "line 0");
        assert!(pane.find(false, &log, Which::All, ROOM));
        assert_eq!(pane.hit, Some(9));
        assert_eq!(pane.found, (10, 10));
        pane.search = "line 3".into();
        pane.find(true, &log, Which::All, ROOM);
        assert_eq!(pane.found, (1, 1));
        pane.search = "none".into();
        pane.find(true, &log, Which::All, ROOM);
        assert_eq!(pane.found, (0, 0));
        let hits = |search| matches("a B b", search).len();
        assert_eq!((hits("b"), hits("B"), hits("x")), (2, 1, 0));
    }

    #[test]
    fn wrapped_lines_have_parts_that_fit() {
        let parts = |text: &str, width| -> Vec<String> {
            let parts = split(text, width).into_iter();
            parts.map(|part| text[part].to_owned()).collect()
        };
        assert_eq!(parts("", 5), [""]);
        assert_eq!(parts("abcdef", 4), ["abcd", "ef"]);
        // Wide letters take two cells, and are never cut.
        assert_eq!(parts("日本語", 3), ["日", "本", "語"]);
        assert_eq!(parts("abc", 0), ["abc"]);
        let mut log = Log::default();
        log.add(0, LineKind::Out, None, None, &"x".repeat(25));
        log.add(0, LineKind::Out, None, None, "end");
        let pane = Pane {
            wrap: true,
            ..Pane::default()
        };
        assert_eq!(pane.first(&log.lines(Which::All), ROOM), 1);
    }
}
