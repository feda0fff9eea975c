//! The preflight as a page: the grid, who reaches whom, overriding.

use std::collections::BTreeMap;

use super::super::page::Page;
use super::super::pages::preflight::PreflightPage;
use super::super::shown_plan::ShownPlan;
use super::*;
use crate::answers::{Check, Host, Role};
use crate::platform::network::Contact;
use crate::platform::preflight::{Cell, Finding, Grid, Level, Row};
use crate::topology::{Link, Topology};

fn cell(level: Level, cause: &str, remedy: &str) -> Cell {
    let finding = Finding {
        cause: cause.into(),
        remedy: remedy.into(),
    };
    let findings = if level == Level::Fine {
        Vec::new()
    } else {
        vec![finding]
    };
    Cell { level, findings }
}

/// Every check is fine, for all hosts of these answers.
fn fine(answers: &Answers) -> Grid {
    let of = |host: &Host| {
        // The datastore is a column only where it is external.
        let concerns = |check: &Check| match check {
            Check::Download => host.role() != Role::Postgres,
            check => *check != Check::Datastore,
        };
        let cells = Check::ALL.into_iter().filter(concerns);
        Row {
            host: host.name.clone(),
            cells: cells
                .map(|check| (check, cell(Level::Fine, "", "")))
                .collect(),
        }
    };
    Grid {
        rows: answers.hosts.iter().map(of).collect(),
        notes: vec!["8472/udp between nodes (the pod network) is tested at the end of the run, once it exists".into()],
        one_server: false,
    }
}

fn set(grid: &mut Grid, row: usize, check: Check, what: Cell) {
    grid.rows[row].cells.insert(check, what);
}

fn ways(answers: &Answers) -> Vec<(Link, Contact)> {
    let odd = [
        Contact::Reached,
        Contact::Later,
        Contact::Silent,
        Contact::Refused,
        Contact::Untried("there is no bash".into()),
        Contact::NoWay("Network is unreachable".into()),
    ];
    let each = |(number, link): (usize, Link)| {
        let contact = if number < 12 {
            Contact::Reached
        } else {
            odd[number % odd.len()].clone()
        };
        (link, contact)
    };
    let links = Topology::of(answers).unwrap().links();
    links.into_iter().enumerate().map(each).collect()
}

/// Connected, with these checks; those that fail end it.
pub fn checked(theme: Theme, size: (u16, u16), change: impl FnOnce(&mut Grid)) -> Model {
    let mut model = filled(theme, size);
    press(&mut model, "<Enter>");
    let answers = example();
    let mut grid = fine(&answers);
    change(&mut grid);
    let well = grid.is_well();
    let links = ways(&answers);
    update(&mut model, Message::Checked(Box::new(grid), links));
    assert_eq!(model.page, Page::Preflight);
    // Else the hosts wait, and so does the thread behind the screens.
    if well {
        let plan = ShownPlan {
            text: "the plan".to_owned(),
            left: None,
            steps: Vec::new(),
        };
        update(&mut model, Message::Planned(Box::new(plan)));
        assert_eq!(model.page, Page::Preflight, "the operator looks first");
    }
    model
}

/// The hosts are checked once more, with this result.
pub fn again(model: &mut Model, change: impl FnOnce(&mut Grid)) {
    let answers = example();
    let mut grid = fine(&answers);
    change(&mut grid);
    let message = Message::Checked(Box::new(grid), ways(&answers));
    assert_eq!(update(model, message), []);
}

fn passes(model: &mut Model, milliseconds: u64) -> Vec<Effect> {
    update(model, Message::Tick(milliseconds))
}

#[test]
fn what_is_not_well_is_checked_again_until_it_is_and_then_the_wizard_continues() {
    let mut model = checked(MONO, SMALL, failing);
    assert!(text(&model).contains("next check in 5"), "{}", text(&model));
    assert_eq!(passes(&mut model, 4_999), []);
    assert_eq!(passes(&mut model, 1), [Effect::CheckAgain]);
    assert!(text(&model).contains("checking again"));
    assert_eq!(passes(&mut model, 60_000), [], "one look at a time");
    let chosen = |model: &Model| {
        let (host, check, _) = model.pages.preflight.chosen().expect("a cell");
        (host.to_owned(), check)
    };
    let hosts = |model: &Model| -> Vec<_> {
        let rows = model.pages.preflight.grid.rows.iter();
        rows.map(|row| row.host.clone()).collect()
    };
    let (before, order) = (chosen(&model), hosts(&model));
    again(&mut model, failing);
    assert_eq!((chosen(&model), hosts(&model)), (before, order.clone()));
    assert_eq!(passes(&mut model, 5_000), [Effect::CheckAgain]);
    // The operator fixed one: nothing moves, and the next problem is chosen.
    again(&mut model, |grid| {
        failing(grid);
        set(grid, 2, Check::Ports, cell(Level::Fine, "", ""));
    });
    assert_eq!(hosts(&model), order);
    assert_eq!(chosen(&model), ("agent-1".to_owned(), Check::Existing));
    // At once on a key press.
    assert_eq!(press(&mut model, "r"), [Effect::CheckAgain]);
    assert_eq!(press(&mut model, "<Enter>"), []);
    again(&mut model, |_| {});
    let plan = ShownPlan {
        text: "the plan".to_owned(),
        steps: Vec::new(),
        left: None,
    };
    assert_eq!(update(&mut model, Message::Planned(Box::new(plan))), []);
    assert_eq!(passes(&mut model, 19_999), []);
    assert!(
        text(&model).contains("shown in 1 s; any"),
        "{}",
        text(&model)
    );
    passes(&mut model, 1);
    assert_eq!(model.page, Page::Plan);

    let mut model = checked(MONO, SMALL, |_| {});
    passes(&mut model, 10_000);
    press(&mut model, "<Right>");
    passes(&mut model, 60_000);
    assert_eq!(model.page, Page::Preflight, "a key holds it");
    assert!(text(&model).contains("Ctrl-N shows the plan."));
}

#[test]
fn warnings_are_read_before_the_plan_is_made_and_say_what_the_hosts_are_fit_for() {
    let mut model = checked(MONO, SMALL, little_memory);
    assert!(text(&model).contains("Fit for a trial, not for production."));
    assert_eq!(passes(&mut model, 5_000), [Effect::CheckAgain]);
    // The operator need not wait for that look, unless something fails in it.
    assert_eq!(press(&mut model, "<C-n>"), [Effect::Plan]);
    again(&mut model, failing);
    assert_eq!(passes(&mut model, 5_000), [Effect::CheckAgain]);
    again(&mut model, little_memory);
    assert_eq!(passes(&mut model, 5_000), [Effect::CheckAgain]);
    assert_eq!(press(&mut model, "<C-n>"), [Effect::Plan]);
    again(&mut model, little_memory);
    let plan = ShownPlan {
        text: "the plan".to_owned(),
        steps: Vec::new(),
        left: None,
    };
    update(&mut model, Message::Planned(Box::new(plan)));
    assert_eq!(model.page, Page::Plan);
    let model = checked(MONO, SMALL, |_| {});
    assert!(text(&model).contains("Fit for production."));
}

/// One check fails, and it can be overridden.
pub fn with_ports_in_use(grid: &mut Grid) {
    failing(grid);
    set(grid, 4, Check::Existing, cell(Level::Fine, "", ""));
}

pub fn failing(grid: &mut Grid) {
    let warns = cell(
        Level::Warns,
        "ufw is in force",
        "ufw allow from 10.0.0.0/24",
    );
    set(grid, 0, Check::Firewall, warns);
    let over = cell(Level::Overridden, "480 MiB of memory", "Give it 2 GiB");
    set(grid, 1, Check::Memory, over);
    let ports = cell(
        Level::Fails,
        "kube-apiserver (process 811) listens on port 6443, which the API of this server needs for \
         itself",
        "Stop it: systemctl disable --now kubelet; or use another host",
    );
    set(grid, 2, Check::Ports, ports);
    let existing = cell(Level::Fails, "this is MicroK8s", "snap remove microk8s");
    set(grid, 4, Check::Existing, existing);
}

pub fn little_memory(grid: &mut Grid) {
    let memory = cell(Level::Trial, "it has 1757 MiB of memory", "Add memory");
    set(grid, 1, Check::Memory, memory);
}

pub fn one_cpu(grid: &mut Grid) {
    let warns = cell(Level::Warns, "1 CPU", "K3s asks for 2");
    set(grid, 1, Check::Cpu, warns);
}

#[test]
fn the_grid_is_drawn_in_ascii() {
    let page = text(&checked(ASCII, SMALL, failing));
    assert!(page.is_ascii(), "{page}");
}

/// So many hosts that they scroll, at the far end of the table of links.
pub fn many(theme: Theme, size: (u16, u16)) -> Model {
    let mut answers = example();
    for number in 2..=60 {
        let name = format!("agent-in-a-far-rack-{number}");
        let host = Host::new(name, Role::Agent, format!("10.0.1.{number}"));
        answers.hosts.push(host);
    }
    let mut model = checked(theme, size, failing);
    let mut grid = fine(&answers);
    failing(&mut grid);
    model.pages.preflight = PreflightPage::new(grid, ways(&answers));
    press(&mut model, "<PgDn><PgDn><End><Right>");
    let page = text(&model);
    assert!(page.contains("-rack-60"), "{page}");
    press(&mut model, "m<End><Right><Right><Right>");
    model
}

#[test]
fn a_check_is_overridden_by_name_and_by_the_operator() {
    let mut model = checked(MONO, SMALL, failing);
    let enough = |model: &Model| model.pages.preflight.grid.passes();
    press(&mut model, "<Enter>");
    assert!(text(&model).contains("The run cannot start: 2 checks fail."));
    // Not without a yes.
    assert_eq!(press(&mut model, "o<Esc>"), []);
    let effects = press(&mut model, "o<Enter>");
    let [Effect::KeepDraft(answers)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(answers.hosts[2].overrides, [Check::Ports]);
    assert!(!enough(&model));
    // What no word helps against.
    press(&mut model, "o");
    let page = text(&model);
    assert!(page.contains("cannot be overridden"), "{page}");
    assert_eq!(model.shown().question(&model.common), None);
    // What was overridden stays so, whatever the hosts say. What still fails is checked again.
    again(&mut model, failing);
    assert_eq!(model.pages.preflight.grid.of(Level::Fails).count(), 1);
    assert_eq!(passes(&mut model, 5_000), [Effect::CheckAgain]);
    again(&mut model, |grid| {
        failing(grid);
        set(grid, 4, Check::Existing, cell(Level::Fine, "", ""));
    });
    assert_eq!(passes(&mut model, 60_000), []);
    // With these answers, all is asked again.
    assert_eq!(press(&mut model, "r"), [Effect::Begin(false)]);
    let effects = update(&mut model, Message::Over);
    assert!(matches!(effects[..], [Effect::Reach(_)]), "{effects:?}");
    assert_eq!(model.page, Page::Connect);
}

#[test]
fn the_operator_overrides_the_check_that_the_question_is_about() {
    let mut model = checked(MONO, SMALL, failing);
    assert_eq!(passes(&mut model, 5_000), [Effect::CheckAgain]);
    press(&mut model, "o");
    let question = "Override ports on server-2? The answers keep the override.";
    assert!(text(&model).contains(question), "{}", text(&model));
    // What was asked for before comes now, and another problem is chosen.
    again(&mut model, |grid| {
        failing(grid);
        set(grid, 2, Check::Ports, cell(Level::Fine, "", ""));
    });
    assert_eq!(passes(&mut model, 60_000), [], "no look while it is asked");
    assert_eq!(press(&mut model, "y"), []);
    assert!(text(&model).contains("ports: passes now"));
    assert_eq!(model.pages.preflight.grid.of(Level::Fails).count(), 1);
    assert_eq!(passes(&mut model, 100), [Effect::CheckAgain]);
    // While a check runs, nothing is begun anew.
    assert_eq!(press(&mut model, "r"), []);
    assert!(text(&model).contains("The hosts are being checked."));
}

#[test]
fn the_checks_can_be_opened_again_after_the_wizard_continued_by_itself() {
    for key in ["c", "<Esc>"] {
        let mut model = checked(MONO, SMALL, |_| {});
        passes(&mut model, 20_000);
        assert_eq!(model.page, Page::Plan);
        press(&mut model, key);
        passes(&mut model, 200);
        assert_eq!(model.page, Page::Preflight);
    }
}

#[test]
fn the_mouse_and_a_paste_stop_the_countdown() {
    let wheel = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::ScrollDown,
        column: 1,
        row: 1,
        modifiers: KeyModifiers::NONE,
    };
    for message in [Message::Mouse(wheel), Message::Paste("x".into())] {
        let mut model = checked(MONO, SMALL, |grid| {
            set(
                grid,
                1,
                Check::Memory,
                cell(Level::Overridden, "480 MiB", "2 GiB"),
            );
        });
        let page = text(&model);
        assert!(
            page.contains("5 hosts, 1 overridden. No check stops"),
            "{page}"
        );
        update(&mut model, message);
        passes(&mut model, 60_000);
        assert_eq!(model.page, Page::Preflight);
    }
}

#[test]
fn from_the_grid_to_the_plan_and_back() {
    let mut model = checked(MONO, SMALL, |_| {});
    assert_eq!(press(&mut model, "o<Enter>"), []);
    assert_eq!(model.page, Page::Plan);
    assert_eq!(press(&mut model, "c"), []);
    assert_eq!(model.page, Page::Preflight);
    press(&mut model, "m<Enter><Esc>");
    assert_eq!(model.page, Page::Preflight);
    let page = text(&model);
    assert!(page.contains("From each host on the left"), "{page}");
    // Asked anew, what waits for a word is let go first.
    assert_eq!(press(&mut model, "r"), [Effect::Begin(false)]);
    let effects = update(&mut model, Message::Over);
    assert!(matches!(effects[..], [Effect::Reach(_)]), "{effects:?}");
    // And whoever goes back wants no run.
    let mut model = checked(MONO, SMALL, |_| {});
    assert_eq!(press(&mut model, "<Esc>"), [Effect::Begin(false)]);
    assert_eq!(model.page, Page::Review);
}

#[test]
fn every_cell_can_be_chosen_and_what_is_ill_is_found() {
    let mut model = checked(MONO, SMALL, failing);
    let at = |model: &Model| {
        let (host, check, _) = model.pages.preflight.chosen().expect("a cell");
        (host.to_owned(), check)
    };
    let mut seen = BTreeMap::new();
    for _ in 0..8 {
        *seen.entry(at(&model)).or_insert(0) += 1;
        press(&mut model, "<Tab>");
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.values().all(|times| *times == 2), "{seen:?}");
    press(&mut model, "<Home><Left><Left><Left>hhhhhhhhhhhhhhh");
    assert_eq!(at(&model).1, Check::Os);
}
