//! What a host printed, made safe to show: colours stay, everything else that a terminal obeys goes.

use std::iter::Peekable;
use std::str::Chars;

use ratatui::style::{Color, Modifier, Style};

use crate::letters::misleads;

/// A longer line is cut: the log file has all of it.
const LONGEST: usize = 2000;

/// A line to show, and where its style changes (in bytes).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tamed {
    pub text: String,
    pub styles: Vec<(usize, Style)>,
}

/// A line as a terminal would show it in the end: of what was written over with a carriage return,
/// the last remains; what moves the cursor, sets titles, hides text or turns its direction is gone.
/// Backgrounds go too, and black and white: on another terminal they make text invisible.
pub fn tame(raw: &str) -> Tamed {
    let raw = raw.trim_end_matches(['\r', '\n']);
    let last = raw.rsplit('\r').next().unwrap_or(raw);
    let mut tamed = Tamed::default();
    let mut letters = last.chars().peekable();
    let mut length = 0;
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                if let Some(style) = escape(&mut letters, tamed.styles.last()) {
                    let at = tamed.text.len();
                    tamed.styles.retain(|(other, _)| *other != at);
                    tamed.styles.push((at, style));
                }
            }
            '\t' => {
                tamed.text.push_str("    ");
                length += 4;
            }
            letter if letter.is_control() || misleads(letter) => {}
            letter => {
                tamed.text.push(letter);
                length += 1;
            }
        }
        if length >= LONGEST {
            tamed.text.push('…');
            break;
        }
    }
    tamed
}

/// What follows an escape character; a style where that is what it sets.
fn escape(letters: &mut Peekable<Chars<'_>>, before: Option<&(usize, Style)>) -> Option<Style> {
    match letters.next()? {
        '[' => {
            let mut numbers = String::new();
            for letter in letters.by_ref() {
                match letter {
                    'm' => {
                        let before = before.map_or(Style::new(), |(_, style)| *style);
                        return Some(colours(&numbers, before));
                    }
                    '\u{40}'..='\u{7e}' => return None,
                    letter => numbers.push(letter),
                }
            }
            None
        }
        // Titles, links: up to BEL or ESC \.
        ']' | 'P' | '^' | '_' | 'X' => {
            letters.find(|letter| matches!(letter, '\u{7}' | '\u{1b}'));
            letters.next_if_eq(&'\\');
            None
        }
        // Which set of letters: one more.
        '(' | ')' | '#' | ' ' | '%' => {
            letters.next();
            None
        }
        _ => None,
    }
}

fn colours(numbers: &str, mut style: Style) -> Style {
    if numbers.starts_with(['?', '>', '<', '=']) {
        return style;
    }
    let mut numbers = numbers
        .split([';', ':'])
        .map(|number| number.parse::<u8>().unwrap_or(0));
    while let Some(number) = numbers.next() {
        style = match number {
            0 => Style::new(),
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            22 => without(style, Modifier::BOLD | Modifier::DIM),
            23 => without(style, Modifier::ITALIC),
            24 => without(style, Modifier::UNDERLINED),
            31..=36 => style.fg(Color::Indexed(number - 30)),
            91..=96 => style.fg(Color::Indexed(number - 90 + 8)),
            38 => match numbers.next() {
                Some(5) => match numbers.next() {
                    Some(index) if !matches!(index, 0 | 7 | 15 | 16 | 231..) => {
                        style.fg(Color::Indexed(index))
                    }
                    _ => plain(style),
                },
                // Three numbers of a colour that may be anything.
                Some(2) => {
                    let _ = (numbers.next(), numbers.next(), numbers.next());
                    plain(style)
                }
                _ => style,
            },
            48 => {
                let rest = if numbers.next() == Some(2) { 3 } else { 1 };
                for _ in 0..rest {
                    numbers.next();
                }
                style
            }
            30 | 37 | 39 | 90 | 97 => plain(style),
            _ => style,
        };
    }
    style
}

fn plain(style: Style) -> Style {
    Style { fg: None, ..style }
}

fn without(style: Style, modifier: Modifier) -> Style {
    Style {
        add_modifier: style.add_modifier - modifier,
        ..style
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(raw: &str) -> String {
        tame(raw).text
    }

    #[test]
    fn nothing_that_a_terminal_obeys_remains() {
        assert_eq!(text("plain"), "plain");
        assert_eq!(text("10 %\r50 %\r100 %\r\n"), "100 %");
        assert_eq!(text("a\u{1b}[2J\u{1b}[10;10Hb"), "ab");
        assert_eq!(
            text("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b"),
            "ab"
        );
        assert_eq!(text("a\u{1b}(Bb\u{7}\u{8}c\td"), "abc    d");
        assert_eq!(text("a\u{202e}b\u{200b}c"), "abc");
        assert_eq!(text("unfinished \u{1b}[3"), "unfinished ");
    }

    #[test]
    fn colours_stay_where_they_can_be_read() {
        let tamed = tame("\u{1b}[1;32mOK\u{1b}[0m done \u{1b}[37;47mghost\u{1b}[38;5;208mx");
        assert_eq!(tamed.text, "OK done ghostx");
        let green = Style::new()
            .fg(Color::Indexed(2))
            .add_modifier(Modifier::BOLD);
        assert_eq!(
            tamed.styles,
            [
                (0, green),
                (2, Style::new()),
                (8, Style::new()),
                (13, Style::new().fg(Color::Indexed(208))),
            ]
        );
        // Neither hidden nor blinking nor reversed.
        assert_eq!(tame("\u{1b}[5;7;8mx").styles, [(0, Style::new())]);
    }

    #[test]
    fn long_lines_are_cut() {
        let tamed = tame(&"µ".repeat(10_000));
        assert_eq!(tamed.text.chars().count(), LONGEST + 1);
        assert!(tamed.text.ends_with('…'));
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_safe(raw in "(\u{1b}|[\\[\\]m;0-9a\r\t\u{7}]|\\PC){0,60}") {
            let tamed = tame(&raw);
            prop_assert!(!tamed.text.contains(char::is_control));
            prop_assert!(tamed.styles.is_sorted_by_key(|(at, _)| *at));
            prop_assert!(tamed.styles.iter().all(|(at, _)| tamed.text.is_char_boundary(*at)));
            prop_assert_eq!(tame(&tamed.text).text, tamed.text);
        }
    }
}
