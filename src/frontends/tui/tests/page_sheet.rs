//! The states of a page in one text.

use super::*;

pub type Make = fn(Theme, (u16, u16)) -> Model;

/// The states of a page, one below the other.
pub struct PageSheet(pub String);

impl PageSheet {
    pub fn new() -> Self {
        Self(String::new())
    }

    pub fn add(&mut self, name: &str, how: &str, what: &str) {
        let _ = writeln!(self.0, "=== {name} {how}\n{what}\n");
    }

    /// The page at the least size, without colours.
    pub fn small(mut self, name: &str, make: Make) -> Self {
        self.add(name, "80x24", &page(&make(MONO, SMALL)));
        self
    }

    /// The same at a size where its layout differs.
    pub fn large(mut self, name: &str, make: Make) -> Self {
        self.add(name, "120x40", &page(&make(MONO, LARGE)));
        self
    }

    /// The window on top of the page, and what is asked below it.
    pub fn window(mut self, name: &str, make: Make) -> Self {
        self.add(name, "window", &window(&text(&make(MONO, SMALL))));
        self
    }

    /// How the page looks in colours.
    pub fn colours(mut self, name: &str, make: Make) -> Self {
        let looks = looks(&make(DARK, SMALL));
        // The footer is as wide as what its keys say.
        let (page, _footer) = looks.rsplit_once('\n').expect("a footer");
        self.add(name, "colours", page);
        self
    }
}

pub fn window(page: &str) -> String {
    let mut lines = page.lines().skip_while(|line| !line.contains('┌'));
    let top: Vec<char> = lines.next().expect("a window").chars().collect();
    let place = |wanted| top.iter().position(|cell| *cell == wanted);
    let (left, right) = (place('┌').expect("left"), place('┐').expect("right"));
    let cut = |line: &str| -> String { line.chars().take(right + 1).skip(left).collect() };
    let mut shown = vec![top[left..=right].iter().collect()];
    for line in lines {
        shown.push(cut(line));
        if line.chars().nth(left) == Some('└') {
            break;
        }
    }
    let asked = page.lines().rev().nth(2).unwrap_or_default();
    format!("{}\n{asked}", shown.join("\n"))
        .trim_end()
        .to_owned()
}

macro_rules! keep {
    ($name:literal, $sheet:expr) => {
        insta::assert_snapshot!($name, $sheet.0)
    };
}

pub(super) use keep;
