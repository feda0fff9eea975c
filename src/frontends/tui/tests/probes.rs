//! Hosts that are tried while they are entered, and secrets that are asked for.

use super::super::credential_prompt;
use super::super::effect::EnteredSecret;
use super::super::message::Unreached;
use super::super::page::Page;
use super::*;
use crate::answers::{CredentialKind, CredentialRequest, Host, Role};

const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

fn lacking(host: &str, what: CredentialKind, wrong: bool) -> Unreached {
    Unreached {
        wants: vec![CredentialRequest { what, wrong }],
        ..Unreached::new(
            host,
            "admin cannot become root: sudo needs the password of root (sudo_password in the answers)",
        )
    }
}

fn is_asked_for_a_secret(model: &Model) -> bool {
    model.scopes().iter().any(|scope| scope.name == "prompt")
}

fn of_root() -> CredentialKind {
    let of = Some("root".into());
    CredentialKind::SudoPassword { of }
}

fn password() -> CredentialKind {
    CredentialKind::Password {
        user: "admin".into(),
        question: String::new(),
    }
}

/// The hosts page, its first four hosts being tried.
fn trying(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = filled(theme, size);
    let wizard = model.common.mode.wizard_mut().expect("a wizard");
    wizard.probes_hosts = true;
    press(&mut model, "2");
    assert_eq!(model.page, Page::Hosts);
    update(&mut model, Message::Tick(0));
    let effects = update(&mut model, Message::Tick(1000));
    let ids = effects.iter().map(|effect| match effect {
        Effect::Probe(order) => order.id,
        other => panic!("{other:?}"),
    });
    assert_eq!(ids.collect::<Vec<_>>(), [1, 2, 3, 4]);
    model
}

pub fn tried(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = trying(theme, size);
    let unknown = Unreached {
        host_key: Some(KEY.into()),
        ..Unreached::new("server-1", "the host key of 10.0.0.11 is not known yet")
    };
    let wants = lacking("server-2", of_root(), false);
    let results = [
        (1, Ok("Debian 12, amd64, 2048 MiB".to_owned())),
        (2, Err(unknown)),
        (3, Err(wants)),
    ];
    for (id, what) in results {
        update(&mut model, Message::Probed(id, what));
    }
    model
}

pub fn with_key(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = tried(theme, size);
    press(&mut model, "<Down>");
    model
}

#[test]
fn hosts_show_what_came_of_trying_them() {
    // What has no room in its row stands below it.
    let page = text(&tried(MONO, SMALL));
    assert!(page.contains("\n    Debian 12, amd64, 2048 MiB"), "{page}");
}

#[test]
fn a_key_is_trusted_on_the_page_of_the_hosts() {
    let mut model = tried(MONO, SMALL);
    let effects = press(&mut model, "<Down>b");
    let [Effect::KeepDraft(answers)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(answers.hosts[1].host_key.as_deref(), Some(KEY));
    // And the host is tried with it.
    let effects = update(&mut model, Message::Tick(1));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Probe(order) if order.host == answers.hosts[1])),
        "{effects:?}"
    );
}

#[test]
fn what_failed_is_tried_again_on_a_key_press_and_not_before() {
    let mut model = tried(MONO, SMALL);
    update(&mut model, Message::Probed(4, Ok("Debian".into())));
    let mut begun = update(&mut model, Message::Tick(1));
    begun.extend(update(&mut model, Message::Tick(60_000)));
    assert!(
        matches!(&begun[..], [Effect::Probe(order)] if order.id == 5),
        "{begun:?}"
    );
    let effects = press(&mut model, "<Down><Down>t");
    assert_eq!(effects, [Effect::Forgive]);
    let effects = update(&mut model, Message::Tick(1));
    assert!(matches!(&effects[..], [Effect::Probe(order)] if order.id == 6));
    // A host that is edited is let go.
    press(&mut model, "<Enter><Tab><Tab>9");
    let effects = update(&mut model, Message::Tick(1));
    assert_eq!(effects, [Effect::StopProbe(6)]);
    // The connections' own page begins anew.
    press(&mut model, "<Esc><Enter><C-n>");
    assert_eq!(model.page, Page::Review);
    let effects = press(&mut model, "<Enter>");
    assert!(
        matches!(effects[..], [Effect::StopProbe(5), Effect::Reach(_)]),
        "{effects:?}"
    );
}

#[test]
fn nothing_is_tried_where_that_is_not_wanted() {
    let mut model = filled(MONO, SMALL);
    press(&mut model, "2");
    for _ in 0..3 {
        assert_eq!(update(&mut model, Message::Tick(2000)), []);
    }
    assert_eq!(model.wakes(), None);
}

/// A host lacks two secrets, and shows the one that is typed.
pub fn shown(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = tried(theme, size);
    let failed = Unreached {
        wants: vec![
            CredentialRequest {
                what: CredentialKind::Passphrase {
                    key: "/home/kay/.ssh/id_ed25519".into(),
                },
                wrong: true,
            },
            CredentialRequest {
                what: CredentialKind::Password {
                    user: "admin".into(),
                    question: "Password:".into(),
                },
                wrong: false,
            },
        ],
        ..Unreached::new("lb", "cannot log in")
    };
    update(&mut model, Message::Probed(4, Err(failed)));
    press(&mut model, "<Down><Down><Down>penv:hunter2<Tab><C-r>");
    model
}

pub fn secret(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = tried(theme, size);
    press(&mut model, "<Down><Down>phunter2");
    model
}

#[test]
fn a_secret_is_asked_for() {
    // It hides again by itself.
    let mut model = secret(MONO, SMALL);
    press(&mut model, "<C-r>");
    assert!(text(&model).contains("hunter2"));
    assert!(model.wakes().is_some());
    update(&mut model, Message::Tick(5000));
    assert!(!text(&model).contains("hunter2"));
    assert!(!format!("{model:?}").contains("hunter2"));
    let effects = press(&mut model, "<Tab><Enter>");
    let given = EnteredSecret {
        host: example().hosts[2].clone(),
        what: of_root(),
        secret: Some("hunter2".to_owned().into()),
        for_all: true,
    };
    assert_eq!(effects, [Effect::Give(Box::new(given))]);
    assert!(!format!("{effects:?}").contains("hunter2"));
    assert!(!is_asked_for_a_secret(&model));
    let effects = update(&mut model, Message::Tick(1));
    assert!(
        matches!(&effects[..], [Effect::Probe(order)] if order.host.name == "server-2"),
        "{effects:?}"
    );
}

/// A password for sudo may be that of the SSH login, of this host alone.
#[test]
fn the_ssh_password_is_offered_for_sudo() {
    let mut model = tried(MONO, SMALL);
    press(&mut model, "<Down><Down>p");
    assert!(text(&model).contains("Ctrl-P: use the SSH password"));
    let given = EnteredSecret {
        host: example().hosts[2].clone(),
        what: of_root(),
        secret: None,
        for_all: false,
    };
    let effects = press(&mut model, "<Tab><C-p>");
    assert_eq!(effects, [Effect::Give(Box::new(given))]);
    assert!(!is_asked_for_a_secret(&model));
}

pub fn compared(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = tried(theme, size);
    let unknown = Unreached {
        host_key: Some(KEY.replace("47DE", "9aBc")),
        ..Unreached::new("balancer", "the host key of 10.0.0.10 is not known yet")
    };
    update(&mut model, Message::Probed(4, Err(unknown)));
    press(&mut model, "<Down>B");
    model
}

/// One question for all unknown keys, after they were compared.
#[test]
fn all_unknown_keys_are_compared_and_trusted_at_once() {
    let keys = |model: &Model| -> Vec<_> {
        let wizard = model.common.mode.wizard().expect("a wizard");
        let hosts = wizard.interview.answers.hosts.iter();
        hosts.map(|host| host.host_key.clone()).collect()
    };
    let mut model = compared(MONO, SMALL);
    let before = keys(&model);
    assert_eq!(press(&mut model, "n"), []);
    assert_eq!(keys(&model), before);
    let effects = press(&mut model, "By");
    assert!(matches!(effects[0], Effect::KeepDraft(_)), "{effects:?}");
    assert_eq!(keys(&model)[1].as_deref(), Some(KEY));
    assert_eq!(keys(&model)[3], Some(KEY.replace("47DE", "9aBc")));
}

#[test]
fn a_long_name_cuts_no_fingerprint() {
    let model = wizard(MONO, SMALL);
    let name = "server-in-a-rack-far-away-with-a-long-name";
    let keys = vec![(name.to_owned(), KEY.to_owned())];
    let mut terminal = Terminal::new(TestBackend::new(SMALL.0, SMALL.1)).expect("a terminal");
    let drawn = terminal.draw(|frame| credential_prompt::compare(&model.common, &keys, frame));
    let page = rows(drawn.expect("drawn").buffer, |cell| {
        cell.symbol().to_owned()
    });
    assert!(page.contains(KEY), "{page}");
    assert!(page.contains("server-in-a-rack-far-aw…"), "{page}");
}

/// The review tells which secrets were typed, and not the secrets.
#[test]
fn secrets_that_were_typed_are_on_the_review() {
    let mut model = tried(MONO, SMALL);
    press(&mut model, "<Down><Down>phunter2<Enter><C-n>");
    assert_eq!(model.page, Page::Review);
    let page = text(&model);
    assert!(!page.contains("hunter2"), "{page}");
    let told = "server-2             sudo password: ********, given, not saved";
    press(&mut model, "<PgDn>");
    let page = page + &text(&model);
    press(&mut model, "<PgDn>");
    let page = page + &text(&model);
    assert!(page.contains(told), "{page}");
    // Not where the host is no more, nor among other answers.
    let mut gone = filled_answers();
    gone.hosts.retain(|host| host.name != "server-2");
    if let Some(wizard) = model.common.mode.wizard_mut() {
        wizard.interview.answers.hosts = gone.hosts;
    }
    assert!(!text(&model).contains("sudo password: ****"));
    let effects = update(&mut model, Message::Loaded(Box::new(filled_answers())));
    assert_eq!(effects[0], Effect::ForgetSecrets);
    press(&mut model, "<PgDn>");
    assert!(!text(&model).contains("sudo password: ****"));
    // On the page of the connections, too, and for all hosts.
    let mut model = connected(MONO, SMALL);
    press(&mut model, "<Tab>one<Enter><Esc><PgDn><PgDn>");
    assert_eq!(model.page, Page::Review);
    let page = text(&model);
    assert!(
        page.contains("all hosts            SSH password: ********"),
        "{page}"
    );
}

#[test]
fn a_pasted_secret_is_taken_as_it_is() {
    let mut model = tried(MONO, SMALL);
    press(&mut model, "<Down><Down>p<Enter>");
    assert!(is_asked_for_a_secret(&model), "nothing was typed");
    update(&mut model, Message::Paste(" with spaces \nmore".into()));
    let effects = press(&mut model, "<Enter>");
    let [Effect::Give(given)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let secret = given.secret.as_ref().expect("typed");
    assert_eq!(secret.expose(), " with spaces ");
}

/// The connections of four hosts, two of which lack a password.
pub fn connected(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = filled(theme, size);
    press(&mut model, "<Enter>");
    let hosts: Vec<_> = example().hosts.into_iter().map(|host| host.name).collect();
    let unreached = vec![
        lacking(&hosts[1], password(), false),
        lacking(&hosts[2], password(), true),
    ];
    update(&mut model, Message::Unreached(unreached));
    assert!(
        !is_asked_for_a_secret(&model),
        "the others are still at work"
    );
    update(&mut model, Message::Over);
    model
}

#[test]
fn the_connections_ask_for_what_is_missing_and_are_tried_again() {
    // One host after the other.
    let mut model = connected(MONO, SMALL);
    let effects = press(&mut model, "one<Enter>");
    assert!(matches!(effects[..], [Effect::Give(_)]), "{effects:?}");
    assert!(text(&model).contains("secret given; retrying"));
    let effects = press(&mut model, "two<Enter>");
    assert!(
        matches!(effects[..], [Effect::Give(_), Effect::ReachOn(_)]),
        "{effects:?}"
    );
    // Or one for all.
    let mut model = connected(MONO, SMALL);
    let effects = press(&mut model, "<Tab>one<Enter>");
    assert!(
        matches!(effects[..], [Effect::Give(_), Effect::ReachOn(_)]),
        "{effects:?}"
    );
    // Or not now.
    let mut model = connected(MONO, SMALL);
    assert_eq!(press(&mut model, "<Esc>"), []);
    assert!(!is_asked_for_a_secret(&model));
    press(&mut model, "<Down>p");
    assert!(text(&model).contains("┌ server-2 "), "{}", text(&model));
}

#[test]
fn the_reason_is_wrapped_below_the_chosen_host_alone() {
    let mut answers = example();
    answers.hosts.truncate(1);
    answers
        .hosts
        .push(Host::new("far", Role::Server, "10.0.0.11"));
    let mut model = with_answers(MONO, SMALL, answers);
    model
        .common
        .mode
        .wizard_mut()
        .expect("a wizard")
        .probes_hosts = true;
    press(&mut model, "2");
    update(&mut model, Message::Tick(0));
    update(&mut model, Message::Tick(1000));
    let why = Unreached::new(
        "far",
        "far: cannot reach 10.0.0.11 port 22: no answer within 10 s: is the host up, and does \
         a firewall let port 22 through?",
    );
    update(&mut model, Message::Probed(2, Err(why)));
    assert!(!text(&model).contains("no answer within"));
    press(&mut model, "<Down>");
    let page = text(&model);
    assert!(page.contains("    cannot reach 10.0.0.11 port 22: no answer within"));
    assert!(page.contains("through?"), "{page}");
}
