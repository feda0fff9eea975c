//! A terminal's screen as an SVG: text that can be selected, lines that are drawn.

use std::fmt::Write as _;
use std::num::NonZeroU16;

/// Rows and columns.
type Size = (NonZeroU16, NonZeroU16);

/// The size of a cell, and the position of its letters.
const WIDTH: u16 = 9;
const HEIGHT: u16 = 19;
const BASELINE: u16 = 14;
const MARGIN: u16 = 12;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d6d9e0";

/// How long a film shows each of its pictures, in seconds.
const SHOWN: usize = 3;

/// One picture.
pub fn of(screen: &vt100::Screen, title: &str) -> String {
    page(screen.size(), title, "", &drawn(screen))
}

/// Several, one after the other, and again from the beginning.
pub fn film(screens: &[vt100::Screen], title: &str) -> String {
    let all = screens.len() * SHOWN;
    let style = format!(
        "<style>.f{{visibility:hidden;animation:f {all}s step-end infinite}}\
         @keyframes f{{0%{{visibility:visible}}{}%{{visibility:hidden}}}}</style>\n",
        100.0 / f64::from(u16::try_from(screens.len()).expect("a short film"))
    );
    let mut frames = String::new();
    for (number, screen) in screens.iter().enumerate() {
        let begins = number * SHOWN;
        let drawn = drawn(screen);
        let _ = write!(
            frames,
            "<g class=\"f\" style=\"animation-delay:{begins}s\">\n{drawn}</g>\n"
        );
    }
    let size = screens.first().expect("a picture").size();
    page(size, title, &style, &frames)
}

fn page((rows, columns): Size, title: &str, style: &str, drawn: &str) -> String {
    let (width, height) = (
        columns.get() * WIDTH + 2 * MARGIN,
        rows.get() * HEIGHT + 2 * MARGIN,
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n<title>{}</title>\n{style}\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\" \
         xml:space=\"preserve\">\n{drawn}</g>\n</svg>\n",
        escaped(title)
    )
}

fn drawn(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let mut svg = String::new();
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let from = column;
            let look = Look::at(screen, row, column);
            let mut text = String::new();
            while column < columns && Look::at(screen, row, column) == look {
                let cell = screen.cell(row, column);
                let letters = cell.map_or("", vt100::Cell::contents);
                text.push_str(if letters.is_empty() { " " } else { letters });
                column += 1;
            }
            run(&mut svg, row, from, column - from, &text, &look);
        }
    }
    svg
}

/// Cells that look the same, beside each other.
fn run(svg: &mut String, row: u16, from: u16, count: u16, text: &str, look: &Look) {
    let (x, y) = (MARGIN + from * WIDTH, MARGIN + row * HEIGHT);
    let width = count * WIDTH;
    if look.back != BACKGROUND {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{}\"/>",
            look.back
        );
    }
    let mut letters = String::new();
    for (place, letter) in text.chars().enumerate() {
        let place = u16::try_from(place).expect("a screen is not so wide");
        match lines(letter) {
            Some(sides) => {
                stroke(svg, x + place * WIDTH, y, sides, look.front);
                letters.push(' ');
            }
            None => letters.push(letter),
        }
    }
    if letters.trim().is_empty() {
        return;
    }
    let trimmed = letters.trim_end();
    let length = u16::try_from(trimmed.chars().count()).expect("so wide") * WIDTH;
    let bold = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let dim = if look.dim { " opacity=\"0.6\"" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" fill=\"{}\" textLength=\"{length}\"{bold}{dim}>{}</text>",
        y + BASELINE,
        look.front,
        escaped(trimmed)
    );
}

/// To which sides the lines of a box go from the middle of a cell: left, right, up, down.
fn lines(letter: char) -> Option<[bool; 4]> {
    Some(match letter {
        '─' => [true, true, false, false],
        '│' => [false, false, true, true],
        '┌' => [false, true, false, true],
        '┐' => [true, false, false, true],
        '└' => [false, true, true, false],
        '┘' => [true, false, true, false],
        _ => return None,
    })
}

/// Fonts leave gaps between such letters: they are drawn.
fn stroke(svg: &mut String, x: u16, y: u16, sides: [bool; 4], colour: &str) {
    let (middle_x, middle_y) = (x + WIDTH / 2, y + HEIGHT / 2);
    let ends = [
        (x, middle_y),
        (x + WIDTH, middle_y),
        (middle_x, y),
        (middle_x, y + HEIGHT),
    ];
    let mut path = String::new();
    for ((x, y), _) in ends.iter().zip(sides).filter(|(_, drawn)| *drawn) {
        let _ = write!(path, "M{middle_x} {middle_y}L{x} {y}");
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" stroke=\"{colour}\" opacity=\"0.6\"/>"
    );
}

#[derive(PartialEq)]
struct Look {
    front: &'static str,
    back: &'static str,
    bold: bool,
    dim: bool,
}

impl Look {
    fn at(screen: &vt100::Screen, row: u16, column: u16) -> Self {
        let cell = screen.cell(row, column).expect("a cell of the screen");
        let front = colour(cell.fgcolor()).unwrap_or(FOREGROUND);
        let back = colour(cell.bgcolor()).unwrap_or(BACKGROUND);
        let (front, back) = if cell.inverse() {
            (back, front)
        } else {
            (front, back)
        };
        Self {
            front,
            back,
            bold: cell.bold(),
            dim: cell.dim(),
        }
    }
}

fn colour(colour: vt100::Color) -> Option<&'static str> {
    const ANSI: [&str; 16] = [
        "#16181d", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d6d9e0",
        "#5c6370", "#ff7b86", "#b5e890", "#ffd787", "#7cc4ff", "#e29bf5", "#7fe3ef", "#ffffff",
    ];
    match colour {
        vt100::Color::Idx(index) => ANSI.get(usize::from(index)).copied(),
        vt100::Color::Default | vt100::Color::Rgb(..) => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
