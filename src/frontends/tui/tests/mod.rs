//! The whole wizard, without a terminal: messages in, frames out.

mod details;
mod drills;
mod live;
mod options;
mod page_sheet;
mod pages;
mod preflight;
mod probes;
mod read_only;
mod rules;
mod runs;
mod sheets;
mod watched;
mod whatever;

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::effect::Effect;
use super::message::Message;
use super::model::Model;
use super::theme::{Palette, Theme};
use super::update::update;
use super::{frame, layout};
use crate::answers::{Answers, Host, Role};
use crate::events::Event;
use crate::events::log::read;
use crate::interview::offers::Found;

const MONO: Theme = Theme {
    palette: Palette::Mono,
    ascii: false,
};
const DARK: Theme = Theme {
    palette: Palette::Dark,
    ascii: false,
};
const ASCII: Theme = Theme {
    palette: Palette::Mono,
    ascii: true,
};
const SMALL: (u16, u16) = layout::LEAST;
const LARGE: (u16, u16) = (120, 40);

fn events(name: &str) -> Vec<Event> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    read(&folder.join(name)).expect("a run log")
}

/// A run up to some time, as if it were live.
fn run_until(theme: Theme, size: (u16, u16), name: &str, until: u64) -> Model {
    let mut model = Model::for_wizard(theme, size, Found::default());
    model.common.at_work = true;
    for event in events(name) {
        if event.at <= until {
            update(&mut model, Message::Event(Box::new(event)));
        }
    }
    if model.common.run.progress.ended.is_some() {
        update(&mut model, Message::Over);
    }
    model
}

fn example() -> Answers {
    Answers::from_toml(crate::answers::example()).expect("valid")
}

/// Keys as one types them; special ones as `<Tab>`, `<C-s>`.
fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let (event, length) = match rest.find('>') {
            Some(end) if letter == '<' && end > 1 => (named(&rest[1..end]), end + 1),
            _ => (KeyEvent::from(KeyCode::Char(letter)), letter.len_utf8()),
        };
        effects.extend(update(model, Message::Key(event)));
        rest = &rest[length..];
    }
    effects
}

fn named(name: &str) -> KeyEvent {
    if let Some(letter) = name.strip_prefix("C-") {
        let letter = letter.chars().next().expect("a letter");
        return KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
    }
    KeyEvent::from(match name {
        "Tab" => KeyCode::Tab,
        "BackTab" => KeyCode::BackTab,
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "BS" => KeyCode::Backspace,
        "F1" => KeyCode::F(1),
        other => panic!("no key {other}"),
    })
}

fn draw(model: &Model) -> Buffer {
    let (width, height) = model.common.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    let drawn = terminal.draw(|area| frame::view(model, area));
    drawn.expect("drawn").buffer.clone()
}

fn rows(buffer: &Buffer, cell: impl Fn(&ratatui::buffer::Cell) -> String) -> String {
    let area = buffer.area;
    let row = |y| -> String {
        let row: String = (0..area.width).map(|x| cell(&buffer[(x, y)])).collect();
        row.trim_end().to_owned()
    };
    (0..area.height).map(row).collect::<Vec<_>>().join("\n")
}

fn text(model: &Model) -> String {
    rows(&draw(model), |cell| cell.symbol().to_owned())
}

/// The same, with the keys of the footer alone. What they say is on one sheet, `keys`.
fn page(model: &Model) -> String {
    let text = text(model);
    let (above, footer) = text.rsplit_once('\n').expect("a footer");
    let dot = format!(" {} ", model.common.theme.dot());
    let (keys, status) = footer.split_once("  ").unwrap_or((footer, ""));
    let keys = keys.split(&dot).filter_map(|key| key.split(' ').next());
    let keys = keys.collect::<Vec<_>>().join(" ");
    format!("{above}\n{keys}  {}", status.trim())
}

/// How every cell looks: a letter for its colour, large where it is bold, `#` where it is reversed.
fn looks(model: &Model) -> String {
    rows(&draw(model), |cell| {
        let letter = match cell.fg {
            Color::Reset if cell.modifier.contains(Modifier::DIM) => 'd',
            Color::Reset if cell.modifier.contains(Modifier::BOLD) => 't',
            Color::Reset => ' ',
            Color::Green | Color::Indexed(2) => 'g',
            Color::Cyan => 'c',
            Color::Yellow | Color::Indexed(3) => 'y',
            Color::LightRed => 'r',
            _ => '?',
        };
        let letter = if cell.modifier.contains(Modifier::BOLD) {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        let reversed = cell.modifier.contains(Modifier::REVERSED);
        (if reversed { '#' } else { letter }).to_string()
    })
}

fn wizard(theme: Theme, size: (u16, u16)) -> Model {
    Model::for_wizard(theme, size, Found::default())
}

fn with_answers(theme: Theme, size: (u16, u16), answers: Answers) -> Model {
    let mut model = wizard(theme, size);
    update(&mut model, Message::Loaded(Box::new(answers)));
    model
}

/// Two Postgres hosts with a monitor, and two load balancers.
fn pair_answers() -> Answers {
    let mut answers = filled_answers();
    answers.cluster.overrides.clear();
    for (name, role, address) in [
        ("postgres-2", Role::Postgres, "10.0.0.6"),
        ("balancer-2", Role::LoadBalancer, "10.0.0.3"),
    ] {
        answers.hosts.push(Host::new(name, role, address));
    }
    let mut hosts = answers.hosts.iter_mut();
    let balancer = hosts.find(|host| host.role() == Role::LoadBalancer);
    balancer.expect("a balancer").roles.push(Role::Monitor);
    answers.load_balancer.virtual_ip = "10.0.0.4".parse().ok();
    assert_eq!(answers.problems(), []);
    answers
}

/// A load balancer of others.
fn external_answers() -> Answers {
    let mut answers = filled_answers();
    answers
        .hosts
        .retain(|host| host.role() != Role::LoadBalancer);
    answers.load_balancer.endpoint = Some("lb.example.com".into());
    assert_eq!(answers.problems(), []);
    answers
}

/// The example's user is the operator's otherwise.
fn filled(theme: Theme, size: (u16, u16)) -> Model {
    with_answers(theme, size, filled_answers())
}

fn filled_answers() -> Answers {
    let mut answers = example();
    answers.ssh.user = Some("admin".into());
    answers
}
