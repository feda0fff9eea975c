//! The live page of a cluster that was installed before.

use super::super::live::LiveUpdate;
use super::super::message::{RunFiles, Unreached};
use super::super::page::Page;
use super::super::probe;
use super::live::{READY, cluster, lost, seen, tell};
use super::*;
use crate::answers::{CredentialKind, CredentialRequest, LoginSecretError, Secret};
use crate::events::Abort;
use crate::interview::offers::Known;

pub fn welcome(theme: Theme, size: (u16, u16)) -> Model {
    let known = |name: &str, unfinished, is_installed| Known {
        name: name.into(),
        answers: example(),
        story: {
            let how = if unfinished { "failed" } else { "done" };
            super::super::text::story("2026-11-24T21:54:40Z", how, 17)
        },
        unfinished,
        is_installed,
    };
    let found = Found {
        clusters: vec![
            known("lab", false, true),
            known("prod", true, true),
            known("half", true, false),
        ],
        ..Found::default()
    };
    Model::for_wizard(theme, size, found)
}

/// The cluster `prod`, whose last run was not finished, is looked at.
pub fn watched(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = welcome(theme, size);
    press(&mut model, "l");
    let files = RunFiles {
        log: None,
        kubeconfig: "/state/prod/kubeconfig".into(),
        next: vec!["export KUBECONFIG=/state/prod/kubeconfig".into()],
    };
    update(&mut model, Message::Files(files));
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(cluster(READY), "k3s-s1", 5)),
    );
    model
}

#[test]
fn an_installed_cluster_is_looked_at_from_the_welcome_page() {
    let mut model = welcome(MONO, SMALL);
    let effects = press(&mut model, "l");
    assert_eq!(effects, [Effect::Watch("prod".into())]);
    assert_eq!(model.page, Page::Cluster);
    assert!(text(&model).contains("not known yet"));
    // Where there is nothing to resume, Enter looks.
    let mut model = welcome(MONO, SMALL);
    let effects = press(&mut model, "<End><Enter>");
    assert_eq!(effects, [Effect::Watch("lab".into())]);
}

/// What else can be done with it is a key of its row, and a key of no other row.
#[test]
fn a_cluster_stands_on_the_welcome_page_once() {
    let mut model = welcome(MONO, SMALL);
    let footer = |model: &Model| text(model).lines().last().unwrap_or_default().to_owned();
    for name in [" prod ", " half ", " lab "] {
        let page = text(&model);
        let rows = page.lines().filter(|line| line.contains(name)).count();
        assert_eq!(rows, 1, "{name} in {page}");
    }
    assert!(footer(&model).contains("l live page"));
    press(&mut model, "<Down>");
    let footer_of_half = footer(&model);
    assert!(!footer_of_half.contains("live"), "{footer_of_half}");
    assert_eq!(press(&mut model, "lr"), []);
    press(&mut model, "<End>");
    assert!(footer(&model).contains("r run again"), "{}", footer(&model));
    press(&mut model, "r");
    assert_eq!(model.page, Page::Review);
}

#[test]
fn a_choice_is_in_sight_however_many_there_are() {
    let mut model = welcome(MONO, SMALL);
    if let Some(wizard) = model.common.mode.wizard_mut() {
        let found = &mut wizard.interview.found;
        found.needs_tmux = true;
        found.draft = Some(example());
        let more: Vec<_> = (0..4).map(|_| found.clusters[0].clone()).collect();
        found.clusters.extend(more);
    }
    for key in ["<Home>", "<End>"] {
        press(&mut model, key);
        assert!(text(&model).contains('▸'), "{}", text(&model));
    }
}

fn sudo() -> CredentialKind {
    CredentialKind::SudoPassword { of: None }
}

/// A host does not let the wizard in without this secret.
fn refuses(model: &mut Model, host: &str, what: CredentialKind, wrong: bool) {
    let refused = Unreached {
        wants: vec![CredentialRequest { what, wrong }],
        ..Unreached::new(host, "admin cannot become root: sudo asks for a password")
    };
    tell(model, LiveUpdate::Refused(refused));
}

pub fn asking(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = watched(theme, size);
    refuses(&mut model, "server-1", sudo(), false);
    model
}

fn given(effects: &[Effect]) -> Vec<(String, bool)> {
    let given = effects.iter().filter_map(|effect| match effect {
        Effect::Give(given) => Some((given.host.name.clone(), given.for_all)),
        _ => None,
    });
    given.collect()
}

fn watches(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Watch("prod".into()))
}

#[test]
fn what_hosts_need_is_asked_for_and_then_they_are_tried_again() {
    let mut model = asking(MONO, SMALL);
    refuses(&mut model, "postgres", sudo(), false);
    let why = ["server-1: admin cannot become root: sudo asks for a password"];
    tell(&mut model, LiveUpdate::Cluster(lost(9, &why, true)));
    assert!(
        text(&model).contains("sudo on server-1 asks"),
        "{}",
        text(&model)
    );
    // Letters are typed; nothing of them shows or stays.
    let effects = press(&mut model, "hunter2q<Enter>");
    assert_eq!(given(&effects), [("server-1".to_owned(), false)]);
    assert!(!watches(&effects), "another host lacks a secret");
    let effects = press(&mut model, "other<Enter>");
    assert_eq!(given(&effects), [("postgres".to_owned(), false)]);
    assert!(watches(&effects));
    assert!(!format!("{model:?}").contains("hunter2"));
    let page = text(&model);
    assert!(
        !page.contains("NOT live") && !page.contains("needs"),
        "{page}"
    );
    // The first one was wrong.
    refuses(&mut model, "server-1", sudo(), true);
    assert!(text(&model).contains("The previous one was refused"));
}

#[test]
fn a_secret_for_all_is_asked_for_once() {
    let mut model = asking(MONO, SMALL);
    refuses(&mut model, "postgres", sudo(), false);
    let effects = press(&mut model, "hunter2<Tab><Enter>");
    assert_eq!(given(&effects), [("server-1".to_owned(), true)]);
    assert!(watches(&effects));
}

#[test]
fn what_was_left_out_can_be_given_later() {
    let mut model = asking(MONO, SMALL);
    assert_eq!(press(&mut model, "<Esc>"), []);
    assert_eq!(model.page, Page::Cluster);
    // It is said, and it is not asked again by itself.
    refuses(&mut model, "server-1", sudo(), false);
    let page = text(&model);
    let needs = "The login to server-1 needs the password for sudo.";
    assert!(page.contains(needs), "{page}");
    assert!(!page.contains("sudo on server-1 asks"), "{page}");
    press(&mut model, "p");
    assert!(watches(&press(&mut model, "hunter2<Enter>")));
    // Another cluster is not told of them.
    press(&mut model, "<Esc><End><Enter>");
    assert!(!text(&model).contains(needs));
}

/// The cluster `prod`, whose hosts are all behind a bastion, is looked at.
fn behind_a_bastion() -> Model {
    let mut model = welcome(MONO, SMALL);
    if let Some(wizard) = model.common.mode.wizard_mut() {
        let ssh = &mut wizard.interview.found.clusters[1].answers.ssh;
        ssh.jump = Some("kay@gate".into());
        ssh.config = Some("none".into());
    }
    press(&mut model, "l");
    model
}

const GATE: &str = "bastion gate";

/// The bastion in front of this host does not let the wizard in.
fn gate_refuses(model: &mut Model, host: &str) {
    let what = CredentialKind::Passphrase { key: "/k".into() };
    let refused = Unreached {
        wants: vec![CredentialRequest { what, wrong: false }],
        bastion: Some(GATE.into()),
        ..Unreached::new(host, "its bastion gate: cannot log in as kay")
    };
    tell(model, LiveUpdate::Refused(refused));
}

#[test]
fn the_secret_of_a_bastion_is_asked_for_once_for_all_hosts_behind_it() {
    let mut model = behind_a_bastion();
    for host in ["server-1", "server-2", "postgres"] {
        gate_refuses(&mut model, host);
    }
    let page = text(&model);
    let asks = "Passphrase of the key /k, for bastion gate:";
    assert!(page.contains(asks), "{page}");
    // The box can wait; the page says it once.
    assert_eq!(press(&mut model, "<Esc>"), []);
    let page = text(&model);
    let needs = "The login to bastion gate needs the passphrase of /k.";
    assert!(!page.contains(asks), "{page}");
    assert_eq!(page.matches(needs).count(), 1, "{page}");
    press(&mut model, "p");
    let effects = press(&mut model, "hunter2<Enter>");
    assert_eq!(given(&effects), [(GATE.to_owned(), false)]);
    assert!(watches(&effects), "nothing else is asked");
    assert!(!text(&model).contains(needs), "{}", text(&model));
}

#[test]
fn a_secret_of_a_bastion_that_the_answers_name_and_is_missing_is_asked_for() {
    let mut model = behind_a_bastion();
    let missing = LoginSecretError::Unavailable {
        host: GATE.into(),
        key: "password",
        source: Secret::Env("K3S_HA_WIZARD_UNSET".into())
            .reveal()
            .expect_err("unset"),
    };
    let refused = probe::of_secret(&missing);
    tell(&mut model, LiveUpdate::Refused(refused));
    let page = text(&model);
    assert!(page.contains("SSH password for bastion gate:"), "{page}");
    let effects = press(&mut model, "hunter2<Enter>");
    assert_eq!(given(&effects), [(GATE.to_owned(), false)]);
    assert!(watches(&effects));
}

#[test]
fn esc_leads_back_and_ends_the_looking() {
    let mut model = watched(MONO, SMALL);
    assert_eq!(press(&mut model, "<Enter>").len(), 1);
    assert_eq!(press(&mut model, "<Esc>"), [], "the details first");
    assert_eq!(model.page, Page::Cluster);
    assert_eq!(press(&mut model, "<Esc>"), [Effect::Abort(Abort::Hard)]);
    assert_eq!(model.page, Page::Welcome);
    // What comes late shows nowhere, and the next cluster begins anew.
    tell(
        &mut model,
        LiveUpdate::Cluster(lost(9, &["s1: gone"], false)),
    );
    press(&mut model, "<Enter>");
    assert_ne!(model.page, Page::Cluster);
    let mut model = watched(MONO, SMALL);
    press(&mut model, "<Esc><End><Enter>");
    let page = text(&model);
    assert!(
        page.contains("cluster \"lab\"") && page.contains("not known yet"),
        "{page}"
    );
}

#[test]
fn q_asks_first() {
    let mut model = watched(MONO, SMALL);
    press(&mut model, "q");
    assert!(model.asks_to_stop);
}
