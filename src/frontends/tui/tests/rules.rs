//! What holds for all screens: keys, sentences, and focus.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::action::Action;
use super::super::keys::{self, Binding, Key, Scope};
use super::super::page::{self, Page};
use super::super::shown_plan::ShownPlan;
use super::*;
use crate::interview::section::Section;

/// Every page, and what can lie over one.
fn places() -> Vec<Model> {
    let then = |mut model: Model, keys: &str| {
        press(&mut model, keys);
        model
    };
    let happens = |mut model: Model, message: Message| {
        update(&mut model, message);
        model
    };
    let plan = ShownPlan {
        text: "the plan".to_owned(),
        left: None,
        steps: Vec::new(),
    };
    let filled = || filled(MONO, SMALL);
    let servers = |fields: usize| {
        let form = options::screen(MONO, SMALL, Section::Servers);
        then(form, &"<Tab>".repeat(fields))
    };
    let tried = || probes::tried(MONO, SMALL);
    let run = || run_until(MONO, SMALL, "run.jsonl", 28_000);
    let mut skippable = runs::asked(MONO, SMALL);
    for step in &mut skippable.common.run.progress.steps {
        step.may_be_skipped = true;
    }
    let mut places = vec![
        wizard(MONO, SMALL),
        watched::welcome(MONO, SMALL),
        then(watched::welcome(MONO, SMALL), "<End>"),
        then(wizard(MONO, SMALL), "<End><Enter>"),
        then(wizard(MONO, SMALL), "<Enter><C-n>"),
        filled(),
        then(filled(), "2d"),
        then(filled(), "q"),
        then(filled(), "<C-s>"),
        then(filled(), "5x<Esc>"),
        then(tried(), "<Down>"),
        then(tried(), "<Down><Down>"),
        then(tried(), "<Down><Down>p"),
        probes::shown(MONO, SMALL),
        probes::connected(MONO, SMALL),
        then(probes::connected(MONO, SMALL), "<Esc><Down>"),
        options::at_field(MONO, SMALL, Section::Cluster, "ssh.host_keys"),
        preflight::checked(MONO, SMALL, preflight::failing),
        then(
            preflight::checked(MONO, SMALL, preflight::with_ports_in_use),
            "o<Enter>",
        ),
        happens(then(filled(), "<Enter>"), Message::Planned(Box::new(plan))),
        runs::held(MONO, SMALL),
        run(),
        then(run(), "/"),
        then(run(), "?"),
        then(run(), "<C-c>"),
        run_until(MONO, SMALL, "run-failed.jsonl", u64::MAX),
        skippable,
        Model::for_replay(MONO, SMALL, events("run.jsonl")),
        live::live(MONO, SMALL),
        watched::watched(MONO, SMALL),
        watched::asking(MONO, SMALL),
        then(watched::asking(MONO, SMALL), "<Esc>"),
        then(live::live(MONO, SMALL), "<Enter>"),
    ];
    places.extend(vec![
        drills::list(MONO, SMALL),
        drills::confirming(MONO, SMALL),
        drills::starting(MONO, SMALL),
        drills::down(MONO, SMALL),
        then(drills::down(MONO, SMALL), "l"),
        then(drills::down(MONO, SMALL), "q"),
        drills::over(MONO, SMALL),
    ]);
    let last = options::screen(MONO, SMALL, Section::LoadBalancer);
    places.push(then(last, "<Tab><Tab><Tab>"));
    places.extend((0..12).map(servers));
    places
}

pub fn no_key_means_two(model: &Model) {
    let scopes = model.scopes();
    let active: Vec<_> = keys::active(&scopes).map(|binding| binding.key).collect();
    for (place, key) in active.iter().enumerate() {
        assert!(!active[..place].contains(key), "{key} in {scopes:?}");
    }
}

/// Wherever else one may get to: `whatever`.
#[test]
fn no_key_means_two_things() {
    places().iter().for_each(no_key_means_two);
}

/// The convention: what a key means on every page, and over every page, where it means anything.
const CONVENTION: [(&str, &[Action]); 7] = [
    ("Ctrl-N", &[Action::Forward]),
    ("Esc", &[Action::Back, Action::Close]),
    ("q", &[Action::AskToQuit]),
    ("?", &[Action::Help]),
    ("F1", &[Action::Help]),
    ("Ctrl-C", &[Action::Quit]),
    ("PgDn", &[Action::PageDown]),
];

#[test]
fn a_key_means_the_same_on_every_page() {
    for model in &places() {
        let scopes = model.scopes();
        for binding in keys::active(&scopes) {
            let key = binding.key.to_string();
            for (name, means) in CONVENTION {
                let is = means.contains(&binding.action);
                assert!(key != name || is, "{key} in {scopes:?}");
            }
            // And nothing else goes to another page of the walk.
            let goes = matches!(binding.action, Action::Forward | Action::Back);
            assert!(!goes || ["Ctrl-N", "Esc"].contains(&&*key), "{key}");
            match binding.key {
                Key {
                    code: KeyCode::Char(digit @ '1'..='9'),
                    ctrl: false,
                } => {
                    let number = digit.to_digit(10).and_then(|digit| digit.try_into().ok());
                    assert_eq!(Some(binding.action), number.map(Action::Phase), "{key}");
                }
                _ => assert!(!matches!(binding.action, Action::Phase(_)), "{key}"),
            }
        }
        let means = |key| keys::meaning(&scopes, key);
        // Where something is asked, y and n answer; letters are letters while the operator types.
        if means(keys::char('n')) == Some(Action::Close) {
            assert!(means(keys::char('y')).is_some(), "{scopes:?}");
        } else if !model.types() {
            assert_eq!(means(keys::char('q')), Some(Action::AskToQuit));
            assert_eq!(means(keys::char('?')), Some(Action::Help));
        } else {
            let letter = |binding: &Binding| {
                !binding.key.ctrl && matches!(binding.key.code, KeyCode::Char(_))
            };
            assert!(!keys::active(&scopes).any(letter), "{scopes:?}");
        }
        assert_eq!(means(Key::of(named("F1"))), Some(Action::Help));
    }
}

/// From the welcome to the plan by one key, and by the other one back.
#[test]
fn one_key_leads_through_all_pages_and_one_back() {
    let mut model = filled(MONO, SMALL);
    press(&mut model, "1");
    if let Some(wizard) = model.common.mode.wizard_mut() {
        wizard.from_review = false;
    }
    for pair in page::ORDER.windows(2).take(page::GROUPS) {
        assert_eq!(model.page, pair[0]);
        press(&mut model, "<C-n>");
        assert_eq!(model.page, pair[1]);
        press(&mut model, "<Esc>");
        assert_eq!(model.page, pair[0]);
        press(&mut model, "<C-n>");
    }
    assert_eq!(model.page, Page::Review);
    assert!(matches!(press(&mut model, "<C-n>")[..], [Effect::Reach(_)]));
    assert_eq!(model.page, Page::Connect);
    let mut model = preflight::checked(MONO, SMALL, |_| {});
    press(&mut model, "<C-n>");
    assert_eq!(model.page, Page::Plan);
    press(&mut model, "<Esc>");
    assert_eq!(model.page, Page::Preflight);
    let effects = press(&mut model, "<C-n><C-n>");
    let begun = [Effect::LetBegin(Some(0)), Effect::Begin(true)];
    assert!(effects.ends_with(&begun), "{effects:?}");

    // The pages of a run.
    let mut model = run_until(MONO, SMALL, "run.jsonl", 28_000);
    let pages = [Page::Run, Page::Proofs, Page::Failure, Page::Cluster];
    for page in pages {
        assert_eq!(model.page, page);
        press(&mut model, "<C-n>");
    }
    for page in pages.into_iter().rev() {
        assert_eq!(model.page, page);
        press(&mut model, "<Esc>");
    }
    press(&mut model, "o3");
    assert_eq!((model.page, model.common.run.phase), (Page::Run, 2));
    let mut model = runs::held(MONO, SMALL);
    assert_eq!(press(&mut model, "<C-n>"), [Effect::LetBegin(Some(3))]);
}

#[test]
fn digits_jump_to_the_parts_of_the_answers() {
    let mut model = filled(MONO, SMALL);
    for (number, page) in page::ORDER.into_iter().enumerate().take(page::GROUPS + 1) {
        press(&mut model, "2");
        assert_eq!(model.page, Page::Hosts);
        press(&mut model, &(number + 1).to_string());
        assert_eq!(model.page, page);
        press(&mut model, "<C-n>");
        if number < page::GROUPS {
            assert_eq!(model.page, Page::Review);
        } else {
            press(&mut model, "<Esc>");
            assert_eq!(model.page, Page::Review);
        }
    }
    // What waits for the operator is let go first.
    let mut model = preflight::checked(MONO, SMALL, |_| {});
    assert_eq!(press(&mut model, "3"), [Effect::Begin(false)]);
    assert_eq!(model.page, Page::Options(Section::Postgres));
    press(&mut model, "<C-n>");
    assert_eq!(model.page, Page::Review);
}

/// The keyboard walk of an operator who knows the way, for the hosts of the lab: names, addresses,
/// users. Not counted are the lab's own passwords, key files, known hosts and K3s settings.
#[test]
fn the_walk_takes_few_strokes() {
    let mut model = wizard(MONO, SMALL);
    let mut strokes = 0;
    let mut walk = |model: &mut Model, keys: &str| -> Vec<Effect> {
        let mut names = 0;
        let mut rest = keys;
        while let Some(start) = rest.find('<') {
            let end = rest[start..].find('>').expect("a named key") + start;
            names += end - start;
            rest = &rest[end + 1..];
        }
        strokes += keys.len() - names;
        press(model, keys)
    };
    // A new cluster, its name, and the user of most hosts.
    walk(&mut model, "<Enter><C-u>lab<Tab>sles<C-n>");
    walk(&mut model, "ak3s-postgres<Tab><Tab>198.51.100.11<C-n>");
    walk(&mut model, "ak3s-server-1<Tab><Tab>12<C-n>");
    walk(&mut model, "ak3s-server-2<Tab><Tab>13<Tab><Tab>root<C-n>");
    walk(&mut model, "ak3s-nginx<Tab><Tab>14<C-n>");
    walk(&mut model, "ak3s-agent<Tab><Tab>15<C-n>");
    // The hosts, five pages of options, the review.
    let effects = walk(&mut model, "<C-n><C-n><C-n><C-n><C-n><C-n><C-n>");
    let Some(Effect::Reach(answers)) = effects.last() else {
        panic!("{effects:?}");
    };
    let wanted = Answers::from_toml(include_str!("../../../../tests/lab/answers.toml"));
    let wanted = wanted.expect("the lab's answers");
    assert_eq!(answers.cluster.name, wanted.cluster.name);
    let ways = |answers: &Answers| -> Vec<_> {
        let hosts = answers.hosts.iter();
        let user = |host: &crate::answers::Host| host.user.clone().or(answers.ssh.user.clone());
        hosts
            .map(|host| {
                (
                    host.name.clone(),
                    host.role(),
                    host.address.clone(),
                    user(host),
                )
            })
            .collect()
    };
    assert_eq!(ways(answers), ways(&wanted));
    // The checks, and the plan.
    let grid = Box::<crate::platform::preflight::Grid>::default();
    update(&mut model, Message::Checked(grid, Vec::new()));
    let plan = ShownPlan {
        text: "the plan".to_owned(),
        steps: Vec::new(),
        left: None,
    };
    update(&mut model, Message::Planned(Box::new(plan)));
    walk(&mut model, "<C-n>");
    let effects = walk(&mut model, "a");
    assert!(effects.contains(&Effect::Begin(true)), "{effects:?}");
    assert_eq!(strokes, 121, "tests/lab/README.md has the figure");
    assert!(strokes <= 150);
}

/// README is where the convention is written down, and lists every key of it.
#[test]
fn the_readme_has_the_keys_of_every_page() {
    let readme = include_str!("../../../../README.md");
    let keys = readme.split("\n### Keys\n").nth(1).unwrap_or_default();
    let keys = keys.split("\n### ").next().unwrap_or_default();
    for (key, _) in CONVENTION {
        assert!(keys.contains(&format!("`{key}`")), "{key}");
    }
}

/// Every scope that is active somewhere, by its name.
pub fn scopes() -> BTreeMap<&'static str, Scope> {
    let places = places();
    let scopes = places.iter().flat_map(Model::scopes);
    scopes.map(|scope| (scope.name, scope)).collect()
}

#[test]
fn every_scope_is_active_somewhere() {
    let active = scopes();
    let mut bindings = active.values().flat_map(|scope| scope.bindings);
    assert!(bindings.all(|binding| !binding.says.is_empty()));
    let mut files = Vec::new();
    sources(&room(), &mut files);
    let mut found = 0;
    for path in files
        .iter()
        .filter(|path| !path.starts_with(room().join("tests")))
    {
        for scope in code(path).split("Scope::new(").skip(1) {
            let name = scope.split('"').nth(1).unwrap_or_default();
            assert!(active.contains_key(name), "{name} in {}", path.display());
            found += 1;
        }
    }
    assert_eq!(found, active.len(), "a name stands for one scope");
}

/// In a replay, on each of its pages: a key of the footer that changes nothing misleads.
#[test]
fn every_key_of_a_replays_footer_has_an_effect() {
    let at = |name: &str, until: Option<u64>| {
        let mut model = Model::for_replay(MONO, LARGE, events(name));
        match until {
            Some(until) => super::super::update::wait_at(&mut model, until),
            None => drop(press(&mut model, ">")),
        }
        model
    };
    let mut tried = 0;
    for make in [
        || ("run.jsonl", Some(28_000)),
        || ("run.jsonl", None),
        || ("run-failed.jsonl", Some(10_000)),
        || ("run-failed.jsonl", None),
    ] {
        let (name, until) = make();
        for view in ["l", "o", "x", "c"] {
            let on_page = || {
                let mut model = at(name, until);
                press(&mut model, view);
                model
            };
            let before = on_page();
            let scopes = before.scopes();
            let footer = keys::active(&scopes).filter(|key| key.listed == keys::ListedIn::Footer);
            for binding in footer {
                let mut model = on_page();
                let modifiers = if binding.key.ctrl {
                    KeyModifiers::CONTROL
                } else {
                    KeyModifiers::NONE
                };
                let key = KeyEvent::new(binding.key.code, modifiers);
                let effects = update(&mut model, Message::Key(key));
                let changes = text(&model) != text(&before) || looks(&model) != looks(&before);
                let place = format!("{name} {until:?} {view}: {}", binding.key);
                assert!(changes || !effects.is_empty(), "{place}");
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn help_and_quit_are_in_every_footer() {
    for size in [SMALL, LARGE] {
        for until in [4, 28_000, u64::MAX] {
            for name in ["run.jsonl", "run-failed.jsonl"] {
                let page = text(&run_until(MONO, size, name, until));
                let footer = page.lines().last().unwrap_or_default().to_owned();
                assert!(footer.contains("F1 help"), "{footer}");
                assert!(footer.contains("Ctrl-C quit"), "{footer}");
            }
        }
    }
}

fn room() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/frontends/tui")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file, without its tests and comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Sentences are in `text`, and in the `text.rs` of each page, so that they can be read, and judged.
#[test]
fn no_screen_has_sentences_of_its_own() {
    let mut files = Vec::new();
    sources(&room(), &mut files);
    for path in files {
        let exempt = ["text", "tests"]
            .iter()
            .any(|name| path.starts_with(room().join(name)));
        if exempt || path.ends_with("text.rs") {
            continue;
        }
        for line in code(&path).lines() {
            // What stands between quotes, without what `format!` fills in.
            for literal in line.split('"').skip(1).step_by(2) {
                let words = literal
                    .split(' ')
                    .filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic));
                assert!(words.count() < 3, "{}: {literal}", path.display());
            }
        }
    }
}

/// On a terminal without colours, what has focus must still be seen.
#[test]
fn focus_is_seen_without_colours() {
    let mut model = run_until(MONO, SMALL, "run.jsonl", 28_000);
    let log = looks(&model);
    assert!(log.contains("##########"), "{log}");
    assert!(text(&model).contains("▸ Log"));
    press(&mut model, "<Tab><Down>");
    assert!(text(&model).contains("▸ Steps"));
    assert_ne!(looks(&model), log);
    let colours = draw(&model)
        .content
        .iter()
        .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
        .count();
    assert_eq!(colours, 0);
}
