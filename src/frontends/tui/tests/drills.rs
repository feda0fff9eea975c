//! Drills on the screens: chosen, confirmed, watched, and their result.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::super::effect::DrillOrder;
use super::super::message::{DrillNews, Unreached};
use super::super::page::Page;
use super::*;
use crate::answers::{CredentialKind, CredentialRequest};
use crate::events::fixtures::{drill_figures, id};
use crate::events::progress::Progress;
use crate::events::{Abort, DecidedBy, Decision, End, Event, Failure, Outcome, What};
use crate::procedures::drill::{DrillOffer, offers};
use crate::report::drill::DrillReport;
use crate::topology::Topology;

/// The log of two drills on the lab with two of everything.
const LOG: &str = "drill.jsonl";
/// Something is down, and clients have no answer.
pub const DOWN: u64 = 22_500;

pub fn offered(answers: &Answers) -> Vec<DrillOffer> {
    let topology = Topology::of(answers).expect("a topology");
    let last = ["stop-nginx@balancer", "reset@server-1"];
    let last = last.map(|name| (name.to_owned(), drill_figures(name, 2_340)));
    offers(&topology, Duration::from_secs(30), &BTreeMap::from(last))
}

/// The drills of the cluster `prod`, opened from its live page.
fn of_answers(theme: Theme, size: (u16, u16), answers: &Answers) -> Model {
    let mut model = watched::watched(theme, size);
    let effects = press(&mut model, "d");
    assert_eq!(effects, [Effect::ListDrills("prod".into())]);
    assert_eq!(model.page, Page::Drills);
    update(
        &mut model,
        Message::Drills(DrillNews::Offered(Ok(offered(answers)))),
    );
    model
}

pub fn list(theme: Theme, size: (u16, u16)) -> Model {
    of_answers(theme, size, &example())
}

pub fn external(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = of_answers(theme, size, &external_answers());
    press(&mut model, "<End> ");
    model
}

pub fn chosen(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = list(theme, size);
    press(&mut model, "<Down> <Down><Down><Down><Down><Down> ");
    model
}

pub fn confirming(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = chosen(theme, size);
    press(&mut model, "<Enter>pro");
    model
}

pub fn starting(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = confirming(theme, size);
    press(&mut model, "d<Enter>");
    model
}

/// The drills run, as they did on the lab.
pub fn running(theme: Theme, size: (u16, u16), until: u64) -> Model {
    let mut model = starting(theme, size);
    for event in events(LOG) {
        if event.at <= until {
            update(&mut model, Message::Event(Box::new(event)));
        }
    }
    if until < u64::MAX {
        model.common.run.clock = until;
    }
    model
}

pub fn down(theme: Theme, size: (u16, u16)) -> Model {
    running(theme, size, DOWN)
}

pub fn over(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = running(theme, size, u64::MAX);
    let mut progress = Progress::default();
    for event in &events(LOG) {
        progress.add(event);
    }
    let before = drill_figures("stop-postgres@k3s-postgres-2", 11_900);
    let before = BTreeMap::from([(before.drill.clone(), before)]);
    let report = DrillReport::of(&progress, &before).expect("a report");
    let files = ["json", "md", "html"];
    let files = files.map(|kind| PathBuf::from(format!("/state/prod/drills/1.{kind}")));
    update(
        &mut model,
        Message::Drills(DrillNews::Reported(Box::new(report), files.to_vec())),
    );
    update(&mut model, Message::Over);
    model
}

#[test]
fn drills_are_chosen_and_the_name_of_the_cluster_confirms_them() {
    let mut model = list(MONO, SMALL);
    // Nothing is chosen.
    assert_eq!(press(&mut model, "<Enter>"), []);
    assert!(text(&model).contains("No drill is chosen"));
    press(&mut model, " ");
    assert!(text(&model).contains("1 of 20 chosen"), "{}", text(&model));
    press(&mut model, " ");
    assert!(text(&model).contains("0 of 20 chosen"));
    press(&mut model, "a");
    assert!(text(&model).contains("20 of 20 chosen"));
    press(&mut model, "aa");
    assert!(text(&model).contains("20 of 20 chosen"));

    // Another name starts nothing, and neither does Esc.
    let mut model = chosen(MONO, SMALL);
    assert_eq!(press(&mut model, "<Enter>lab<Enter>"), []);
    assert!(text(&model).contains("That is not prod. Nothing was changed."));
    assert_eq!(press(&mut model, "prod<Esc>"), []);
    assert_eq!(press(&mut model, "<Enter><Enter>"), []);
    press(&mut model, "<Esc>");
    let effects = press(&mut model, "<Enter>qprod<BS>");
    assert_eq!(effects, [], "letters are letters");
    let mut model = confirming(MONO, SMALL);
    let order = DrillOrder {
        cluster: "prod".into(),
        names: vec![
            "kill-k3s-agent@agent-1".into(),
            "stop-nginx@balancer".into(),
        ],
    };
    assert_eq!(press(&mut model, "d<Enter>"), [Effect::Drill(order)]);
    assert!(model.common.at_work);
    // Esc stops the connecting.
    assert_eq!(press(&mut model, "<Esc>"), [Effect::Abort(Abort::Hard)]);
}

#[test]
fn what_cannot_be_drilled_says_why() {
    let page = text(&external(MONO, LARGE));
    assert!(
        page.contains("There is no drill for the external load balancer"),
        "{page}"
    );
    assert!(page.contains("0 of "), "{page}");
    let mut model = external(MONO, LARGE);
    press(&mut model, "a<Enter>");
    let order = press(&mut model, "prod<Enter>");
    let [Effect::Drill(order)] = &order[..] else {
        panic!("{order:?}");
    };
    assert!(
        !order.names.contains(&"load-balancer".to_owned()),
        "{order:?}"
    );
}

#[test]
fn drills_that_cannot_be_listed_or_started_say_why_and_lead_back() {
    let mut model = watched::watched(MONO, SMALL);
    press(&mut model, "d");
    assert!(text(&model).contains("Reading the cluster's answers"));
    update(
        &mut model,
        Message::Drills(DrillNews::Offered(Err("it is not there".into()))),
    );
    assert!(text(&model).contains("it is not there"));
    assert_eq!(press(&mut model, " a<Enter>"), []);
    // The live page goes on.
    assert_eq!(press(&mut model, "<Esc>"), []);
    assert_eq!(model.page, Page::Cluster);
    assert!(text(&model).contains("Live: polling"));

    let mut model = starting(MONO, SMALL);
    update(
        &mut model,
        Message::Drills(DrillNews::NotStarted("host x: no".into(), Vec::new())),
    );
    assert!(
        text(&model).contains("No drill was started: host x: no"),
        "{}",
        text(&model)
    );
    assert!(!model.common.at_work);
    assert_eq!(press(&mut model, "<Esc>"), [Effect::Watch("prod".into())]);
    assert_eq!(model.page, Page::Cluster);

    // A host that needs a secret asks for it on the live page.
    let mut model = starting(MONO, SMALL);
    let lacking = Unreached {
        wants: vec![CredentialRequest {
            what: CredentialKind::SudoPassword { of: None },
            wrong: false,
        }],
        ..Unreached::new("server-1", "sudo asks for a password")
    };
    let message = Message::Drills(DrillNews::NotStarted(
        "server-1: sudo".into(),
        vec![lacking],
    ));
    assert_eq!(update(&mut model, message), [Effect::Watch("prod".into())]);
    assert_eq!(model.page, Page::Cluster);
    assert!(
        text(&model).contains("sudo on server-1 asks for"),
        "{}",
        text(&model)
    );
}

#[test]
fn read_only_screens_and_replays_have_no_drills() {
    let mut model = watched::watched(MONO, SMALL);
    model.common.read_only = true;
    assert_eq!(press(&mut model, "d"), []);
    assert_eq!(model.page, Page::Cluster);
    let mut model = Model::for_replay(MONO, SMALL, events("run.jsonl"));
    press(&mut model, ">c");
    assert_eq!(model.page, Page::Cluster);
    assert_eq!(press(&mut model, "d"), []);
    assert_eq!(model.page, Page::Cluster);
}

#[test]
fn a_drill_is_watched_and_leads_back_to_the_live_page() {
    let mut model = down(MONO, SMALL);
    assert_eq!(model.page, Page::Drill);
    let page = text(&model);
    assert!(
        page.contains("Down. The host brings it back by itself in"),
        "{page}"
    );
    // Its other pages.
    for (key, page) in [("l", Page::Run), ("o", Page::Proofs), ("d", Page::Drill)] {
        press(&mut model, key);
        assert_eq!(model.page, page);
    }
    // It is asked before it is stopped, and the running step ends.
    press(&mut model, "q");
    let asked = text(&model);
    assert!(
        asked.contains("first bring back what it took down"),
        "{asked}"
    );
    assert_eq!(press(&mut model, "y"), [Effect::Abort(Abort::Soft)]);

    let mut model = over(MONO, SMALL);
    assert_eq!(model.page, Page::Drill);
    let effects = press(&mut model, "<Esc>");
    assert_eq!(effects, [Effect::Watch("prod".into())]);
    assert_eq!(model.page, Page::Cluster);
    // And the answers of the cluster are those of the cluster.
    assert!(model.common.watched.is_some());
    press(&mut model, "d");
    assert_eq!(model.page, Page::Drills);
}

/// Nothing else is run from the pages of a drill.
#[test]
fn a_failed_drill_leads_to_no_installation() {
    let mut model = starting(MONO, SMALL);
    let failure = Failure {
        why: "it ended".into(),
        status: Some(1),
        last_lines: Vec::new(),
        hint: None,
    };
    let step = id("kill-nginx.k3s-nginx/act@k3s-nginx");
    let started = events(LOG)[0].clone();
    let happens = |model: &mut Model, what: What| {
        let event = Event { what, ..started };
        update(model, Message::Event(Box::new(event)));
    };
    happens(&mut model, started.what.clone());
    happens(
        &mut model,
        What::StepEnded {
            step: step.clone(),
            outcome: Outcome::Failed(failure),
        },
    );
    happens(&mut model, What::Asked { step: step.clone() });
    assert_eq!(model.page, Page::Failure);
    let (decision, by) = (Decision::GiveUp, DecidedBy::Rule);
    happens(&mut model, What::Decided { step, decision, by });
    assert_eq!(model.page, Page::Drill);
    happens(&mut model, What::Ended { end: End::Failed });
    update(&mut model, Message::Over);
    assert_eq!(model.page, Page::Drill);
    assert!(text(&model).contains("FAILED"), "{}", text(&model));
    assert_eq!(press(&mut model, "er"), []);
    assert_eq!(model.page, Page::Drill);
}

#[test]
fn a_replay_shows_the_drill() {
    let mut model = Model::for_replay(MONO, SMALL, events(LOG));
    super::super::update::wait_at(&mut model, DOWN);
    assert_eq!(model.page, Page::Drill);
    assert!(text(&model).contains("Drill 2 of 2"), "{}", text(&model));
    press(&mut model, ">");
    assert!(
        text(&model).contains("2 drills: 2 passed"),
        "{}",
        text(&model)
    );
    // There is no cluster to go back to.
    let before = text(&model);
    press(&mut model, "<Esc>");
    assert_eq!(text(&model), before);
}
