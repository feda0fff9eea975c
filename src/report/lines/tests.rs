use super::*;
use crate::cluster::{Cluster, Node, Pod};
use crate::events::fixtures::{Tape, id, outline};
use crate::events::{End, Failure};
use crate::events::{Outline, OutlineStep};

fn step(text: &str, title: &str, needs: &[&str]) -> OutlineStep {
    OutlineStep {
        title: title.into(),
        ..crate::events::fixtures::step(text, needs)
    }
}

const DB: &str = "postgres/install@k3s-postgres";
const ROLE: &str = "postgres/role@k3s-postgres";
const CA: &str = "certificates/make";
const PROOF_1: &str = "certificates/proof@k3s-server-1";
const PROOF_2: &str = "certificates/proof@k3s-server-2";
const START_1: &str = "server/start@k3s-server-1";
const START_2: &str = "server/start@k3s-server-2";
const AGENT: &str = "agent/start@k3s-agent-1";
const ALL: [&str; 8] = [DB, ROLE, CA, PROOF_1, PROOF_2, START_1, START_2, AGENT];

fn plan() -> Outline {
    let postgres = [
        step(DB, "Install Postgres, and wait until it runs", &[]),
        step(
            ROLE,
            "Create the role k3s, and the database k3s that it owns",
            &[DB],
        ),
    ];
    let certificates = [
        step(CA, "Store the certificates on this machine", &[]),
        step(
            PROOF_1,
            "Prove that Postgres accepts only the right certificate and password",
            &[ROLE, CA],
        ),
        step(
            PROOF_2,
            "Prove that Postgres accepts only the right certificate and password",
            &[ROLE, CA],
        ),
    ];
    let server_1 = [step(
        START_1,
        "Start K3s, and wait until its node is Ready",
        &[PROOF_1],
    )];
    let server_2 = [step(
        START_2,
        "Start K3s, and wait until its node is Ready",
        &[START_1, PROOF_2],
    )];
    let agents = [step(AGENT, "Start K3s as an agent", &[START_2])];
    Outline {
        procedure: "install".into(),
        cluster: "prod".into(),
        ..outline(&[
            ("Postgres", &postgres),
            ("Certificates", &certificates),
            ("Server 1", &server_1),
            ("Server 2", &server_2),
            ("Agents", &agents),
        ])
    }
}

fn cluster() -> Cluster {
    let node = |name: &str, roles: &str, ip: &str| Node {
        waiting: None,
        name: name.into(),
        status: "Ready".into(),
        roles: roles.into(),
        version: "v1.36.2+k3s1".into(),
        internal_ip: ip.into(),
        created: None,
        problem: None,
    };
    let pod = |name: &str, node: &str| Pod {
        waiting: None,
        namespace: "kube-system".into(),
        name: name.into(),
        ready: "1/1".into(),
        status: "Running".into(),
        restarts: 0,
        node: node.into(),
        created: None,
        problem: None,
    };
    Cluster {
        nodes: vec![
            node("k3s-server-1", "control-plane", "198.51.100.12"),
            node("k3s-server-2", "control-plane", "198.51.100.13"),
            node("k3s-agent-1", "<none>", "198.51.100.15"),
        ],
        pods: vec![
            pod("coredns-6d668d687-bk2fv", "k3s-server-1"),
            pod("metrics-server-54fd9b65b-x2x8l", "k3s-agent-1"),
        ],
    }
}

fn context() -> Context {
    Context {
        log: "/root/.local/state/k3s-ha-wizard/prod/runs/20261124T215440Z-3f2a.jsonl".into(),
        kubeconfig: Some("/root/.local/state/k3s-ha-wizard/prod/kubeconfig".into()),
        again: "k3s-ha-wizard install --answers prod.toml".into(),
        next: vec![
            "export KUBECONFIG=/root/.local/state/k3s-ha-wizard/prod/kubeconfig".into(),
            "kubectl get nodes".into(),
            "k3s-ha-wizard status --cluster prod".into(),
        ],
        verbose: false,
        earlier: EarlierRuns::default(),
        width: None,
    }
}

fn shown(tape: &Tape, context: Context) -> String {
    let mut out = Vec::new();
    let mut lines = Lines::new(&mut out, context);
    for event in &tape.events {
        lines.event(event).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn proved(tape: &mut Tape, step: &str) {
    let case = |case: &str, expected: &str, got: &str| What::Proved {
        step: id(step),
        case: case.into(),
        expected: expected.into(),
        got: got.into(),
        holds: true,
    };
    tape.event(case(
        "right certificate and password",
        "passes",
        "passes (TLSv1.3, /CN=k3s)",
    ));
    tape.event(case(
        "no certificate",
        "is refused",
        "is refused: connection requires a valid client certificate",
    ));
    tape.event(case(
        "no TLS",
        "is refused",
        "is refused: pg_hba.conf rejects connection",
    ));
}

/// From bare machines to two servers that have proved themselves.
fn until_proved() -> Tape {
    let mut tape = Tape::new(plan());
    tape.event(What::Warned {
        host: Some("k3s-agent-1".into()),
        text: "has 1.0 GB of memory: K3s wants 2 GB for more than a test".into(),
    });
    tape.at(310).connection("k3s-postgres", ConnectionState::Up);
    tape.at(500).started(CA).started(DB);
    tape.at(510).applies(CA);
    tape.at(560).ended(CA, Outcome::Done);
    tape.at(700)
        .output(DB, "psql: command not found")
        .applies(DB)
        .output(DB, "Reading package lists...")
        .output(
            DB,
            "\u{1b}[32mSetting up\u{1b}[0m postgresql-15 (15.18-0+deb12u1) ...",
        )
        .output(DB, "10 %\r50 %\r100 %\r");
    tape.event(What::Output {
        step: id(DB),
        stream: Stream::Err,
        text: "perl: warning: Setting locale failed.".into(),
    });
    tape.at(14_900).ended(DB, Outcome::Done);
    tape.at(14_950).started(ROLE);
    tape.at(15_000).ended(ROLE, Outcome::Unchanged);
    tape.at(15_100).started(PROOF_1).started(PROOF_2);
    tape.at(15_400);
    proved(&mut tape, PROOF_1);
    tape.ended(PROOF_1, Outcome::Done);
    tape.at(15_500);
    proved(&mut tape, PROOF_2);
    tape.ended(PROOF_2, Outcome::Done);
    tape
}

/// One file, so that a sentence that is reworded changes one file.
#[test]
fn runs() {
    let runs = [
        ("a first run", a_first_run()),
        ("unchanged", a_run_that_finds_everything_unchanged()),
        ("a failed step", a_run_that_fails()),
        ("a proof that does not hold", a_proof_that_does_not_hold()),
        ("aborted", a_run_that_is_aborted()),
    ];
    let runs = runs.map(|(name, lines)| format!("=== {name}\n{lines}"));
    insta::assert_snapshot!(runs.join("\n"));
}

fn a_first_run() -> String {
    let mut tape = until_proved();
    tape.at(15_600).started(START_1).applies(START_1);
    tape.at(20_000)
        .connection("k3s-server-1", ConnectionState::Lost);
    tape.at(21_300)
        .connection("k3s-server-1", ConnectionState::Up);
    tape.at(92_400).ended(START_1, Outcome::Done);
    tape.at(92_500).started(START_2).applies(START_2);
    tape.at(101_000).ended(START_2, Outcome::Done);
    tape.at(101_100).started(AGENT).applies(AGENT);
    let why = "the clock is 4 s behind that of the other hosts".into();
    tape.at(111_000).ended(AGENT, Outcome::Warned { why });
    let cluster = cluster();
    tape.at(111_400).event(What::Cluster { cluster });
    tape.event(What::Ended { end: End::Done });
    shown(&tape, context())
}

fn unchanged() -> Tape {
    let mut tape = Tape::new(plan());
    for (number, step) in (0..).zip(ALL) {
        tape.at(200 + 10 * number).started(step);
        if step == PROOF_1 {
            proved(&mut tape, step);
        }
        tape.output(step, "it is so")
            .ended(step, Outcome::Unchanged);
    }
    tape.event(What::Cluster { cluster: cluster() });
    tape.at(640).event(What::Ended { end: End::Done });
    tape
}

fn a_run_that_finds_everything_unchanged() -> String {
    shown(&unchanged(), context())
}

#[test]
fn a_timeline_is_filled_where_a_phase_was() {
    let bar = |part, whole| timeline(&part, whole, "#", ".", 10).concat();
    assert_eq!(bar(0..50, 100), "#####.....");
    assert_eq!(bar(50..100, 100), ".....#####");
    // A short one is seen too.
    assert_eq!(bar(99..99, 100), ".........#");
    assert_eq!(bar(0..0, 0), "#.........");
    assert_eq!(bar(7..900, 100), "##########");
}

#[test]
fn lines_are_as_wide_as_the_terminal_and_commands_stay_whole() {
    let narrow = Context {
        width: Some(60),
        ..context()
    };
    let shown = shown(&unchanged(), narrow);
    let long = |line: &&str| line.chars().count() > 60;
    let long: Vec<&str> = shown.lines().filter(long).collect();
    // One word each: a path is not broken.
    for line in &long {
        let line = line.trim_start().trim_start_matches("export ");
        assert!(!line.contains(' '), "{line:?} of {long:?}");
    }
    assert!(shown.contains("\n  export KUBECONFIG=/root/"), "{shown}");
}

#[test]
fn an_estimate_says_where_it_comes_from() {
    let estimate = |left, untimed| {
        estimated(&Estimate {
            left,
            runs: 2,
            untimed,
        })
    };
    assert_eq!(
        estimate(80_900, 0),
        "about 1m 20s left (based on 2 earlier runs)"
    );
    let text = "about 1s and 3 new steps left (based on 2 earlier runs)";
    assert_eq!(estimate(10, 3), text);
    let tape = unchanged();
    let mut earlier = EarlierRuns::default();
    earlier.add(&tape.progress());
    let known = Context {
        earlier,
        ..context()
    };
    let shown = shown(&tape, known);
    assert!(
        shown.contains("\nabout 1s left (based on 1 earlier run)\nlog "),
        "{shown}"
    );
    assert!(shown.contains("(8 of 8)\n"), "{shown}");
}

#[test]
fn a_verbose_run_tells_what_it_checks() {
    let verbose = Context {
        verbose: true,
        ..context()
    };
    let shown = shown(&unchanged(), verbose);
    assert!(
        shown.contains("check      postgres/role: Create the role k3s"),
        "{shown}"
    );
    assert!(shown.contains("| it is so"), "{shown}");
    assert!(shown.contains("Time of each phase"), "{shown}");
}

fn a_run_that_fails() -> String {
    let mut tape = until_proved();
    tape.at(15_600).started(START_1).applies(START_1);
    tape.at(18_000)
        .output(START_1, "Failed to ping database connection");
    let failure = Failure {
        why: "the unit k3s.service did not become active within 300 s".into(),
        status: Some(1),
        last_lines: vec![
            "Starting k3s v1.36.2+k3s1".into(),
            "Failed to ping database connection: server error: FATAL: password \
             authentication failed for user \"k3s\""
                .into(),
        ],
        hint: Some(
            "The certificate's CN is not the database role.\nRun the wizard again: it creates \
             a new certificate."
                .into(),
        ),
    };
    tape.at(315_700).ended(START_1, Outcome::Failed(failure));
    let because = || Outcome::WontRun {
        because: "server/start failed on k3s-server-1".into(),
    };
    tape.ended(START_2, because()).ended(AGENT, because());
    let mut unhealthy = cluster();
    unhealthy.nodes.truncate(2);
    unhealthy.nodes[1].status = "NotReady".into();
    unhealthy.nodes[1].problem = Some("kubelet stopped posting node status 45 s ago".into());
    unhealthy.pods[1].problem =
        Some("container app: exit 137 (OOMKilled), restarted 5 times".into());
    unhealthy.pods[1].status = "CrashLoopBackOff".into();
    tape.event(What::Cluster { cluster: unhealthy });
    tape.event(What::Ended { end: End::Failed });
    shown(&tape, context())
}

fn a_proof_that_does_not_hold() -> String {
    let mut tape = Tape::new(plan());
    tape.at(10).started(PROOF_1);
    tape.proved(PROOF_1, "no certificate", false);
    let failure = Failure {
        why: "the proof of mutual TLS with Postgres failed: no certificate: passes".into(),
        status: None,
        last_lines: vec![],
        hint: None,
    };
    tape.at(20).ended(PROOF_1, Outcome::Failed(failure));
    tape.event(What::Ended { end: End::Failed });
    shown(&tape, context())
}

fn a_run_that_is_aborted() -> String {
    let mut tape = Tape::new(plan());
    tape.at(500).started(DB).applies(DB);
    tape.at(3_000).event(What::Aborting {
        how: Abort::Soft,
        why: "SIGINT".into(),
    });
    tape.at(9_000).ended(DB, Outcome::Done);
    for step in &ALL[1..] {
        let because = "the run was aborted".into();
        tape.ended(step, Outcome::WontRun { because });
    }
    let why = "SIGINT".into();
    tape.event(What::Ended {
        end: End::Aborted { why },
    });
    shown(&tape, context())
}

#[test]
fn every_line_of_a_warning_has_its_host() {
    let mut tape = Tape::new(plan());
    tape.at(1_000).event(What::Warned {
        host: Some("k3s-postgres".into()),
        text: "one\ntwo".into(),
    });
    let shown = shown(&tape, context());
    let lines: Vec<&str> = shown.lines().skip(4).collect();
    assert_eq!(
        lines,
        [
            "    1.0s  k3s-postgres  warning    one",
            "    1.0s  k3s-postgres             two",
        ]
    );
}

#[test]
fn what_is_renewed_and_what_is_left_out_are_told() {
    let mut tape = Tape::new(plan());
    tape.event(What::Renewed {
        certificate: "certificate of Postgres".into(),
        why: "it expires in 41 days: renewed".into(),
    });
    tape.at(1_000).event(What::Missed { lines: 502 });
    let shown = shown(&tape, context());
    let lines: Vec<&str> = shown.lines().skip(4).collect();
    assert_eq!(
        lines,
        [
            "    0.0s  this machine  new        certificate of Postgres: it expires in 41 days: renewed",
            "    1.0s  this machine  omitted    502 lines of output, because there were too many",
        ]
    );
}

#[test]
fn terminals_have_nothing_to_obey() {
    for (text, shown) in [
        ("plain µ", "plain µ"),
        ("\u{1b}[1;31mred\u{1b}[0m", "red"),
        ("\u{1b}]0;title\u{7}after", "after"),
        ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
        ("\u{1b}(Bset", "set"),
        ("one\rtwo\rthree\r\n", "three"),
        ("a\tb\u{7}\u{8}c\u{9b}d", "a    bcd"),
        ("torn \u{1b}[", "torn "),
        ("torn \u{1b}", "torn "),
        ("a\u{202e}b\u{200b}c", "abc"),
    ] {
        assert_eq!(plain(text), shown, "{text:?}");
    }
}

#[test]
fn durations_are_for_people() {
    for (took, shown) in [
        (0, "0.0s"),
        (449, "0.4s"),
        (59_999, "59.9s"),
        (60_000, "1m 00s"),
        (192_300, "3m 12s"),
        (3_720_000, "1h 02m"),
    ] {
        assert_eq!(duration(took), shown);
    }
}

proptest::proptest! {
    #[test]
    fn no_events_are_too_strange(events in crate::events::fixtures::any_events()) {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, context());
        for event in &events {
            lines.event(event).unwrap();
        }
        let shown = String::from_utf8(out).unwrap();
        proptest::prop_assert!(!shown.chars().any(|it| it.is_control() && it != '\n'));
    }
}
