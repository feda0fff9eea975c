use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::platform::Facts;
use crate::proof::datastore::{Case, CaseOutcome, CaseVerdict};
use crate::remote::RemoteError;

fn id(step: &str) -> StepId {
    StepId::new(step, Some("k3s-server-2"))
}

/// A program that ended with a status, after these lines.
fn failed(why: &str, last_lines: &[&str]) -> Failure {
    Failure {
        why: why.to_owned(),
        status: Some(1),
        last_lines: last_lines.iter().map(|&line| line.to_owned()).collect(),
        hint: None,
    }
}

const OWN: ExternalParts = ExternalParts {
    postgres: false,
    load_balancer: false,
};
const EXTERNAL: ExternalParts = ExternalParts {
    postgres: true,
    load_balancer: true,
};

/// The hint for a failure on a Debian, in a cluster without external parts.
fn hint(step: &StepId, failure: &Failure) -> Option<&'static str> {
    super::hint(OWN, debian(), step, failure)
}

fn debian() -> Option<Platform> {
    platform("debian")
}

fn platform(id: &str) -> Option<Platform> {
    Platform::of(&Facts {
        os_id: id.into(),
        ..Facts::default()
    })
}

const FAMILIES: [&str; 3] = ["debian", "sles", "rhel"];

fn said(step: &str, line: &str) -> Option<&'static str> {
    hint(&id(step), &failed("it gave no reason", &[line]))
}

/// The words that a hint is given for, in place of it: all hints have a snapshot of their own.
fn named(family: &str, hint: &str) -> String {
    let mut signs = tables(family)
        .into_iter()
        .chain(external_tables())
        .flat_map(|(name, signs)| signs.iter().map(move |sign| (name, sign)));
    let found = signs.find(|(_, sign)| sign.hint == hint);
    let (name, sign) = found.expect("a hint of a table");
    format!("{name}: {}", described(sign))
}

fn described(Sign { at, says, .. }: &Sign) -> String {
    let says: Vec<_> = says.iter().map(|text| format!("\"{text}\"")).collect();
    let at = if at.is_empty() {
        String::new()
    } else {
        format!("[{at}] ")
    };
    format!("{at}{}", says.join(" + "))
}

fn is_general(found: &str) -> bool {
    let tables = Tables::of(OWN, debian()).general;
    tables.into_iter().flatten().any(|sign| sign.hint == found)
}

/// Every sign, with the name of its table, on a host of this family.
fn tables(family: &str) -> Vec<(&'static str, &'static [Sign])> {
    let mut tables = vec![
        ("proofs, causes", proofs::CAUSES),
        ("K3s, causes", k3s::CAUSES),
        ("datastore, causes", datastore::CAUSES),
        ("services, causes", services::CAUSES),
        ("host, causes", host::CAUSES),
        ("proofs, symptoms", proofs::SYMPTOMS),
        ("K3s, symptoms", k3s::SYMPTOMS),
        ("services, symptoms", services::SYMPTOMS),
        ("host, symptoms", host::SYMPTOMS),
        ("steps", general::STEPS),
        ("any", general::ANY),
    ];
    tables.extend(of_family(family));
    tables
}

fn external_tables() -> [(&'static str, &'static [Sign]); 2] {
    [
        ("external Postgres", external::POSTGRES),
        ("external load balancer", external::LOAD_BALANCER),
    ]
}

fn of_family(family: &str) -> Vec<(&'static str, &'static [Sign])> {
    let own = Platform::hints(platform(family))[0];
    vec![
        ("a family, causes", own.causes),
        ("a family, symptoms", own.symptoms),
        ("a family, general", own.general),
    ]
}

// --- What a real K3s printed ---------------------------------------------------------------------

/// What a real K3s printed when it was started with exactly one thing wrong, by that.
fn journals() -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/real/journal");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(path).unwrap();
            (name, text.lines().map(str::to_owned).collect())
        })
        .collect()
}

fn step_of(journal: &str) -> StepId {
    if journal.starts_with("agent-") {
        StepId::new("agent/start", Some("k3s-agent-1"))
    } else {
        id("k3s/start")
    }
}

fn journal_hint(name: &str, why: &str, lines: &[String]) -> Option<&'static str> {
    let failure = Failure {
        last_lines: lines.to_vec(),
        ..failed(why, &[])
    };
    hint(&step_of(name), &failure)
}

#[test]
fn every_fault_of_a_real_k3s_has_its_hint() {
    let journals = journals();
    assert_eq!(journals.len(), 31);
    let mut table = String::new();
    for (name, lines) in &journals {
        let found = journal_hint(name, "after 300 s", lines).unwrap();
        assert!(!is_general(found), "{name}: {found}");
        let _ = writeln!(table, "{name}\n    {}", named("debian", found));
    }
    insta::assert_snapshot!(table);
}

/// What K3s does not complain of itself, and what it says so early that it has long gone by.
const QUIET: [&str; 3] = [
    "server-cidr-differs",
    "server-unknown-key",
    "server-without-token",
];

/// `k3s/start.sh` ends with the last complaint, and a worker keeps the last twenty lines.
#[test]
fn what_a_worker_keeps_is_enough_for_it() {
    for (name, lines) in &journals() {
        if QUIET.contains(&name.as_str()) {
            continue;
        }
        let complaint = lines.iter().rfind(|line| {
            let words = ["level=fatal", "level=error", "Incorrect Usage"];
            words.iter().any(|word| line.contains(word))
        });
        let complaint = complaint.map_or("", String::as_str);
        let why = format!("k3s exited 3 times: {complaint}");
        let last = &lines[lines.len().saturating_sub(20)..];
        assert_eq!(
            journal_hint(name, &why, last),
            journal_hint(name, "after 300 s", lines),
            "{name}"
        );
    }
}

#[test]
fn faults_that_look_alike_are_told_apart_or_both_named() {
    let journals = journals();
    let hint = |name: &str| journal_hint(name, "", &journals[name]).unwrap();
    assert_ne!(hint("datastore-other-cn"), hint("datastore-wrong-password"));
    assert!(hint("datastore-other-cn").contains("CN"));
    assert!(hint("datastore-wrong-password").contains("postgres.password"));
    let both = hint("datastore-no-client-certificate");
    assert_eq!(both, hint("datastore-foreign-ca-client-certificate"));
    assert!(both.contains("no client certificate, or one of a CA"));
    let both = hint("datastore-name-unknown");
    assert_eq!(both, hint("datastore-password-not-encoded"));
    assert!(both.contains("%40"));
}

/// Older releases print another prefix and parentheses.
#[test]
fn older_releases_are_understood_as_well() {
    let old = "failed to connect to `host=10.0.0.5 user=k3s database=k3s`: ";
    for (tail, wanted) in [
        (
            "failed SASL auth (FATAL: x (SQLSTATE 28P01))",
            "postgres.password",
        ),
        ("server error (FATAL: x (SQLSTATE 28P01))", "CN"),
        (
            "dial error (dial tcp 10.0.0.5:5432: connect: connection refused)",
            "No process listens",
        ),
        ("tls error (server refused TLS connection)", "TLS is off"),
    ] {
        let found = said("k3s/start", &format!("{old}{tail}")).unwrap();
        assert!(found.contains(wanted), "{tail}: {found}");
    }
}

#[test]
fn harmless_lines_give_no_hint() {
    let journals = journals();
    let mut harmless: Vec<_> = journals.values().flatten().collect();
    harmless.retain(|line| HARMLESS.iter().any(|words| line.contains(words)));
    assert!(harmless.len() > 20);
    for line in harmless {
        assert!(is_general(said("k3s/start", line).unwrap()), "{line}");
    }
}

#[test]
fn what_was_said_last_counts_most() {
    let refused = "dial error: dial tcp 10.0.0.5:5432: connect: connection refused";
    let password = "failed SASL auth: FATAL: no (SQLSTATE 28P01)";
    let step = id("k3s/start");
    let hint = |lines: &[&str]| hint(&step, &failed("", lines)).unwrap();
    assert_eq!(hint(&[refused, password]), hint(&[password]));
    assert_eq!(hint(&[password, refused]), hint(&[refused]));
    // But a cause more than what one sees of it.
    let seen = "Job for k3s-lb.service failed because the control process exited";
    assert_eq!(hint(&[refused, seen]), hint(&[refused]));
}

// --- What others print ---------------------------------------------------------------------------

const PRINTED: &str = include_str!("../../../tests/fixtures/printed.txt");

#[test]
fn what_programs_print_has_its_hint() {
    let mut table = String::new();
    let (mut parts, mut family) = (OWN, "debian");
    for line in PRINTED.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            match comment.strip_prefix("# ") {
                Some("external") => (parts, family) = (EXTERNAL, "debian"),
                Some(other) => family = other,
                None => {}
            }
            continue;
        }
        let (step, line) = line.split_once(": ").unwrap();
        let failure = failed("it gave no reason", &[line]);
        let found = super::hint(parts, platform(family), &id(step), &failure).unwrap();
        let _ = writeln!(table, "{step}: {line}\n    {}", named(family, found));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_proof_that_does_not_hold_has_its_hint() {
    let proved = |case: Case, got: &CaseOutcome| {
        let why = format!(
            "the proof of mutual TLS with Postgres failed: {} {got}",
            case.as_str()
        );
        let failure = Failure {
            status: None,
            ..failed(&why, &[])
        };
        hint(&id("certificates/proof"), &failure).unwrap_or_else(|| panic!("{why}"))
    };
    for case in Case::ALL {
        let seen = "TLSv1.3, /CN=k3s".to_owned();
        if case != Case::Right {
            let passes = proved(
                case,
                &CaseOutcome::Passes {
                    seen,
                    standby: false,
                },
            );
            assert!(passes.starts_with("A rule in pg_hba.conf"), "{case}");
        }
        let why = RemoteError::Unreachable {
            host: "k3s-server-2".into(),
            to: "10.0.0.5:5432".into(),
            why: "connection refused".into(),
        };
        let unreached = proved(case, &CaseVerdict::unreached(case, &why).got);
        assert!(unreached.starts_with("Postgres does not listen"), "{case}");
    }
    let reason = "password authentication failed (the password was right: it is the certificate)";
    let other_name = proved(
        Case::Right,
        &CaseOutcome::IsRefused {
            reason: reason.into(),
        },
    );
    assert!(other_name.contains("CN"));
}

/// Who says what to do needs no hint.
#[test]
fn what_says_what_to_do_has_no_hint() {
    let host = || "k3s-server-2".to_owned();
    let user = || "admin".to_owned();
    let errors = [
        RemoteError::Auth {
            host: host(),
            user: user(),
            why: "key: refused. Give the host a key".into(),
            wants: Vec::new(),
        },
        RemoteError::NoRoot {
            host: host(),
            user: user(),
            why: "sudo is not installed. Install it there, or log in as root".into(),
            wants: Vec::new(),
        },
        RemoteError::Unreachable {
            host: host(),
            to: "10.0.0.5:22".into(),
            why: "connection refused: does sshd run there, on port 22?".into(),
        },
        RemoteError::HostKeyChanged {
            host: host(),
            address: "10.0.0.5".into(),
            fingerprint: "SHA256:a".into(),
            known: "SHA256:b".into(),
            place: "known_hosts:1".into(),
        },
        RemoteError::Cancelled { host: host() },
    ];
    let errors = errors.map(|error| error.to_string());
    let others = [
        "another program, \"haproxy\", listens on port 6443. End it, or say another \
         load_balancer.port in the answers",
        "interrupted, because the run was aborted",
    ];
    let whys = errors.iter().map(String::as_str).chain(others);
    for why in whys {
        let failure = Failure {
            status: None,
            ..failed(why, &[])
        };
        assert_eq!(hint(&id("load-balancer/run"), &failure), None, "{why}");
    }
}

#[test]
fn a_connection_that_does_not_come_back_has_one() {
    for (error, wanted) in [
        (
            RemoteError::Lost {
                host: "h".into(),
                why: "it went silent".into(),
            },
            "Is the host up",
        ),
        (
            RemoteError::Timeout {
                host: "h".into(),
                limit: Duration::from_secs(1),
            },
            "The host is too slow",
        ),
    ] {
        let found = said("postgres/role", &error.to_string()).unwrap();
        assert!(found.starts_with(wanted), "{error}: {found}");
    }
}

// --- The tables ----------------------------------------------------------------------------------

/// All hints in one place, to be read as a whole.
#[test]
fn all_hints() {
    let mut text = String::new();
    let families = FAMILIES[1..].iter().flat_map(|family| of_family(family));
    let all = tables(FAMILIES[0]).into_iter().chain(external_tables());
    for (name, signs) in all.chain(families) {
        let _ = writeln!(text, "== {name}");
        for sign in signs {
            let _ = writeln!(text, "{}\n    {}", described(sign), sign.hint);
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn no_sign_is_hidden_by_another() {
    let is_found = |parts, family, (name, signs): (&str, &[Sign])| {
        for sign in signs {
            let step = StepId::new(sign.at, Some("h"));
            let line = sign.says.join(" … ");
            let found = super::hint(parts, platform(family), &step, &failed(&line, &[]));
            assert_eq!(found, Some(sign.hint), "{family}, {name}: {line}");
        }
    };
    for family in FAMILIES {
        for table in tables(family) {
            is_found(OWN, family, table);
        }
        for table in external_tables() {
            is_found(EXTERNAL, family, table);
        }
    }
}

#[test]
fn hints_are_short_and_whole() {
    let all = FAMILIES.iter().flat_map(|family| tables(family));
    for (name, signs) in all.chain(external_tables()) {
        for Sign { hint, .. } in signs {
            let length = hint.chars().count();
            assert!(length <= 240, "{name}: {length}: {hint}");
            assert!(hint.ends_with(['.', '?']), "{name}: {hint}");
            assert!(!hint.contains("  "), "{name}: {hint}");
            assert_eq!(hint.matches('`').count() % 2, 0, "{name}: {hint}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_strange(
        step in "[a-z0-9/@-]{0,30}",
        why in proptest::prelude::any::<String>(),
        last_lines in proptest::collection::vec(proptest::prelude::any::<String>(), 0..8),
        status in proptest::prelude::any::<Option<i32>>(),
    ) {
        let failure = Failure { why, status, last_lines, hint: None };
        let found = hint(&StepId::new(&step, None), &failure);
        // Only a program that failed always has something to be said about it.
        proptest::prop_assert!(found.is_some() || status.is_none());
    }
}
