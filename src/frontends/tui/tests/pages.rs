//! Every page in each of its states.

use super::super::common::SavePrompt;
use super::super::effect::Effect;
use super::super::log::Which;
use super::super::message::{RunFiles, Unreached};
use super::super::page::Page;
use super::super::shown_plan::ShownPlan;
use super::*;
use crate::answers::Secret;
use crate::events::{Abort, What};
use crate::interview::offers::Known;
use crate::interview::section::Section;
use crate::run::Remaining;

#[test]
fn welcome() {
    small!("welcome", wizard);
    small!("welcome-back", |theme, size| {
        let known = |name: &str, unfinished| Known {
            name: name.into(),
            answers: example(),
            story: super::super::text::story("2026-11-24T21:54:40Z", "failed", 17),
            unfinished,
            is_installed: true,
        };
        let found = Found {
            clusters: vec![known("done", false), known("prod", true)],
            draft: Some(Answers::default()),
            needs_tmux: true,
            trouble: None,
        };
        Model::for_wizard(theme, size, found)
    });
}

#[test]
fn hosts() {
    small!("hosts-none", |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Enter><C-n>");
        model
    });
    let full: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = filled(theme, size);
        if let Some(wizard) = model.common.mode.wizard_mut() {
            let answers = &mut wizard.interview.answers;
            answers.hosts[1].address = "10.0.0.11:22".into();
            answers
                .hosts
                .retain(|host| host.role() != Role::LoadBalancer);
        }
        press(&mut model, "2<Down>");
        model
    };
    both_sizes!("hosts", full);
    in_colours!("hosts", full);
    small!("hosts-remove", |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "2d");
        model
    });
}

#[test]
fn forms() {
    let wrong: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Enter><C-n>aDB 1<Tab><Tab>10.0.0<C-n>");
        model
    };
    small!("host-form", wrong);
    in_colours!("host-form", wrong);
    small!("open", |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Down><Enter>/root/answers.toml");
        model
    });
}

/// Two of what there may be two of: the list, the roles, the options and the review.
#[test]
fn pairs() {
    small!("pair-hosts", |theme, size| {
        let mut model = with_answers(theme, size, pair_answers());
        press(&mut model, "2");
        model
    });
    small!("pair-roles", |theme, size| {
        let mut model = with_answers(theme, size, pair_answers());
        press(&mut model, "2<Down><Down><Down><Enter><Tab>");
        model
    });
    let postgres: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = with_answers(theme, size, pair_answers());
        press(&mut model, "3<Tab><Tab><Tab><Tab><Tab>");
        model
    };
    both_sizes!("pair-postgres", postgres);
    small!("pair-certificates", |theme, size| {
        let mut model = with_answers(theme, size, pair_answers());
        press(&mut model, "4");
        model
    });
    small!("pair-load-balancer", |theme, size| {
        let mut model = with_answers(theme, size, pair_answers());
        press(&mut model, "6");
        model
    });
    small!("pair-review", |theme, size| with_answers(
        theme,
        size,
        pair_answers()
    ));
    // The end of the review: what survives which loss.
    both_sizes!("pair-losses", |theme, size| {
        let mut model = with_answers(theme, size, pair_answers());
        press(&mut model, "<PgDn><PgDn><PgDn><PgDn><PgDn><PgDn>");
        model
    });
    small!("pair-without-monitor", |theme, size| {
        let mut answers = pair_answers();
        answers.postgres.name = None;
        for host in &mut answers.hosts {
            host.roles.retain(|role| *role != Role::Monitor);
        }
        with_answers(theme, size, answers)
    });
}

#[test]
fn review_and_plan() {
    both_sizes!("review", filled);
    small!("review-problems", |theme, size| {
        let mut answers = example();
        answers.ssh.user = Some("admin".into());
        answers.hosts.truncate(2);
        answers.postgres.password = Some(Secret::Inline("hunter2hunter2".to_owned().into()));
        let mut model = with_answers(theme, size, answers);
        press(&mut model, "<Enter>");
        model
    });
    small!("plan", |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<Enter>");
        let plan = include_str!(
            "../../../procedures/snapshots/k3s_ha_wizard__procedures__tests__the_plan_of_the_lab.snap"
        );
        let plan = plan.splitn(3, "---\n").last().unwrap_or_default();
        update(
            &mut model,
            Message::Planned(Box::new(ShownPlan {
                text: plan.to_owned(),
                left: Some(Remaining {
                    done: 32,
                    to_do: 6,
                    unknown: 3,
                }),
                steps: Vec::new(),
            })),
        );
        model
    });
}

#[test]
fn connecting() {
    let connect: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<Enter>");
        let name = "k3s-postgres".to_owned();
        let what = "Debian GNU/Linux 12 (bookworm), x86_64, 3916 MiB of memory";
        update(&mut model, Message::Reached(name, what.into()));
        model
    };
    small!("connect", connect);
    let failed: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<Enter>");
        let hosts: Vec<String> = example().hosts.into_iter().map(|host| host.name).collect();
        let of = |host: &str, why: &str, host_key: Option<&str>| Unreached {
            host: host.to_owned(),
            why: format!("{host}: {why}"),
            host_key: host_key.map(str::to_owned),
            wants: Vec::new(),
            bastion: None,
        };
        let unreached = vec![
            of(
                &hosts[1],
                "cannot log in as admin: no key was accepted",
                None,
            ),
            of(
                &hosts[2],
                "the host key is not known yet",
                Some("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
            ),
        ];
        for host in [&hosts[0], &hosts[3]] {
            update(&mut model, Message::Reached(host.clone(), "Debian".into()));
        }
        update(&mut model, Message::Unreached(unreached));
        update(&mut model, Message::Over);
        model
    };
    small!("connect-failed", failed);
    in_colours!("connect-failed", failed);

    // The operator trusts the key: it goes into the answers, and connecting begins again.
    let mut model = failed(MONO, SMALL);
    press(&mut model, "<Down>b");
    let wizard = model.common.mode.wizard().expect("a wizard");
    let trusted = wizard.interview.answers.hosts[2].host_key.as_deref();
    assert!(trusted.is_some_and(|key| key.starts_with("SHA256:47DEQ")));
    assert!(matches!(press(&mut model, "r")[..], [Effect::Reach(_)]));
}

#[test]
fn running() {
    let middle: fn(Theme, (u16, u16)) -> Model =
        |theme, size| run_until(theme, size, "run.jsonl", 28_000);
    both_sizes!("run", middle);
    in_colours!("run", middle);
    small!("run-begun", |theme, size| run_until(
        theme,
        size,
        "run.jsonl",
        4
    ));
    small!("run-step", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 28_000);
        press(&mut model, "1<Tab><Down><Tab>wt");
        model
    });
    let searched: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 20_000);
        press(&mut model, "z/nginx<Enter>");
        for event in events("run.jsonl") {
            if (20_001..28_000).contains(&event.at) {
                update(&mut model, Message::Event(Box::new(event)));
            }
        }
        model
    };
    small!("run-zoomed-searched", searched);
    in_colours!("run-zoomed-searched", searched);
    small!("run-search", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 28_000);
        press(&mut model, "/what is typ");
        model
    });
    small!("run-stop-question", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 28_000);
        press(&mut model, "<C-c>");
        model
    });
    small!("run-stopping", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 28_000);
        let effects = press(&mut model, "<C-c><Enter>");
        assert_eq!(effects, [Effect::Abort(Abort::Soft)]);
        model
    });
    both_sizes!("run-help", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 28_000);
        press(&mut model, "?");
        model
    });
}

#[test]
fn in_ascii() {
    let ascii = Theme {
        palette: Palette::Mono,
        ascii: true,
    };
    let mut model = run_until(ascii, LARGE, "run.jsonl", 28_000);
    press(&mut model, "<C-c>");
    let drawn = text(&model);
    assert!(drawn.is_ascii(), "{drawn}");
    insta::assert_snapshot!(page(&model));
}

#[test]
fn proofs() {
    small!("proofs-none", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 4);
        press(&mut model, "o");
        model
    });
    let broken: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = Model::for_wizard(theme, size, Found::default());
        for mut event in events("run.jsonl") {
            if let What::Proved {
                case,
                step,
                got,
                holds,
                ..
            } = &mut event.what
                && case == "no TLS"
                && step.as_str().ends_with("server-2")
            {
                *got = "let in".into();
                *holds = false;
            }
            update(&mut model, Message::Event(Box::new(event)));
        }
        press(&mut model, "o");
        model
    };
    both_sizes!("proofs", broken);
    in_colours!("proofs", broken);
}

#[test]
fn failing() {
    let failed: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let mut model = run_until(theme, size, "run-failed.jsonl", u64::MAX);
        update(
            &mut model,
            Message::Files(RunFiles {
                log: Some("/state/lab/runs/20261124T215440Z-3f2a.jsonl".into()),
                kubeconfig: "/state/lab/kubeconfig".into(),
                next: Vec::new(),
            }),
        );
        model
    };
    both_sizes!("failure", failed);
    in_colours!("failure", failed);
    small!("failure-scrolled", |theme, size| {
        let mut model = run_until(theme, size, "run-failed.jsonl", u64::MAX);
        press(&mut model, "G");
        model
    });
    // Its log is the log of the step that failed; from there, and back.
    let mut model = failed(MONO, SMALL);
    press(&mut model, "<Enter>");
    assert_eq!(model.page, Page::Run);
    let Which::Step(step) = model.common.run.which() else {
        panic!("not the log of a step");
    };
    let id = model.common.run.progress.steps[step].id.as_str();
    assert_eq!(id, "server-1/start@k3s-server-1");
    assert!(matches!(press(&mut model, "xr")[..], [Effect::Reach(_)]));
}

#[test]
fn the_cluster() {
    small!("cluster", |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", u64::MAX);
        update(
            &mut model,
            Message::Files(RunFiles {
                log: Some("/state/lab/runs/20261124T215440Z-3f2a.jsonl".into()),
                kubeconfig: "/state/lab/kubeconfig".into(),
                next: vec!["kubectl --kubeconfig /state/lab/kubeconfig get nodes".into()],
            }),
        );
        model
    });
    let ill: fn(Theme, (u16, u16)) -> Model = |theme, size| {
        let nodes =
            include_str!("../../../../tests/fixtures/real/nodes-cordoned-and-not-ready.json");
        let pods = include_str!("../../../../tests/fixtures/real/pods-zoo.json");
        let cluster = crate::cluster::tests::parse(&format!("{nodes}\n{pods}"));
        let mut model = run_until(theme, size, "run.jsonl", 64_000);
        let mut last = events("run.jsonl").pop().expect("an event");
        last.what = What::Cluster { cluster };
        update(&mut model, Message::Event(Box::new(last)));
        press(&mut model, "c");
        model
    };
    both_sizes!("cluster-ill", ill);
    in_colours!("cluster-ill", ill);
    small!("cluster-ill-scrolled", |theme, size| {
        let nodes = include_str!("../../../../tests/fixtures/real/nodes-ready.json");
        let pods = include_str!("../../../../tests/fixtures/real/pods-zoo.json");
        let cluster = crate::cluster::tests::parse(&format!("{nodes}\n{pods}"));
        let mut model = run_until(theme, size, "run.jsonl", 64_000);
        let mut last = events("run.jsonl").pop().expect("an event");
        last.what = What::Cluster { cluster };
        update(&mut model, Message::Event(Box::new(last)));
        press(&mut model, "c<PgDn>");
        model
    });
}

#[test]
fn a_terminal_too_small() {
    let mut model = run_until(MONO, (70, 20), "run.jsonl", 28_000);
    insta::assert_snapshot!(text(&model));
    // Nothing is lost meanwhile.
    update(&mut model, Message::Resize(80, 24));
    let wide = run_until(MONO, SMALL, "run.jsonl", 28_000);
    assert_eq!(text(&model), text(&wide));
}

#[test]
fn answers_are_typed_by_keyboard_alone_from_nothing() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter><Tab>root<C-n>");
    for (name, address) in [("db", "10.0.0.5"), ("s1", "10.0.0.11"), ("s2", "10.0.0.12")] {
        press(&mut model, &format!("a{name}<Tab><Tab><C-u>{address}<C-n>"));
    }
    // The role that is likely next is proposed.
    press(&mut model, "alb<Tab><Tab>2<C-n>");
    let effects = press(&mut model, "aw1<Tab><Left><Right><Tab>21<C-n>");
    assert!(matches!(effects.last(), Some(Effect::KeepDraft(_))));
    press(&mut model, "<C-n>");
    for section in &Section::ALL[1..] {
        assert_eq!(model.page, Page::Options(*section));
        press(&mut model, "<C-n>");
    }
    assert_eq!(model.page, Page::Review);
    let effects = press(&mut model, "<Enter>");
    let [Effect::Reach(answers)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let roles: Vec<_> = answers.hosts.iter().map(Host::role).collect();
    assert_eq!(
        roles,
        [
            Role::Postgres,
            Role::Server,
            Role::Server,
            Role::LoadBalancer,
            Role::Agent
        ]
    );
    assert_eq!(answers.hosts[4], Host::new("w1", Role::Agent, "10.0.0.21"));
    assert_eq!(answers.ssh.user.as_deref(), Some("root"));
    assert_eq!(answers.problems(), []);
}

#[test]
fn several_hosts_are_pasted() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter><C-n>");
    // Terminals send a pasted line end in each of these ways.
    for (number, end) in ["\r", "\n", "\r\n"].into_iter().enumerate() {
        let pasted = format!("db{number} 10.0.0.5{end}s{number} 10.0.0.11{end}");
        let effects = update(&mut model, Message::Paste(pasted));
        let [Effect::KeepDraft(draft)] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert_eq!(draft.hosts.len(), 2 * (number + 1), "{end:?}");
    }
}

#[test]
fn lines_of_settings_are_pasted_as_lines() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter><C-n><C-n><C-n><C-n>");
    super::options::to_field(&mut model, "k3s.server_config");
    let pasted = "disable = [\"traefik\"]\rdebug = true\r";
    update(&mut model, Message::Paste(pasted.into()));
    let wizard = model.common.mode.wizard().expect("a wizard");
    let settings = &wizard.interview.answers.k3s.server_config;
    assert_eq!(settings.len(), 2, "{settings:?}");
}

#[test]
fn q_asks_before_it_leaves_and_is_a_letter_in_a_text() {
    let mut model = filled(MONO, SMALL);
    assert_eq!(press(&mut model, "qn"), []);
    assert_eq!(press(&mut model, "qy"), [Effect::Quit]);
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter>aq");
    assert!(!model.asks_to_stop);
}

#[test]
fn esc_closes_the_scripts_before_it_leaves_the_plan() {
    let mut model = filled(MONO, SMALL);
    press(&mut model, "<Enter>");
    let plan = ShownPlan {
        text: "a plan".into(),
        ..ShownPlan::default()
    };
    update(&mut model, Message::Planned(Box::new(plan)));
    assert_eq!(model.page, Page::Plan);
    press(&mut model, "d<Esc>");
    assert_eq!(model.page, Page::Plan);
    press(&mut model, "<Esc>");
    assert_eq!(model.page, Page::Review);
}

/// Ctrl-S asks where to write, and asks again before another file is replaced.
#[test]
fn answers_are_saved_where_the_operator_says() {
    let saves = |path: &str, replaces| {
        vec![Effect::SaveAnswers {
            answers: Box::new(filled_answers()),
            path: path.to_owned(),
            replaces,
        }]
    };
    small!("save-to", |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<C-s>");
        model
    });
    let mut model = filled(MONO, SMALL);
    assert_eq!(press(&mut model, "<C-s><Esc>"), []);
    assert_eq!(press(&mut model, "<C-s>x?q"), []);
    let text_of = text(&model);
    assert!(text_of.contains("k3s.answers.tomlx?q"), "{text_of}");
    let erased = "<BS><BS><BS>";
    let effects = press(&mut model, &format!("{erased}<Enter>"));
    assert_eq!(effects, saves("./k3s.answers.toml", false));

    // There is another file.
    model.common.saving = Some(SavePrompt {
        path: "./k3s.answers.toml".into(),
        exists: true,
    });
    assert!(text(&model).contains("exists. Replace it?"));
    assert_eq!(press(&mut model, "n"), []);
    assert_eq!(model.common.saving, None);
    model.common.saving = Some(SavePrompt {
        path: "./k3s.answers.toml".into(),
        exists: true,
    });
    assert_eq!(press(&mut model, "y"), saves("./k3s.answers.toml", true));

    // The file that it was saved in before is its own.
    model.common.saved = Some("~/mine.toml".into());
    assert_eq!(
        press(&mut model, "<C-s><Enter>"),
        saves("~/mine.toml", true)
    );
}
