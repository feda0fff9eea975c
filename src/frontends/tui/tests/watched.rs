//! The live page of a cluster that was installed before.

use super::super::live::LiveUpdate;
use super::super::message::RunFiles;
use super::super::page::Page;
use super::live::{READY, cluster, lost, seen, tell};
use super::*;
use crate::events::Abort;
use crate::interview::offers::Known;

fn welcome(theme: Theme, size: (u16, u16)) -> Model {
    let known = |name: &str, unfinished, is_installed| Known {
        name: name.into(),
        answers: example(),
        story: super::super::text::story("2026-11-24T21:54:40Z", "done", 17),
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
    press(&mut model, "<Down><Enter>");
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
    small!("welcome-installed", welcome);
    let mut model = welcome(MONO, SMALL);
    let effects = press(&mut model, "<Down><Enter>");
    assert_eq!(effects, [Effect::Watch("prod".into())]);
    assert_eq!(model.page, Page::Cluster);
    assert!(text(&model).contains("not known yet"));
    both_sizes!("watched", watched);
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

#[test]
fn where_passwords_are_missing_the_page_says_who_asks_for_them() {
    let hint = "Where a password is needed, run k3s-ha-wizard status";
    let mut model = watched(MONO, SMALL);
    let why = ["k3s-s1: admin cannot become root: sudo asks for a password"];
    tell(&mut model, LiveUpdate::Cluster(lost(9, &why, false)));
    assert!(!text(&model).contains(hint), "it is still tried");
    tell(&mut model, LiveUpdate::Cluster(lost(9, &why, true)));
    assert!(text(&model).contains(hint), "{}", text(&model));
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
    press(&mut model, "<Esc><End><Up><Enter>");
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
