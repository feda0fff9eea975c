//! Where things stand on the screen, from its size alone: drawing and scrolling agree by using the
//! same places.
//!
//! ```text
//! header     k3s-ha-wizard · cluster "prod"                     Phase 4/7 Servers
//! rule       ────────────────────────────────────────────────────────────────────
//! body       stepper │ steps │ log          below 140 columns the steps are above the
//!                                           log, below 100 there is no stepper
//! message    what just happened, or what is asked
//! rule       ────────────────────────────────────────────────────────────────────
//! footer     Tab steps/log · f follow · F1 help                            ssh 5/5
//! ```

use ratatui::layout::{Constraint, Layout, Rect};

use super::log::Room;

/// Smaller screens show that they are too small, and nothing else.
pub const LEAST: (u16, u16) = (80, 24);
/// From here on there is room for the stepper beside the rest.
const WIDE: u16 = 100;
const STEPPER: u16 = 22;
/// And from here on for the steps beside the log: a narrow log can be read no more.
const WIDEST: u16 = 140;
/// The steps of a phase above the log, with their title; more where the screen is high.
const STEPS_ABOVE: u16 = 8;
const MORE_STEPS_ABOVE: u16 = 12;
const HIGH: u16 = 34;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    pub header: Rect,
    pub rule_above: Rect,
    pub body: Rect,
    pub message: Rect,
    pub rule_below: Rect,
    pub footer: Rect,
}

pub fn frame((width, height): (u16, u16)) -> Areas {
    let [header, rule_above, body, message, rule_below, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(Rect::new(0, 0, width, height));
    Areas {
        header,
        rule_above,
        body,
        message,
        rule_below,
        footer,
    }
}

pub fn is_too_small((width, height): (u16, u16)) -> bool {
    width < LEAST.0 || height < LEAST.1
}

/// The stepper, where there is room for it, and what is left beside it.
pub fn beside_stepper(size: (u16, u16)) -> (Option<Rect>, Rect) {
    let body = frame(size).body;
    if size.0 < WIDE {
        return (None, body);
    }
    let [stepper, _, rest] = Layout::horizontal([
        Constraint::Length(STEPPER),
        Constraint::Length(2),
        Constraint::Min(0),
    ])
    .areas(body);
    (Some(stepper), rest)
}

/// What stands above the fields of a form, so many lines and a gap; and the fields.
pub fn form(area: Rect, above: usize) -> [Rect; 2] {
    let above = u16::try_from(above + 1).unwrap_or(u16::MAX);
    Layout::vertical([Constraint::Length(above), Constraint::Min(0)]).areas(area)
}

/// The run page. Titles are the first rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAreas {
    pub stepper: Option<Rect>,
    /// How far the whole run is: a line.
    pub overall: Option<Rect>,
    pub steps: Option<Rect>,
    pub log: Rect,
}

pub fn run(size: (u16, u16), zoom: bool) -> RunAreas {
    if zoom {
        return RunAreas {
            stepper: None,
            overall: None,
            steps: None,
            log: frame(size).body,
        };
    }
    let (stepper, rest) = beside_stepper(size);
    let [overall, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(rest);
    let (steps, log) = if size.0 >= WIDEST {
        let [steps, _, log] = Layout::horizontal([
            Constraint::Percentage(38),
            Constraint::Length(2),
            Constraint::Min(0),
        ])
        .areas(rest);
        (steps, log)
    } else {
        let above = if size.1 >= HIGH {
            MORE_STEPS_ABOVE
        } else {
            STEPS_ABOVE
        };
        let [steps, log] =
            Layout::vertical([Constraint::Length(above), Constraint::Min(0)]).areas(rest);
        (steps, log)
    };
    RunAreas {
        stepper,
        overall: Some(overall),
        steps: Some(steps),
        log,
    }
}

/// How much text the log has room for.
pub fn log_room(size: (u16, u16), zoom: bool, prefix: usize) -> Room {
    let log = run(size, zoom).log;
    Room {
        width: usize::from(log.width).saturating_sub(prefix),
        height: usize::from(log.height).saturating_sub(1),
    }
}
