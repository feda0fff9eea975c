//! From page to page, and back.

use super::super::common::SavePrompt;
use super::super::effect::{Effect, Saved};
use super::super::log::Which;
use super::super::page::Page;
use super::super::shown_plan::ShownPlan;
use super::sheets::{failed, not_connected};
use super::*;
use crate::answers::{Host, Role};
use crate::events::Abort;
use crate::interview::section::Section;

#[test]
fn a_key_is_trusted_on_the_page_of_the_connections() {
    // It goes into the answers, and connecting begins again.
    let mut model = not_connected(MONO, SMALL);
    press(&mut model, "<Down>b");
    let wizard = model.common.mode.wizard().expect("a wizard");
    let trusted = wizard.interview.answers.hosts[2].host_key.as_deref();
    assert!(trusted.is_some_and(|key| key.starts_with("SHA256:47DEQ")));
    assert!(matches!(press(&mut model, "r")[..], [Effect::Reach(_)]));
}

/// There is no next page before every host is reached, and none is offered.
#[test]
fn ctrl_n_retries_where_hosts_were_not_reached_and_says_so() {
    let mut model = not_connected(MONO, LARGE);
    let footer = text(&model);
    let footer = footer.lines().last().unwrap_or_default();
    assert!(footer.contains("r retry"), "{footer}");
    assert!(!footer.contains("Ctrl-N"), "{footer}");
    press(&mut model, "?");
    assert!(text(&model).contains("Ctrl-N  retry"), "{}", text(&model));
    press(&mut model, "?");
    assert!(matches!(press(&mut model, "<C-n>")[..], [Effect::Reach(_)]));
}

#[test]
fn a_run_is_stopped_after_a_question() {
    let mut model = run_until(MONO, SMALL, "run.jsonl", 28_000);
    let effects = press(&mut model, "<C-c><Enter>");
    assert_eq!(effects, [Effect::Abort(Abort::Soft)]);
}

#[test]
fn the_log_of_a_failure_is_that_of_its_step_and_the_run_begins_again() {
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
fn a_terminal_too_small_loses_nothing() {
    let mut model = run_until(MONO, (70, 20), "run.jsonl", 28_000);
    assert!(!text(&model).contains("Steps"));
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
        vec![Effect::Save {
            what: Saved::Answers(Box::new(filled_answers())),
            path: path.to_owned(),
            replaces,
        }]
    };
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
        what: Saved::Answers(Box::new(filled_answers())),
        path: "./k3s.answers.toml".into(),
        exists: true,
    });
    assert!(text(&model).contains("exists. Replace it?"));
    assert_eq!(press(&mut model, "n"), []);
    assert_eq!(model.common.saving, None);
    model.common.saving = Some(SavePrompt {
        what: Saved::Answers(Box::new(filled_answers())),
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

/// Nothing is written before the operator has said where, and no file is replaced unasked.
#[test]
fn a_log_is_saved_where_the_operator_says() {
    let mut model = Model::for_replay(MONO, SMALL, events("run.jsonl"));
    assert_eq!(press(&mut model, "s"), []);
    assert!(text(&model).contains("No output to save yet."));
    press(&mut model, ">l");
    assert_eq!(press(&mut model, "s"), []);
    let asked = text(&model);
    assert!(asked.contains("Save this log as: ./"), "{asked}");
    assert_eq!(press(&mut model, "<Esc>"), []);
    let effects = press(&mut model, "s<Enter>");
    let [
        Effect::Save {
            what: Saved::Log(log),
            path,
            replaces: false,
        },
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert!(log.contains("nginx") && path.starts_with("./"), "{path}");
    model.common.saving = Some(SavePrompt {
        what: Saved::Log(log.clone()),
        path: "./run.log".into(),
        exists: true,
    });
    assert!(text(&model).contains("./run.log exists. Replace it?"));
    let effects = press(&mut model, "y");
    assert!(
        matches!(&effects[..], [Effect::Save { replaces: true, .. }]),
        "{effects:?}"
    );
}
