use std::fmt::Write as _;
use std::path::Path;

use super::super::known::{self, KnownCluster, find};
use super::*;
use crate::answers::{Answers, Host, Role};
use crate::cluster::api;
use crate::cluster::datastore::{Datastore, MemberLook};
use crate::remote::scripted::Reply;
use crate::remote::{Remote, RemoteError, Scripted};
use crate::report::lines::write_status;
use crate::report::schema::STATUS;
use crate::report::schema::tests::{fits, is_on_the_page};
use crate::state::{Applied, Folder, State};

const READY: &str = include_str!("../../../tests/fixtures/real/nodes-ready.json");
const ILL: &str = include_str!("../../../tests/fixtures/real/nodes-cordoned-and-not-ready.json");

/// The nodes of the fixtures.
const ANSWERS: &str = r#"
cluster.name = "lab"
ssh.user = "root"
ssh.config = "none"
[[hosts]]
name = "pg"
role = "postgres"
address = "198.51.100.11"
[[hosts]]
name = "k3s-s1"
role = "server"
address = "198.51.100.12"
[[hosts]]
name = "k3s-s2"
role = "server"
address = "198.51.100.13"
[[hosts]]
name = "lb"
role = "load-balancer"
address = "198.51.100.14"
[[hosts]]
name = "k3s-ag"
role = "agent"
address = "198.51.100.15"
"#;

fn known(root: &Path, name: &str) {
    known_as(root, name, |state| {
        state.cluster_ca = Some("no certificate".into());
    });
}

fn known_as(root: &Path, name: &str, change: impl FnOnce(&mut State)) {
    let mut answers = Answers::from_toml(ANSWERS).expect("valid");
    name.clone_into(&mut answers.cluster.name);
    let folder = Folder::open(Some(root.to_owned()), name).expect("a folder");
    let mut state = State::new(&answers).expect("random numbers");
    change(&mut state);
    folder.save(&state).expect("saved");
}

fn place(host: &str, mut remote: Option<Scripted>) -> PollTarget {
    let name = host.to_owned();
    PollTarget {
        host: host.to_owned(),
        connector: Box::new(move |_| match remote.take() {
            Some(remote) => Ok(Box::new(remote) as Box<dyn Remote>),
            None => Err(RemoteError::Auth {
                host: name.clone(),
                user: "root".into(),
                why: "no key was taken".into(),
                wants: Vec::new(),
            }),
        }),
    }
}

fn server(host: &str, nodes: &str) -> PollTarget {
    let answering = api::tests::server(Scripted::new(host), nodes, r#"{"items": []}"#);
    place(host, Some(answering))
}

fn postgres(lines: &str) -> PollTarget {
    let reply = Reply::exit(0).out(lines);
    place("pg", Some(Scripted::new("pg").on("pg_stat_ssl", reply)))
}

const CONNECTED: &str =
    "primary|f\nclient|198.51.100.12|TLSv1.3|t|7\nclient|198.51.100.13|TLSv1.3|t|5";

/// One look.
fn ask_at(
    poll: &Poll,
    servers: Vec<PollTarget>,
    postgres: Vec<PollTarget>,
    now: OffsetDateTime,
) -> ClusterStatus {
    let control = Control::default();
    let status = Looks::at(poll, servers, [Vec::new(), postgres, Vec::new()], &control)
        .look(now)
        .status;
    fits(STATUS, &status);
    status
}

fn printed(status: &ClusterStatus) -> String {
    let mut out = Vec::new();
    write_status(&mut out, status).expect("written");
    String::from_utf8(out).expect("text")
}

/// Without the words of problems that the page of the cluster shows, too.
fn named(mut text: String) -> String {
    let nodes = crate::cluster::tests::parse(ILL).nodes;
    let nodes = nodes.into_iter().filter_map(|node| node.problem);
    for (number, words) in nodes.enumerate() {
        text = text.replace(&words, &format!("‹problem {number} of a node›"));
    }
    let servers = [("s".to_owned(), [198, 51, 100, 13].into())];
    for rows in ["primary|f", "primary|f\nclient|198.51.100.13|none|f|5"] {
        let member = ("pg".to_owned(), [198, 51, 100, 11].into());
        let look = MemberLook::parse(rows.lines());
        let clients = Datastore::of(&[(member, look)], &servers).clients;
        for words in clients.into_iter().filter_map(|client| client.problem) {
            text = text.replace(&words, "‹problem of a connection›");
        }
    }
    text
}

#[test]
fn what_is_ill_is_named_and_nothing_else() {
    let root = tempfile::tempdir().expect("a folder");
    known(root.path(), "lab");
    let known = find(Some(root.path().into()), None, None).expect("found");
    let poll = known.poll().expect("a topology");
    let now = OffsetDateTime::UNIX_EPOCH;

    // No relay is prepared: the load balancer cannot be reached.
    let servers = vec![place("k3s-s1", None), server("k3s-s2", ILL)];
    let few = postgres("primary|f\nclient|198.51.100.13|none|f|5");
    let status = ask_at(&poll, servers, vec![few], now);
    assert_eq!(exit_code(&status), exit::FAILED);
    assert!(!status.healthy);
    let mut all = format!("=== unhealthy\n{}", printed(&status));

    let (servers, datastore) = (vec![place("k3s-s1", None)], vec![place("pg", None)]);
    let status = ask_at(&poll, servers, datastore, now);
    assert_eq!(exit_code(&status), exit::UNSEEN);
    assert!(!status.healthy);
    let _ = write!(all, "\n=== not reached\n{}", printed(&status));

    // A run that came to no load balancer is not blamed for it.
    known_as(root.path(), "lab", |_| {});
    let known = find(Some(root.path().into()), None, None).expect("found");
    let poll = known.poll().expect("a topology");
    let (servers, datastore) = (vec![server("k3s-s1", READY)], vec![postgres(CONNECTED)]);
    let status = ask_at(&poll, servers, datastore, now);
    assert_eq!(exit_code(&status), 0);
    assert!(status.healthy, "{:?}", status.problems);
    let _ = write!(all, "\n=== healthy\n{}", printed(&status));
    insta::assert_snapshot!("printed", named(all));
    is_on_the_page(&status);
    let json = serde_json::to_value(&status).expect("JSON");
    assert_eq!(json["healthy"], true);
    assert_eq!(json["nodes"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["datastore"]["clients"][0]["connections"], 7);
}

#[test]
fn a_cluster_is_found_by_its_name_or_because_there_is_no_other() {
    let root = tempfile::tempdir().expect("a folder");
    let find = |name: Option<&str>, answers: Option<&Path>| {
        find(Some(root.path().into()), name, answers)
            .and_then(KnownCluster::poll)
            .map(|poll| poll.name().to_owned())
    };
    let error = |name, answers| find(name, answers).expect_err("an error").to_string();
    assert!(error(None, None).contains("there is no cluster in the state folder"));
    assert!(error(Some("lab"), None).contains("there is no cluster in the state folder"));
    known(root.path(), "lab");
    assert_eq!(find(None, None).expect("found"), "lab");
    known(root.path(), "prod");
    assert!(error(None, None).ends_with("--cluster: lab, prod"));
    assert_eq!(find(Some("prod"), None).expect("found"), "prod");
    assert!(
        error(Some("lub"), None)
            .contains("there is no cluster lub in the state folder. Known: lab, prod")
    );
    assert!(!root.path().join("lub").exists());

    let file = root.path().join("answers.toml");
    std::fs::write(&file, ANSWERS).expect("written");
    assert_eq!(find(None, Some(&file)).expect("found"), "lab");
    assert!(error(Some("prod"), Some(&file)).contains("for the cluster lab, not for prod"));
}

#[test]
fn a_secret_that_is_not_there_is_named_with_the_way_to_give_it() {
    let root = tempfile::tempdir().expect("a folder");
    known_as(root.path(), "lab", |state| {
        let secret = crate::answers::Secret::Env("K3S_HA_WIZARD_UNSET".into());
        state.answers.ssh.password = Some(secret);
    });
    let known = find(Some(root.path().into()), None, None).expect("found");
    let poll = known.poll().expect("a topology");
    let control = Control::default();
    let looks = Looks::of(&poll, &Tried::default(), &control);
    let error = looks.err().expect("unset");
    assert_eq!(known::error_code(&error), exit::UNSEEN);
    let error = error.to_string();
    insta::assert_snapshot!(error);
}

/// A later run that failed wanted another node: what is applied has none of that name.
#[test]
fn a_cluster_is_compared_with_what_is_applied() {
    let root = tempfile::tempdir().expect("a folder");
    let missing = |applied: bool| {
        known_as(root.path(), "lab", |state| {
            if applied {
                state.applied = Some(Applied {
                    run: "20261124T215440Z-3f2a".into(),
                    when: "2026-11-24T21:54:40Z".into(),
                    answers: state.answers.clone(),
                    marks: None,
                });
            }
            let new = Host::new("k3s-new", Role::Agent, "198.51.100.16");
            state.answers.hosts.push(new);
        });
        let known = find(Some(root.path().into()), None, None).expect("found");
        let poll = known.poll().expect("a topology");
        let (servers, datastore) = (vec![server("k3s-s1", READY)], vec![postgres(CONNECTED)]);
        let now = OffsetDateTime::UNIX_EPOCH;
        let status = ask_at(&poll, servers, datastore, now);
        let mut problems = status.problems.iter();
        problems.any(|problem| problem.contains("k3s-new"))
    };
    assert!(missing(false));
    assert!(!missing(true));
}

/// A login that is refused, a connection that is lost, and a program that does not answer.
#[test]
fn what_could_not_be_looked_at_is_told_apart_from_what_is_ill() {
    let root = tempfile::tempdir().expect("a folder");
    known_as(root.path(), "lab", |_| {});
    let known = find(Some(root.path().into()), None, None).expect("found");
    let poll = known.poll().expect("a topology");
    let now = OffsetDateTime::UNIX_EPOCH;
    let well = || postgres(CONNECTED);
    let lost = || place("pg", Some(Scripted::new("pg").on("", Reply::lost())));
    let refused = || place("k3s-s1", None);
    let silent = || {
        place(
            "k3s-s1",
            Some(api::tests::silent_server(Scripted::new("k3s-s1"))),
        )
    };
    let other = || server("k3s-s2", READY);
    for (servers, datastore, expected, unseen) in [
        // All is seen from another server, but one host was not looked at.
        (vec![refused(), other()], well(), exit::UNSEEN, 1),
        (vec![other()], lost(), exit::UNSEEN, 1),
        // K3s on a host that was reached does not answer: that is seen.
        (vec![silent()], well(), exit::FAILED, 0),
        (vec![silent()], lost(), exit::FAILED, 1),
    ] {
        let status = ask_at(&poll, servers, vec![datastore], now);
        assert_eq!(exit_code(&status), expected, "{status:?}");
        assert_eq!(status.unseen.len(), unseen, "{status:?}");
        assert!(!status.healthy);
        let printed = printed(&status);
        assert_eq!(printed.contains("Not checked: 1 host:"), unseen == 1);
        assert_eq!(printed.contains("problem"), expected == exit::FAILED);
    }
}

/// The same cluster with a second Postgres, and what its members say.
fn status_of_pair(one: Option<&str>, other: Option<&str>) -> ClusterStatus {
    let mut answers = Answers::from_toml(ANSWERS).expect("valid");
    answers.postgres.name = Some("pg.lab".into());
    answers.hosts[3].roles.push(Role::Monitor);
    let second = Host::new("pg-2", Role::Postgres, "198.51.100.8");
    answers.hosts.push(second);
    let root = tempfile::tempdir().expect("a folder");
    let folder = Folder::open(Some(root.path().into()), "lab").expect("a folder");
    let poll = Poll::new(folder, answers.clone(), &answers, None).expect("a topology");
    let member = |name: &str, said: Option<&str>| {
        let said = said.map(|said| Reply::exit(0).out(said));
        let remote = said.map(|said| Scripted::new(name).on("pg_stat_ssl", said));
        place(name, remote)
    };
    let members = vec![member("pg", one), member("pg-2", other)];
    let servers = vec![server("k3s-s1", READY)];
    ask_at(&poll, servers, members, OffsetDateTime::UNIX_EPOCH)
}

#[test]
fn the_members_of_a_pair_are_told_whichever_is_the_primary() {
    let clients = "client|198.51.100.12|TLSv1.3|t|7\nclient|198.51.100.13|TLSv1.3|t|5";
    let in_sync = format!("primary|t\nfollower|198.51.100.11|t|4096|12\n{clients}");
    // The second one is the primary.
    let status = status_of_pair(Some("standby|t"), Some(&in_sync));
    assert!(status.healthy, "{:?}", status.problems);
    let printed_well = printed(&status);
    let datastore = status.datastore.expect("a datastore");
    assert_eq!(datastore.primary(), Some("pg-2"));
    // The first one is gone: a commit is on one host only, and not everything was seen.
    let alone = format!("primary|f\n{clients}");
    let status = status_of_pair(None, Some(&alone));
    assert_eq!(exit_code(&status), exit::FAILED);
    let from = |text: &str| {
        let at = text.find("POSTGRES").expect("the members");
        text[at..].to_owned()
    };
    let both = [from(&printed_well), from(&printed(&status))];
    insta::assert_snapshot!(both.join("\n"));
}

/// The same cluster with a second load balancer; whether each of them holds the address.
fn status_of_balancers(held: [bool; 2]) -> ClusterStatus {
    let mut answers = Answers::from_toml(ANSWERS).expect("valid");
    answers.load_balancer.virtual_ip = "198.51.100.130".parse().ok();
    let second = Host::new("lb-2", Role::LoadBalancer, "198.51.100.124");
    answers.hosts.push(second);
    let root = tempfile::tempdir().expect("a folder");
    let folder = Folder::open(Some(root.path().into()), "lab").expect("a folder");
    let poll = Poll::new(folder, answers.clone(), &answers, None).expect("a topology");
    let balancers = ["lb", "lb-2"].into_iter().zip(held).map(|(name, holds)| {
        let mut says = Reply::exit(0);
        if holds {
            says = says.out("2: host0    inet 198.51.100.130/24 scope global host0");
        }
        place(name, Some(Scripted::new(name).on("ip -o addr", says)))
    });
    let servers = vec![server("k3s-s1", READY)];
    let others = [Vec::new(), vec![postgres(CONNECTED)], balancers.collect()];
    let control = Control::default();
    let mut looks = Looks::at(&poll, servers, others, &control);
    let status = looks.look(OffsetDateTime::UNIX_EPOCH).status;
    fits(STATUS, &status);
    status
}

#[test]
fn the_load_balancer_that_holds_the_address_is_told() {
    let status = status_of_balancers([false, true]);
    assert!(status.healthy, "{:?}", status.problems);
    let text = printed(&status);
    let line = "virtual address  198.51.100.130: held by lb-2\n";
    assert!(text.contains(line), "{text}");
    let mut both = status_of_balancers([true, true]);
    assert_eq!(exit_code(&both), exit::FAILED);
    both.follow(&status);
    let change = &both.changes.first().expect("a change").what;
    let moved = "virtual address 198.51.100.130: held by lb-2, now held by lb and lb-2";
    assert_eq!(change, moved);
    assert_eq!(status_of_balancers([false, false]).problems.len(), 1);
}

#[test]
fn a_cluster_is_watched_over_one_connection_and_changes_are_told() {
    let root = tempfile::tempdir().expect("a folder");
    known_as(root.path(), "lab", |_| {});
    let known = find(Some(root.path().into()), None, None).expect("found");
    let poll = known.poll().expect("a topology");
    let later = |seconds| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds);
    let asked = "pg_stat_ssl";
    let pg = Scripted::new("pg")
        .once(asked, Reply::exit(0).out(CONNECTED))
        .once(
            asked,
            Reply::exit(0).out("primary|f\nclient|198.51.100.12|TLSv1.3|t|9"),
        )
        .on(asked, Reply::lost());
    let control = Control::default();
    // A second connection to either is refused.
    let (servers, pg) = (vec![server("k3s-s1", READY)], vec![place("pg", Some(pg))]);
    let mut looks = Looks::at(&poll, servers, [Vec::new(), pg, Vec::new()], &control);
    let mut before = looks.look(later(0)).status;
    assert!(before.healthy && before.changes.is_empty(), "{before:?}");
    for seconds in [5, 10, 15] {
        let mut now = looks.look(later(seconds)).status;
        now.follow(&before);
        before = now;
    }
    fits(STATUS, &before);
    let printed = printed(&before);
    let changes = printed.split("Changes:").nth(1).expect("changes");
    let changes = named(changes.replace(super::super::poll::NO_PASSWORDS, "‹no passwords›"));
    insta::assert_snapshot!(changes);
}
