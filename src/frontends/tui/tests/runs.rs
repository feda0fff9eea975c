//! A run in which the operator has a say.

use super::super::log::Which;
use super::super::page::Page;
use super::*;
use crate::events::StepId;
use crate::events::estimate::EarlierRuns;
use crate::events::progress::StepProgress;
use crate::events::{Abort, ConnectionState, DecidedBy, Decision, Outcome, What};
use crate::interview::planned::PlannedStep;
use crate::report::diff::{DiffLine, DiffSign, FileChange, How};

/// Something happens next in the run.
fn happens(model: &mut Model, what: What) -> Vec<Effect> {
    let event = Event {
        seq: 0,
        at: model.common.run.clock,
        what,
    };
    update(model, Message::Event(Box::new(event)))
}

/// The certificates are done, and server 1 waits for a word.
pub fn held(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = Model::for_wizard(theme, size, Found::default());
    model.common.at_work = true;
    model.common.let_begin = Some(2);
    for event in events("run.jsonl") {
        let of_later = |step: &StepId| {
            let id = step.as_str();
            !(id.starts_with("postgres") || id.starts_with("certificates"))
        };
        let later = match &event.what {
            What::StepStarted { step, .. }
            | What::StepApplies { step }
            | What::Output { step, .. }
            | What::Proved { step, .. }
            | What::StepEnded { step, .. } => of_later(step),
            What::Cluster { .. } | What::Ended { .. } => true,
            _ => false,
        };
        if !later {
            update(&mut model, Message::Event(Box::new(event)));
        }
    }
    let before = "server-1".to_owned();
    happens(&mut model, What::Held { before });
    model
}

/// The wizard's plan has these steps.
fn planned(model: &mut Model, steps: Vec<PlannedStep>) {
    if let Some(wizard) = model.common.mode.wizard_mut() {
        wizard.plan.steps = steps;
    }
}

pub fn scripts(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = held(theme, size);
    let of = |step: &StepProgress| PlannedStep {
        id: step.id.clone(),
        title: step.title.clone(),
        script: "satisfied() {\n    test -x /usr/local/bin/k3s\n}".into(),
        files: Vec::new(),
    };
    let steps = model.common.run.progress.steps.iter().map(of).collect();
    planned(&mut model, steps);
    press(&mut model, "v");
    model
}

pub fn files(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = held(theme, size);
    let line = |sign, text: &str| DiffLine {
        sign,
        text: text.into(),
    };
    let files = vec![FileChange {
        path: "/etc/rancher/k3s/config.yaml".into(),
        how: How::Changed { modes: None },
        lines: vec![
            line(DiffSign::Same, "token: [secret]"),
            line(DiffSign::Removed, "cluster-cidr: 10.42.0.0/16"),
            line(DiffSign::Added, "cluster-cidr: 198.18.0.0/16"),
            line(DiffSign::Gap, ""),
        ],
    }];
    let step = PlannedStep {
        id: StepId::new("server-1/config", Some("k3s-server-1")),
        title: String::new(),
        script: String::new(),
        files,
    };
    planned(&mut model, vec![step]);
    press(&mut model, "d<PgDn>");
    model
}

#[test]
fn phase_by_phase() {
    // One phase more, and no other; then all of them.
    let mut model = held(MONO, SMALL);
    assert_eq!(press(&mut model, "<Enter>"), [Effect::LetBegin(Some(3))]);
    happens(&mut model, What::Released);
    assert_eq!(model.page, Page::Run);
    assert_eq!(press(&mut model, "p"), [Effect::LetBegin(None)]);
    // What has begun is not held back, what comes after it is.
    assert_eq!(press(&mut model, "p"), [Effect::LetBegin(Some(2))]);
    let mut model = held(MONO, SMALL);
    assert_eq!(press(&mut model, "a"), [Effect::LetBegin(None)]);

    // Whoever edits the answers ends the run first.
    let mut model = held(MONO, SMALL);
    assert_eq!(press(&mut model, "e"), []);
    assert!(text(&model).contains("Stop this run to edit the answers?"));
    assert_eq!(press(&mut model, "n"), []);
    assert_eq!(press(&mut model, "ey"), [Effect::Abort(Abort::Soft)]);
    update(&mut model, Message::Over);
    assert_eq!(model.page, Page::Review);
}

/// A step failed, and the run waits to hear what becomes of it.
pub fn asked(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = Model::for_wizard(theme, size, Found::default());
    model.common.at_work = true;
    for event in events("run-failed.jsonl") {
        if let What::StepEnded { step, outcome } = &event.what {
            let failed = matches!(outcome, Outcome::Failed(_));
            let step = step.clone();
            update(&mut model, Message::Event(Box::new(event)));
            if failed {
                happens(&mut model, What::Asked { step });
                break;
            }
        } else {
            update(&mut model, Message::Event(Box::new(event)));
        }
    }
    model
}

#[test]
fn a_failure_waits_for_a_word() {
    let mut model = asked(MONO, SMALL);
    assert_eq!(model.page, Page::Failure);
    let asked = model.common.run.progress.asked.first();
    let step = asked.expect("asked").clone();
    // It makes something: it cannot be left out.
    assert_eq!(press(&mut model, "s"), []);
    assert_eq!(
        press(&mut model, "r"),
        [Effect::Decide(step.clone(), Decision::Retry)]
    );
    happens(
        &mut model,
        What::Decided {
            step: step.clone(),
            decision: Decision::Retry,
            by: DecidedBy::Operator,
        },
    );
    happens(&mut model, What::StepStarted { step, attempt: 2 });
    assert_eq!(model.page, Page::Run);
    assert!(text(&model).contains("attempt 2"), "{}", text(&model));
}

/// A run like one that is known from before.
pub fn estimated(theme: Theme, size: (u16, u16)) -> Model {
    let mut earlier = EarlierRuns::default();
    earlier.add(
        &run_until(theme, size, "run.jsonl", u64::MAX)
            .common
            .run
            .progress,
    );
    let mut model = run_until(theme, size, "run.jsonl", 4);
    update(&mut model, Message::Earlier(earlier));
    for event in events("run.jsonl") {
        if (5..28_000).contains(&event.at) {
            update(&mut model, Message::Event(Box::new(event)));
        }
    }
    model
}

#[test]
fn the_whole_run_has_a_count_a_bar_and_an_estimate() {
    let page = text(&estimated(ASCII, SMALL));
    let line = page.lines().nth(2).expect("a line");
    assert!(line.contains("####") && line.contains("...."), "{line}");
    // Without a run that is known, the count and the bar stand alone.
    let page = text(&run_until(MONO, SMALL, "run.jsonl", 28_000));
    let line = page.lines().nth(2).expect("a line");
    assert!(line.ends_with('░') && line.contains(" steps  █"), "{line}");
}

#[test]
fn a_failure_shows_its_attempt_and_says_what_else_happens() {
    let mut model = asked(MONO, SMALL);
    let page = text(&model);
    assert!(
        page.contains("attempt        1, failed at 2026-11-2"),
        "{page}"
    );
    // The page says it: the message is gone.
    assert!(!page.contains("x shows why"), "{page}");
    let step = model.common.run.progress.asked[0].clone();
    happens(
        &mut model,
        What::Decided {
            step: step.clone(),
            decision: Decision::Retry,
            by: DecidedBy::Operator,
        },
    );
    happens(
        &mut model,
        What::StepStarted {
            step: step.clone(),
            attempt: 2,
        },
    );
    model.common.run.clock += 3000;
    let failure = model.common.run.progress.step(&step).cloned();
    assert_eq!(failure.expect("a step").attempt, 2);
    let outcome = Outcome::Failed(crate::events::Failure {
        why: "again".into(),
        status: None,
        last_lines: Vec::new(),
        hint: None,
    });
    happens(
        &mut model,
        What::StepEnded {
            step: step.clone(),
            outcome,
        },
    );
    happens(&mut model, What::Asked { step });
    let page = text(&model);
    assert!(
        page.contains("attempt        2, failed at 2026-11-2"),
        "{page}"
    );
    assert!(page.contains("after 3.0s"), "{page}");
    // Whatever phase is at work, the header names that of the failure.
    model.common.run.phase = 0;
    assert!(text(&model).contains("Phase 3/7 Server 1"));
}

/// The host of the running step has gone.
pub fn disconnected(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = run_until(theme, size, "run.jsonl", 28_000);
    let why = "the connection was lost: no answer for 15 s; a firewall, a reboot, or an \
               unplugged cable";
    happens(
        &mut model,
        What::Connection {
            host: "k3s-server-1".into(),
            state: ConnectionState::Lost,
            text: why.into(),
        },
    );
    update(&mut model, Message::Tick(7000));
    model
}

#[test]
fn a_lost_connection_is_on_the_row_of_its_step() {
    let mut model = disconnected(MONO, SMALL);
    let row = |model: &Model| {
        let page = text(model);
        let row = page
            .lines()
            .find(|line| line.contains("install: "))
            .map(str::to_owned);
        row.expect("a row")
    };
    let lost = row(&model);
    assert!(
        lost.ends_with("no connection for 7s, reconnecting"),
        "{lost}"
    );
    // The whole line is in the log, though it is longer than the screen.
    assert!(text(&model).contains("unplugged"));
    happens(
        &mut model,
        What::Connection {
            host: "k3s-server-1".into(),
            state: ConnectionState::Up,
            text: "reconnected".into(),
        },
    );
    assert!(!row(&model).contains("reconnecting"));
}

#[test]
fn the_clock_of_a_replay_stops_at_the_end_of_its_run() {
    let mut model = Model::for_replay(MONO, SMALL, events("run.jsonl"));
    super::super::update::wait_at(&mut model, 1_000_000);
    let end = model.common.run.progress.at;
    assert_eq!(model.common.run.clock, end);
    assert!(text(&model).contains(" · 1m 04s"), "{}", text(&model));

    let mut model = Model::for_replay(MONO, SMALL, events("run.jsonl"));
    update(&mut model, Message::Tick(end + 60_000));
    assert_eq!(model.common.run.clock, end);
}

pub fn followed(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = Model::for_following(theme, size);
    let begun: Vec<Event> = events("run.jsonl")
        .into_iter()
        .filter(|event| event.at <= 28_000)
        .collect();
    let age = std::time::Duration::from_secs(5);
    super::super::update::catch_up(&mut model, &begun, age);
    model
}

#[test]
fn a_followed_run_is_shown_as_far_as_it_is_and_goes_on() {
    let mut model = followed(MONO, SMALL);
    // Its clock goes on, and no key of a replay means anything.
    let before = model.common.run.clock;
    assert!(model.wakes().is_some());
    press(&mut model, ">+ ");
    update(&mut model, Message::Tick(1000));
    assert_eq!(model.common.run.clock, before + 1000);
    for event in events("run.jsonl") {
        if event.at > 28_000 {
            update(&mut model, Message::Event(Box::new(event)));
        }
    }
    assert_eq!(model.page, Page::Cluster);
    assert!(text(&model).contains("the run has ended"));
    // Nothing is at work here: it is left without a question.
    assert_eq!(press(&mut model, "<C-c>"), [Effect::Quit]);
}

#[test]
fn a_log_that_cannot_be_followed_any_more_is_told_for_good() {
    let mut model = Model::for_following(MONO, SMALL);
    for event in events("run.jsonl").into_iter().filter(|it| it.at <= 28_000) {
        update(&mut model, Message::Event(Box::new(event)));
    }
    assert!(model.wakes().is_some());
    update(&mut model, Message::NotFollowed("run.jsonl: gone".into()));
    let clock = model.common.run.clock;
    update(&mut model, Message::Tick(60_000));
    press(&mut model, "<Tab>");
    let page = text(&model);
    assert!(
        page.contains("The log can no longer be read: run.jsonl: gone"),
        "{page}"
    );
    assert!(page.contains("no longer following"), "{page}");
    assert_eq!((model.wakes(), model.common.run.clock), (None, clock));
}

#[test]
fn a_follower_decides_nothing_and_is_offered_no_key_for_it() {
    let help = |model: &mut Model, key: &str| {
        model.common.size = (80, 60);
        press(model, key);
        let page = text(model);
        press(model, "<Esc>");
        page
    };
    let mut model = asked(MONO, SMALL);
    assert!(help(&mut model, "?").contains("!  shell"));
    press(&mut model, "l");
    assert!(help(&mut model, "?").contains("p  pause"));
    let mut model = Model::for_following(MONO, SMALL);
    for event in events("run-failed.jsonl") {
        let failed = match &event.what {
            What::StepEnded {
                step,
                outcome: Outcome::Failed(_),
            } => Some(step.clone()),
            _ => None,
        };
        update(&mut model, Message::Event(Box::new(event)));
        if let Some(step) = failed {
            happens(&mut model, What::Asked { step });
            break;
        }
    }
    let page = help(&mut model, "?");
    assert!(!page.contains("shell") && !page.contains("retry"), "{page}");
    let page = text(&model);
    let waits = "The run is waiting for its operator's decision.";
    assert!(page.contains(waits), "{page}");
    press(&mut model, "l");
    let page = help(&mut model, "?");
    assert!(!page.contains("p  pause"), "{page}");
}

#[test]
fn the_key_that_goes_on_says_what_it_does() {
    let mut model = held(MONO, (80, 60));
    press(&mut model, "?");
    let page = text(&model);
    assert!(page.contains("Ctrl-N  run this phase"), "{page}");
    assert!(
        page.contains("   1-9  jump to that part or phase"),
        "{page}"
    );
    assert!(!page.contains("Ctrl-N  next"), "{page}");
}

#[test]
fn a_search_says_how_many_lines_match_also_at_the_end_of_the_log() {
    let mut model = run_until(MONO, SMALL, "run.jsonl", 28_000);
    press(&mut model, "/k3s<Enter>");
    assert!(model.common.run.pane.follow);
    let page = text(&model);
    let (place, of) = model.common.run.pane.found;
    assert!(of > 10 && place == of, "{place} of {of}");
    assert!(page.contains(&format!("/k3s {of} of {of}")), "{page}");
    press(&mut model, "N");
    let page = text(&model);
    assert!(page.contains(&format!("/k3s {} of {of}", of - 1)), "{page}");
    press(&mut model, "/no such line<Enter>");
    assert!(text(&model).contains("/no such line no match"));
}

#[test]
fn a_message_ends_with_the_next_key() {
    let mut model = run_until(MONO, SMALL, "run.jsonl", 28_000);
    press(&mut model, "p");
    assert!(text(&model).contains("The run pauses"));
    press(&mut model, "<Tab>");
    assert!(!text(&model).contains("The run pauses"));
}

#[test]
fn a_phase_counts_what_is_finished_and_says_what_did_not_run() {
    let mut model = run_until(MONO, SMALL, "run-failed.jsonl", u64::MAX);
    press(&mut model, "l3");
    let page = text(&model);
    assert!(page.contains("4/7, 1 FAILED, 2 skipped"), "{page}");
}

#[test]
fn what_is_clicked_at_is_looked_at() {
    let mut model = run_until(MONO, LARGE, "run.jsonl", 28_000);
    let click = |model: &mut Model, text: &str| {
        let page = super::text(model);
        let row = page.lines().position(|line| line.contains(text));
        let row = row.expect("on the page");
        let line = page.lines().nth(row).unwrap_or_default();
        let column = line.find(text).map_or(0, |at| line[..at].chars().count());
        let number = |number: usize| u16::try_from(number).expect("small");
        let mouse = crossterm::event::MouseEvent {
            kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
            column: number(column),
            row: number(row),
            modifiers: KeyModifiers::NONE,
        };
        update(model, Message::Mouse(mouse));
    };
    click(&mut model, "2 Certificates");
    assert_eq!(model.common.run.phase, 1);
    click(&mut model, "access: ");
    let Which::Step(step) = model.common.run.which() else {
        panic!("not a step");
    };
    let id = model.common.run.progress.steps[step].id.as_str();
    assert_eq!(id, "certificates/access@k3s-postgres");
    click(&mut model, "All hosts");
    assert_eq!(model.common.run.which(), Which::All);
}

#[test]
fn a_run_is_ended_for_its_answers_only_after_a_question() {
    let mut model = asked(MONO, SMALL);
    assert_eq!(press(&mut model, "e"), []);
    assert!(text(&model).contains("Stop this run to edit the answers?"));
    assert_eq!(press(&mut model, "n"), []);
    assert!(!text(&model).contains("Stop this run to edit the answers?"));
    assert_eq!(press(&mut model, "ey"), [Effect::Abort(Abort::Soft)]);
}
