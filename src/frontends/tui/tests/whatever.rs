//! Whatever comes, in whatever order, on whatever screen: nothing panics, and no key means two things.

use std::sync::LazyLock;

use crossterm::event::{MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::super::keys::Key;
use super::super::message::{DrillNews, Unreached};
use super::super::page;
use super::super::shown_plan::ShownPlan;
use super::*;
use crate::answers::{Check, CredentialKind, CredentialRequest};
use crate::events::fixtures;
use crate::platform::preflight::{Cell, Grid, Level, Row};

/// Those that have a meaning somewhere, once for each.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let scopes = rules::scopes().into_values();
    let bindings = scopes.flat_map(|scope| scope.bindings);
    bindings.map(|binding| binding.key).collect()
});

#[derive(Debug, Clone)]
enum Does {
    Bound(usize),
    Types(char),
    Pastes(String),
    Resizes(u16, u16),
    Ticks(u64),
    Scrolls(bool),
    Happens(u8),
}

fn anything() -> impl Strategy<Value = Does> {
    prop_oneof![
        6 => any::<usize>().prop_map(Does::Bound),
        2 => any::<char>().prop_map(Does::Types),
        1 => any::<String>().prop_map(Does::Pastes),
        2 => (0..=200u16, 0..=60u16).prop_map(|(width, height)| Does::Resizes(width, height)),
        1 => (0..100_000u64).prop_map(Does::Ticks),
        1 => any::<bool>().prop_map(Does::Scrolls),
        2 => any::<u8>().prop_map(Does::Happens),
    ]
}

fn message(does: Does) -> Message {
    match does {
        Does::Bound(place) => {
            let key = KEYS[place % KEYS.len()];
            let modifiers = if key.ctrl {
                KeyModifiers::CONTROL
            } else {
                KeyModifiers::NONE
            };
            Message::Key(KeyEvent::new(key.code, modifiers))
        }
        Does::Types(letter) => Message::Key(KeyEvent::from(KeyCode::Char(letter))),
        Does::Pastes(text) => Message::Paste(text),
        Does::Resizes(width, height) => Message::Resize(width, height),
        Does::Ticks(passed) => Message::Tick(passed),
        Does::Scrolls(up) => Message::Mouse(MouseEvent {
            kind: if up {
                MouseEventKind::ScrollUp
            } else {
                MouseEventKind::ScrollDown
            },
            column: 0,
            row: 0,
            modifiers: KeyModifiers::NONE,
        }),
        Does::Happens(what) => match what % 19 {
            0 => Message::Loaded(Box::new(example())),
            1 => Message::Planned(Box::new(ShownPlan {
                text: "a plan\n".repeat(usize::from(what)),
                left: None,
                steps: Vec::new(),
            })),
            2 => Message::Reached("k3s-postgres".into(), "Debian".into()),
            3 => Message::Unreached(vec![Unreached {
                host: "k3s-postgres".into(),
                why: "it is off".into(),
                host_key: Some("SHA256:x".into()),
                wants: Vec::new(),
                bastion: (what % 2 == 0).then(|| "bastion gate".into()),
            }]),
            4 => Message::Over,
            5 => Message::Refused("no".into()),
            6 => Message::Event(Box::new(crate::events::Event {
                seq: 1,
                at: 1,
                what: crate::events::What::Missed {
                    lines: u64::from(what),
                },
            })),
            7 => Message::Generated("k3s.agent_token", "made-up".to_owned().into()),
            9 => Message::Unreached(vec![lacking("k3s-server-1"), lacking("k3s-agent")]),
            8 => Message::Probed(u64::from(what) / 16, Err(lacking("k3s-postgres"))),
            10..14 => Message::Live(Box::new(live::sight(what))),
            14 => checked(what),
            15 => Message::Drills(DrillNews::Offered(Ok(drills::offered(&example())))),
            16 => Message::Drills(DrillNews::Offered(Err("no".into()))),
            17 => Message::Drills(DrillNews::NotStarted(
                "no".into(),
                vec![lacking("k3s-agent")],
            )),
            _ => Message::Signal(15),
        },
    }
}

/// More rows or fewer, some empty.
fn checked(what: u8) -> Message {
    let row = |number: u8| {
        let level = [Level::Fine, Level::Warns, Level::Overridden, Level::Fails];
        let cell = Cell {
            level: level[usize::from(number % 4)],
            findings: Vec::new(),
        };
        let checks = Check::ALL.into_iter().take(usize::from(number % 16));
        Row {
            host: format!("k3s-{number}"),
            cells: checks.map(|check| (check, cell.clone())).collect(),
        }
    };
    let grid = Grid {
        rows: (0..what / 16).map(row).collect(),
        ..Grid::default()
    };
    Message::Checked(Box::new(grid), Vec::new())
}

fn lacking(host: &str) -> Unreached {
    let what = [
        CredentialKind::SudoPassword { of: None },
        CredentialKind::Passphrase { key: "k".into() },
    ];
    let wants = what.map(|what| CredentialRequest { what, wrong: true });
    Unreached {
        wants: wants.to_vec(),
        ..Unreached::new(host, "no root")
    }
}

fn every_frame_is_drawn(mut model: Model, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        update(&mut model, message);
        draw(&model);
        rules::no_key_means_two(&model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_in_the_wizard(
        what in proptest::collection::vec(anything(), 0..60),
        events in fixtures::any_events(),
        from in 0..60usize,
    ) {
        let mut messages: Vec<Message> = what.into_iter().map(message).collect();
        let from = from.min(messages.len());
        let events = events.into_iter().map(|event| Message::Event(Box::new(event)));
        messages.splice(from..from, events);
        let mut model = Model::for_wizard(MONO, SMALL, Found::default());
        model.common.mode.wizard_mut().expect("a wizard").probes_hosts = true;
        every_frame_is_drawn(model, messages);
    }

    /// From each page of the walk on, with keys that are letters on some and actions on others.
    #[test]
    fn nothing_panics_in_the_forms(
        what in proptest::collection::vec(anything(), 0..60),
        keys in "[1-7eaKJd xé\\[=\"]{0,20}",
        place in 1..=page::GROUPS,
    ) {
        let mut model = Model::for_wizard(MONO, SMALL, Found::default());
        update(&mut model, Message::Loaded(Box::new(example())));
        press(&mut model, &place.to_string());
        let mut messages: Vec<Message> = what.into_iter().map(message).collect();
        let letters = keys.chars().map(|key| KeyEvent::from(KeyCode::Char(key)));
        messages.extend(letters.map(Message::Key));
        every_frame_is_drawn(model, messages);
    }

    #[test]
    fn nothing_panics_in_a_replay(
        what in proptest::collection::vec(anything(), 0..60),
        events in fixtures::any_events(),
        ascii in any::<bool>(),
    ) {
        let theme = Theme { palette: Palette::Light, ascii };
        let model = Model::for_replay(theme, SMALL, events);
        every_frame_is_drawn(model, what.into_iter().map(message));
    }

    #[test]
    fn nothing_panics_at_any_size(width in 0..=200u16, height in 0..=60u16, keys in "[zfwto1-9xcl?/j]{0,12}") {
        let mut model = run_until(DARK, (width, height), "run-failed.jsonl", u64::MAX);
        press(&mut model, &keys);
        draw(&model);
    }
}
