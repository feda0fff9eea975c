//! More of a node or a pod, on the page of the cluster.

use super::super::live::LiveUpdate;
use super::super::page::Page;
use super::live::{ILL, READY, ZOO, after, cluster, live, lost, seen, tell, zoo};
use super::*;
use crate::cluster::details::{Details, LogTail, ObjectEvent, ObjectName, ObjectPart};

fn pod_named(name: &str) -> ObjectName {
    ObjectName::Pod {
        namespace: "zoo".into(),
        name: name.into(),
    }
}

fn crashed() -> Details {
    let event = |reason: &str, is_warning, count, seconds, message: &str| ObjectEvent {
        when: Some(after(seconds)),
        is_warning,
        reason: reason.into(),
        message: message.into(),
        count,
    };
    Details {
        facts: vec![
            ("node".into(), "k3s-s1".into()),
            ("address".into(), "198.18.0.4".into()),
            ("phase".into(), "Running".into()),
        ],
        parts: vec![ObjectPart {
            name: "container c".into(),
            state: "waiting: CrashLoopBackOff".into(),
            is_wrong: true,
            notes: vec![
                "image: lab/tool:1".into(),
                "back-off 40s restarting failed container=c pod=bad-command_zoo(8b32a5ed-e1ae)"
                    .into(),
                "restarts: 4".into(),
                "last state: exit code 3 (Error) at 2026-11-24T21:55:14Z".into(),
            ],
        }],
        events: vec![
            event(
                "Scheduled",
                false,
                1,
                -600,
                "Successfully assigned zoo/bad-command to k3s-s1",
            ),
            event(
                "BackOff",
                true,
                9,
                20,
                "Back-off restarting failed container c in pod bad-command_zoo(8b32a5ed-e1ae)",
            ),
        ],
        log: Some(LogTail {
            container: "c".into(),
            is_previous: true,
            lines: vec!["opening /data".into(), "cannot open the database".into()],
            is_cut: false,
        }),
        next: Some("Container c exited with code 3: its log usually shows why".into()),
        missing: Vec::new(),
    }
}

/// The first pod of the zoo, chosen and opened.
pub fn asked(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = zoo(theme, size);
    press(&mut model, "<Down><Down><Down><Enter>");
    model
}

pub fn opened(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = asked(theme, size);
    let told = Ok(crashed());
    tell(
        &mut model,
        LiveUpdate::Details(pod_named("bad-command"), told),
    );
    model
}

#[test]
fn enter_shows_more_of_a_pod_and_esc_closes_it() {
    let mut model = opened(MONO, SMALL);
    press(&mut model, "<Esc>");
    assert_eq!(model.page, Page::Cluster);
    let page = text(&model);
    assert!(
        !page.contains("Last events") && page.contains("bad-command"),
        "{page}"
    );
}

#[test]
fn what_is_chosen_is_asked_for_and_other_answers_do_not_count() {
    let mut model = zoo(MONO, SMALL);
    assert_eq!(
        press(&mut model, "<Enter>"),
        [Effect::LookAt(ObjectName::Node("k3s-ag".into()))]
    );
    let other = LiveUpdate::Details(pod_named("bad-command"), Ok(crashed()));
    tell(&mut model, other);
    assert!(text(&model).contains("Asking K3s"));
    let why = "k3s-s1: K3s's API answers 404: nodes \"k3s-ag\" not found";
    let node = || ObjectName::Node("k3s-ag".into());
    tell(&mut model, LiveUpdate::Details(node(), Err(why.into())));
    assert!(text(&model).contains("not found"));
    assert_eq!(press(&mut model, "r"), [Effect::LookAt(node())]);
    assert!(text(&model).contains("Asking K3s"));
}

#[test]
fn the_choice_goes_along_and_stays_with_its_object() {
    let mut model = zoo(MONO, SMALL);
    let chosen = |model: &mut Model| -> ObjectName {
        let effects = press(model, "<Enter>");
        press(model, "<Esc>");
        match effects.into_iter().next() {
            Some(Effect::LookAt(object)) => object,
            other => panic!("{other:?}"),
        }
    };
    press(&mut model, "<PgDn>");
    let page = text(&model);
    let ObjectName::Pod { name, .. } = chosen(&mut model) else {
        panic!("a node is out of sight");
    };
    assert!(page.contains(&name), "{name} in {page}");
    // Another order of the same objects moves nothing.
    let picture = cluster(&format!("{ZOO}{ILL}"));
    tell(&mut model, LiveUpdate::Cluster(seen(picture, "k3s-s2", 90)));
    assert_eq!(chosen(&mut model), pod_named(&name));
    // What is gone cannot stay chosen.
    let picture = cluster(ILL);
    tell(&mut model, LiveUpdate::Cluster(seen(picture, "k3s-s2", 95)));
    assert_eq!(chosen(&mut model), ObjectName::Node("k3s-ag".into()));
    // Every object can be chosen, line by line, and the last line of the page is reached.
    let mut model = zoo(MONO, SMALL);
    let mut all = vec![chosen(&mut model)];
    for _ in 0..200 {
        press(&mut model, "<Down>");
        all.push(chosen(&mut model));
    }
    all.dedup();
    assert_eq!(all.len(), 3 + 18, "{all:?}");
    assert!(text(&model).contains("Load balancer"), "{}", text(&model));
}

#[test]
fn while_a_run_goes_on_no_server_is_asked() {
    let mut model = super::sheets::ended(MONO, SMALL, READY);
    assert_eq!(press(&mut model, "<Enter>"), []);
    let page = text(&model);
    assert!(page.contains("while the page is live"), "{page}");
}

#[test]
fn details_of_what_is_gone_say_so() {
    let mut model = opened(MONO, SMALL);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(cluster(ILL), "k3s-s1", 99)),
    );
    assert!(text(&model).contains("no longer in the cluster"));
}

#[test]
fn the_command_for_kubectl_is_copied() {
    let mut model = live(MONO, LARGE);
    let copied = Effect::Copy("export KUBECONFIG=/state/lab/kubeconfig".into());
    assert_eq!(press(&mut model, "y"), [copied]);
    let page = text(&model);
    let copied = "Copied: export KUBECONFIG=… (your terminal may refuse it).";
    assert!(page.contains(copied), "{page}");
    model.common.run.files = None;
    assert_eq!(press(&mut model, "y"), []);
    assert!(text(&model).contains("There is no kubeconfig yet"));
}

#[test]
fn proofs_have_a_time_and_do_not_outlive_a_healthy_cluster() {
    let proofs = |model: &Model| -> String {
        let page = text(model);
        let mut lines = page.lines().filter(|line| line.contains("Proofs  "));
        lines.next().unwrap_or_default().trim().to_owned()
    };
    let high = (120, 90);
    let mut model = live(MONO, high);
    let at = "Proofs  all 15 proofs pass, at 2026-11-24 21:55:41 UTC";
    assert!(proofs(&model).ends_with(at), "{}", proofs(&model));
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(cluster(ILL), "k3s-server-2", 48)),
    );
    let before = "; the cluster has problems now";
    assert!(proofs(&model).ends_with(before), "{}", proofs(&model));
    let mut model = live(MONO, high);
    tell(
        &mut model,
        LiveUpdate::Cluster(lost(90, &["s1: gone"], false)),
    );
    assert!(
        proofs(&model).contains("problems now"),
        "{}",
        proofs(&model)
    );
}
