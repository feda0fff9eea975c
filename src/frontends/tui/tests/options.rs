//! The screens of options: what they ask, what they say of it, and the ways between them.

use super::super::page::{self, Page};
use super::*;
use crate::answers::{ExistingPostgres, Secret};
use crate::interview::offers::Known;
use crate::interview::section::Section;

/// A screen of options, from the review.
pub fn screen(theme: Theme, size: (u16, u16), section: Section) -> Model {
    let mut model = filled(theme, size);
    let place = Page::Options(section).place().expect("in the walk");
    press(&mut model, &(place + 1).to_string());
    assert_eq!(model.page, Page::Options(section));
    model
}

fn answers(model: &Model) -> &Answers {
    let wizard = model.common.mode.wizard();
    &wizard.expect("a wizard").interview.answers
}

/// The field with focus: its key, and what is wrong with it.
fn focus(model: &Model) -> (&'static str, Option<&str>) {
    let form = model.pages.form.editor.as_ref().expect("a form");
    let (field, entry) = form.fields().nth(form.focus).expect("a field");
    (field.key, entry.error.as_deref())
}

/// Goes to a field, from the first one.
pub fn to_field(model: &mut Model, key: &str) {
    for _ in 0..20 {
        if focus(model).0 == key {
            return;
        }
        press(model, "<Tab>");
    }
    panic!("no field {key}");
}

pub fn at_field(theme: Theme, size: (u16, u16), section: Section, key: &str) -> Model {
    let mut model = screen(theme, size, section);
    to_field(&mut model, key);
    model
}

/// A setting that is refused, and was left.
pub fn wrong(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = at_field(theme, size, Section::Servers, "k3s.server_config");
    press(&mut model, "<Enter>token = \"mine\"<Tab><BackTab>");
    model
}

#[test]
fn a_field_says_what_is_wrong_once_it_was_left_and_no_longer_than_it_is() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter><C-n><C-n>");
    press(&mut model, "<C-u>K3S");
    assert_eq!(focus(&model), ("postgres.database", None));
    press(&mut model, "<Tab><BackTab>");
    assert!(
        focus(&model)
            .1
            .is_some_and(|error| error.contains("lower-case"))
    );
    press(&mut model, "<C-u>k3S");
    assert!(focus(&model).1.is_some());
    press(&mut model, "<BS>s");
    assert_eq!(focus(&model).1, None);
    // A wrong page is not left forwards, and the first mistake has the focus.
    press(&mut model, "<Tab><Tab>short<Tab><Tab><C-n>");
    assert_eq!(model.page, Page::Options(Section::Postgres));
    assert_eq!(focus(&model).0, "postgres.password");
    // In numbers, a letter is not taken, and that is said.
    press(&mut model, "<Tab>x");
    assert_eq!(answers(&model).postgres.port, 5432);
    assert!(text(&model).contains("Only digits"));
}

#[test]
fn an_external_postgres_has_more_fields_once_it_has_an_endpoint() {
    let mut model = at_field(MONO, SMALL, Section::Postgres, "postgres.endpoints");
    press(&mut model, "db.example:5432<Tab>");
    assert_eq!(focus(&model).0, "postgres.ca_file");
    press(&mut model, "~/ca.pem<Tab>");
    let postgres = &answers(&model).postgres;
    assert_eq!(postgres.endpoints, ["db.example:5432"]);
    assert_eq!(postgres.ca_file, Some("~/ca.pem".into()));
    // Without one they are gone, and so is what was in them.
    press(&mut model, "<BackTab><BackTab><C-u>");
    let editor = model.pages.form.editor.as_ref().expect("a form");
    let last = editor.fields().last().expect("a field").0.key;
    assert_eq!(last, "postgres.endpoints");
    press(&mut model, "x<BS>");
    assert_eq!(answers(&model).postgres.ca_file, None);
}

#[test]
fn settings_of_k3s_are_lines_and_refused_ones_say_why() {
    let mut model = screen(MONO, SMALL, Section::Agents);
    to_field(&mut model, "k3s.agent_config");
    press(&mut model, "<Enter>node-taint = [\"a=b:NoSchedule\"]");
    let config = &answers(&model).k3s.agent_config;
    assert_eq!(
        config.keys().collect::<Vec<_>>(),
        ["kubelet-arg", "node-label", "node-taint"]
    );
    press(&mut model, "<Enter>cluster-cidr = \"10.0.0.0/8\"<Tab>");
    let error = focus(&model).1.expect("wrong");
    assert!(
        error.starts_with("cluster-cidr: only servers have"),
        "{error}"
    );
    press(&mut model, "<C-u>not toml");
    let error = focus(&model).1.expect("wrong");
    assert!(error.starts_with("line 4: "), "{error}");
}

/// An empty field says what holds: in brackets, so that it is told from a text without colours.
#[test]
fn empty_fields_show_defaults_which_are_no_text() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter>");
    let page = text(&model);
    assert!(
        page.contains("SSH port              (from ~/.ssh/config, or 22)"),
        "{page}"
    );
    press(&mut model, "<Tab>admin<Tab>2222<C-n>a");
    // A host shows what all hosts have.
    let page = text(&model);
    assert!(
        page.contains("SSH user              (admin, as for all hosts)"),
        "{page}"
    );
    assert!(
        page.contains("SSH port              (2222, as for all hosts)"),
        "{page}"
    );
    press(&mut model, "db<Tab><Tab>10.0.0.5<Tab><Tab>");
    let host = answers(&model).hosts[0].clone();
    assert_eq!((host.user, host.port), (None, None));
    press(&mut model, "x");
    assert!(!text(&model).contains("(admin"), "{}", text(&model));
    press(&mut model, "<C-n>");
    // The next one begins in the same network, and is no host until something is typed.
    press(&mut model, "a");
    assert!(
        text(&model).contains("Address               10.0.0."),
        "{}",
        text(&model)
    );
    press(&mut model, "<Tab><Tab><Esc>");
    assert_eq!(model.page, Page::Hosts);
    assert_eq!(answers(&model).hosts.len(), 1);
}

/// What was changed on a page is discarded after a question, and nothing else.
#[test]
fn esc_asks_before_it_discards_what_was_changed() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<Enter><C-n>");
    update(
        &mut model,
        Message::Paste("db 10.0.0.5\ns1 10.0.0.11\nlb 10.0.0.2\n".into()),
    );
    press(&mut model, "<C-n><C-n><C-n>");
    assert_eq!(model.page, Page::Options(Section::Servers));
    to_field(&mut model, "k3s.server_config");
    press(&mut model, "disable = [");
    for keeps in ["<Esc><Esc>", "<Esc>n"] {
        press(&mut model, keeps);
        assert_eq!(model.page, Page::Options(Section::Servers));
        assert!(text(&model).contains("disable = ["), "{}", text(&model));
    }
    press(&mut model, "<Esc>");
    assert!(text(&model).contains("Discard your changes"));
    press(&mut model, "y");
    assert_eq!(model.page, Page::Options(Section::Certificates));
    press(&mut model, "<Enter>");
    assert_eq!(model.page, Page::Options(Section::Servers));
    assert!(!text(&model).contains("disable = ["), "{}", text(&model));
    // Without a change there is no question, and what was right before stays.
    to_field(&mut model, "k3s.server_config");
    press(&mut model, "disable = [\"traefik\"]<C-n><C-n><C-n>");
    assert_eq!(model.page, Page::Review);
    press(&mut model, "5<Esc>");
    assert_eq!(model.page, Page::Review);
    assert!(answers(&model).k3s.server_config.contains_key("disable"));

    // A host that is being added is none then.
    press(&mut model, "2aextra<Esc><Enter>");
    assert_eq!(model.page, Page::Hosts);
    assert_eq!(answers(&model).hosts.len(), 3);
}

#[test]
fn the_review_leads_to_each_part_and_back() {
    let mut model = filled(MONO, SMALL);
    for (place, page) in page::ORDER.into_iter().take(page::GROUPS).enumerate() {
        for back in ["<Esc>", "<C-n>"] {
            press(&mut model, &(place + 1).to_string());
            assert_eq!(model.page, page);
            press(&mut model, back);
            assert_eq!(model.page, Page::Review);
        }
    }
    // What is wrong first is one key away.
    if let Some(wizard) = model.common.mode.wizard_mut() {
        wizard.interview.answers.k3s.agent_token = Some(Secret::Inline("short".to_owned().into()));
    }
    press(&mut model, "e");
    assert_eq!(model.page, Page::Options(Section::Agents));
    assert_eq!(focus(&model).0, "k3s.agent_token");
    press(&mut model, "<C-u><C-n>");
}

fn generate(model: &mut Model, secret: &str) {
    let effects = press(model, "<C-g>");
    let [Effect::Generate(key)] = effects[..] else {
        panic!("{effects:?}");
    };
    let secret = secret.to_owned().into();
    update(model, Message::Generated(key, secret));
}

pub fn generated(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = wizard(theme, size);
    press(&mut model, "<Enter><C-n><C-n><Tab><Tab>");
    generate(&mut model, "made-up-for-this-test");
    model
}

#[test]
fn secrets_are_masked_shown_for_a_moment_and_made() {
    let mut model = generated(MONO, SMALL);
    assert!(!text(&model).contains("made-up"));
    press(&mut model, "<C-r>");
    assert!(text(&model).contains("made-up-for-this-test"));
    update(&mut model, Message::Tick(5000));
    assert!(!text(&model).contains("made-up"));
    press(&mut model, "x");
    assert!(!text(&model).contains("Generated"));
    // What logs in to hosts is nobody's to make, and neither is a new token for an old cluster.
    press(&mut model, "<Esc><Enter><Esc>");
    to_field(&mut model, "ssh.password");
    assert!(press(&mut model, "<C-g>").is_empty());
    press(&mut model, "hunter2<C-r>");
    assert!(text(&model).contains("hunter2"));
    press(&mut model, "<Tab>");
    assert!(!text(&model).contains("hunter2"));
    assert!(answers(&model).ssh.password.is_some());
    assert_eq!(answers(&model).without_login_secrets().ssh.password, None);
}

#[test]
fn a_cluster_that_was_begun_keeps_its_token() {
    let found = Found {
        clusters: vec![Known {
            name: "k3s".into(),
            answers: Answers {
                k3s: crate::answers::K3s::default(),
                ..example()
            },
            story: String::new(),
            unfinished: true,
            is_installed: false,
        }],
        ..Found::default()
    };
    let mut model = Model::for_wizard(MONO, (120, 60), found);
    press(&mut model, "<Enter>5<Tab>");
    assert_eq!(focus(&model).0, "k3s.token");
    assert!(press(&mut model, "<C-g>").is_empty());
    assert!(text(&model).contains("Empty: the token of this cluster"));
    press(&mut model, "<Esc>");
    assert!(text(&model).contains("generated, or the existing one"));
}

#[test]
fn choices_go_into_the_answers() {
    let mut model = screen(MONO, SMALL, Section::Postgres);
    to_field(&mut model, "postgres.existing_postgres");
    press(&mut model, "<Right>");
    let postgres = &answers(&model).postgres;
    assert_eq!(postgres.existing_postgres, ExistingPostgres::Share);
}

/// At the narrowest and with the stepper beside it, every reason fits in its two lines.
#[test]
fn every_reason_is_two_lines() {
    for section in &Section::ALL[1..] {
        for size in [SMALL, (100, 24)] {
            let page = text(&screen(MONO, size, *section));
            let hosts = page.lines().position(|line| line.contains("Hosts: "));
            assert_eq!(hosts, Some(5), "{page}");
        }
    }
}

/// What has no fields to go through can still be read to its end.
#[test]
fn a_screen_without_fields_scrolls() {
    let mut model = screen(MONO, SMALL, Section::Certificates);
    press(&mut model, "<Esc>2");
    let many = (20..40).map(|ip| format!("server-{ip} 10.0.0.{ip}"));
    let many = many.collect::<Vec<_>>().join("\n");
    update(&mut model, Message::Paste(many));
    press(&mut model, "<Esc>4");
    assert!(!text(&model).contains("without TLS."));
    press(&mut model, &"<Down>".repeat(40));
    assert!(text(&model).contains("without TLS."), "{}", text(&model));
    press(&mut model, "<Up>");
    assert!(!text(&model).contains("without TLS."));
}

#[test]
fn every_problem_of_an_answers_file_is_below_its_name() {
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<End><Enter>/tmp/a.toml<Enter>");
    let problems = Answers::from_toml("[cluster]\nnmae = 1\n[k3s]\nverison = 2\n").unwrap_err();
    let number = problems.list.len();
    update(&mut model, Message::NotLoaded(problems));
    let page = text(&model);
    assert!(
        page.contains(&format!("This file has {number} problems:")),
        "{page}"
    );
    for key in ["2:1: cluster.nmae", "4:1: k3s.verison"] {
        assert!(page.contains(key), "{page}");
    }
    press(&mut model, "x");
    assert!(!text(&model).contains("nmae"), "the name has changed");
}

#[test]
fn enter_says_what_it_does_in_a_form() {
    let footer = |model: &Model| text(model).lines().last().unwrap_or_default().to_owned();
    let mut model = screen(MONO, SMALL, Section::Cluster);
    assert!(footer(&model).contains("Enter next field"));
    to_field(&mut model, "firewall.manage");
    press(&mut model, "o");
    assert!(text(&model).contains("Left, Right and Space change the choice."));
    to_field(&mut model, "sources.bundle_sha256");
    assert!(
        footer(&model).contains("Enter next page"),
        "{}",
        footer(&model)
    );
    let mut model = wizard(MONO, SMALL);
    press(&mut model, "<End><Enter>");
    assert_eq!(model.page, Page::Open);
    assert!(footer(&model).contains("Enter open the file"));
}

#[test]
fn a_new_host_whose_text_was_deleted_is_no_host() {
    let mut model = filled(MONO, SMALL);
    press(&mut model, "2");
    let before = answers(&model).hosts.len();
    press(&mut model, "ax");
    assert_eq!(answers(&model).hosts.len(), before + 1);
    let effects = press(&mut model, "<BS>");
    assert!(matches!(effects[..], [Effect::KeepDraft(_)]), "{effects:?}");
    press(&mut model, "<Esc>");
    assert_eq!(model.page, Page::Hosts);
    assert_eq!(answers(&model).hosts.len(), before);
}
