//! The problems of answers, each with its place.

use std::fmt;

/// A place in a file; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The position of a byte of a text.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// One problem: what, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its place; `None` for answers that did not come from a file.
    pub at: Option<Position>,
    /// The key it is about, as in `k3s.token` or `hosts[2].address`; empty for the whole.
    pub key: String,
    pub message: String,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: None,
            key: key.into(),
            message: message.into(),
        }
    }

    /// A problem of the answers as a whole.
    pub(super) fn everywhere(message: impl Into<String>) -> Self {
        Self::new("", message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.at {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Why answers were refused: never empty. Displayed as one line a problem, each in the form
/// `FILE:LINE:COLUMN: KEY: MESSAGE` that editors and terminals make a link of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file's name.
    pub source: String,
    pub list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(source: impl Into<String>, list: Vec<Problem>) -> Self {
        Self {
            source: source.into(),
            list,
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.list.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            let space = if problem.at.is_some() { "" } else { " " };
            write!(f, "{}:{space}{problem}", self.source)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The nearest known word, if it is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One typing error in a short word, and one more for every three letters.
    let limit = 1 + word.chars().count() / 4;
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, changes and swaps of neighbours turn one word into the other
/// (optimal string alignment). Case, `-` and `_` make no difference.
fn distance(one: &str, other: &str) -> usize {
    let plain = |word: &str| -> Vec<char> {
        word.chars()
            .map(|letter| match letter {
                '_' => '-',
                letter => letter.to_ascii_lowercase(),
            })
            .collect()
    };
    let (one, other) = (plain(one), plain(other));
    let mut rows = vec![(0..=other.len()).collect::<Vec<_>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let changed = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["role", "address", "node_ip", "port", "name"];
        assert_eq!(nearest("adress", known), Some("address"));
        assert_eq!(nearest("node-ip", known), Some("node_ip"));
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("Port", known), Some("port"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn positions_count_from_one_in_characters() {
        let text = "a = 1\nµ = 2";
        let at = |byte| {
            let Position { line, column } = Position::of(text, byte);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (1, 5));
        assert_eq!(at(6), (2, 1));
        assert_eq!(at(8), (2, 2));
        assert_eq!(at(99), (2, 6));
    }
}
