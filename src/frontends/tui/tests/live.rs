//! The page of the cluster after its run.

use time::{Duration, OffsetDateTime};

use super::super::live::LiveUpdate;
use super::super::message::{RunFiles, Unreached};
use super::super::page::Page;
use super::*;
use crate::address::NetworkName;
use crate::answers::{CredentialKind, CredentialRequest};
use crate::cluster::Cluster;
use crate::cluster::datastore::{Datastore, MemberLook, Named};
use crate::cluster::details::{Details, ObjectName};
use crate::engine::look::{Balancer, VirtualAddress};
use crate::engine::watch::{Lost, News, Seen};
use crate::events::Abort;
use crate::pki::Certificate;
use crate::topology::Topology;

pub const READY: &str = include_str!("../../../../tests/fixtures/real/nodes-ready.json");
pub const ILL: &str =
    include_str!("../../../../tests/fixtures/real/nodes-cordoned-and-not-ready.json");

/// So many seconds after the run ended.
pub fn after(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_781) + Duration::seconds(79_000 + seconds)
}

pub fn seen<T>(picture: T, from: &str, seconds: i64) -> News<T> {
    News::Seen(Seen {
        picture,
        from: from.into(),
        since: after(seconds),
    })
}

pub fn lost<T>(seconds: i64, why: &[&str], given_up: bool) -> News<T> {
    News::Lost(Lost {
        since: after(seconds),
        last: Some(after(seconds - 5)),
        why: why.iter().map(|why| (*why).to_owned()).collect(),
        given_up,
    })
}

pub fn cluster(json: &str) -> Cluster {
    crate::cluster::tests::parse(json)
}

fn named(name: &str, ip: &str) -> Named {
    (name.to_owned(), ip.parse().expect("an address"))
}

/// One Postgres with these connections.
fn datastore(clients: &[&str]) -> Datastore {
    let clients = clients.iter().map(|line| format!("client|{line}"));
    let said = format!("primary|f\n{}", clients.collect::<Vec<_>>().join("\n"));
    let look = MemberLook::parse(said.lines());
    Datastore::of(
        &[(named("k3s-postgres", "198.51.100.11"), look)],
        &servers(),
    )
}

fn servers() -> [Named; 2] {
    [
        named("k3s-server-1", "198.51.100.12"),
        named("k3s-server-2", "198.51.100.13"),
    ]
}

fn certificate(name: &str, ends: &str, days: i64, problem: Option<&str>) -> Certificate {
    Certificate {
        name: name.into(),
        ends: ends.into(),
        days,
        problem: problem.map(str::to_owned),
    }
}

/// Something of every kind, for whoever wants anything.
pub fn sight(what: u8) -> LiveUpdate {
    match what % 13 {
        11 => LiveUpdate::Topology(Box::new(topology(&pair_answers()))),
        12 => LiveUpdate::Holder(holder(&[("balancer", true)]), vec!["balancer-2".into()]),
        0 => LiveUpdate::Cluster(seen(cluster(READY), "s1", 5)),
        1 => LiveUpdate::Cluster(seen(Cluster::default(), "", -1_000_000)),
        2 => LiveUpdate::Cluster(lost(7, &["s1: gone", ""], what > 100)),
        3 => LiveUpdate::Datastore(seen(datastore(&["10.0.0.1|none|f|4000000000"]), "pg", 0)),
        4 => LiveUpdate::Datastore(lost(0, &[], false)),
        5 => LiveUpdate::Certificates(vec![certificate("", "", i64::MIN, Some("x"))]),
        8 => LiveUpdate::Details(ObjectName::Node("k3s-s1".into()), Ok(Details::default())),
        7 => LiveUpdate::Clock(after(i64::from(what) * 1000)),
        9 => LiveUpdate::Refused(Unreached {
            wants: vec![CredentialRequest {
                what: CredentialKind::SudoPassword { of: None },
                wrong: false,
            }],
            ..Unreached::new("server-1", "no root")
        }),
        6 => LiveUpdate::Balancer(balancer(Some("no answer"))),
        _ => LiveUpdate::Certificates(vec![certificate("a", "b", i64::MAX, None)]),
    }
}

fn balancer(problem: Option<&str>) -> Balancer {
    Balancer {
        address: "198.51.100.14:6443".into(),
        got: problem.unwrap_or("pong").into(),
        problem: problem.map(str::to_owned),
    }
}

pub fn tell(model: &mut Model, sight: LiveUpdate) -> Vec<Effect> {
    update(model, Message::Live(Box::new(sight)))
}

/// A run that ended well, and is looked at.
pub fn live(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = run_until(theme, size, "run.jsonl", u64::MAX);
    update(
        &mut model,
        Message::Files(RunFiles {
            log: Some("/state/lab/runs/20261124T215440Z-3f2a.jsonl".into()),
            kubeconfig: "/state/lab/kubeconfig".into(),
            next: vec![
                "export KUBECONFIG=/state/lab/kubeconfig".into(),
                "kubectl get nodes".into(),
            ],
        }),
    );
    let certificates = vec![
        certificate("the authority", "2036-11-24", 3651, None),
        certificate("Postgres", "2029-02-27", 825, None),
        certificate("k3s-server-1", "2029-02-27", 825, None),
        certificate("k3s-server-2", "2029-02-27", 825, None),
    ];
    tell(&mut model, LiveUpdate::Certificates(certificates));
    let picture = model
        .common
        .run
        .progress
        .cluster
        .clone()
        .expect("a cluster");
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "k3s-server-1", 2)),
    );
    let lines = ["198.51.100.12|TLSv1.3|t|7", "198.51.100.13|TLSv1.3|t|5"];
    let picture = datastore(&lines);
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(picture, "k3s-postgres", 2)),
    );
    model
}

/// Server 1 is gone, the others say so.
pub fn without_server_1(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = live(theme, size);
    let picture = cluster(ILL);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "k3s-server-2", 48)),
    );
    let lines = ["198.51.100.13|TLSv1.3|t|5"];
    let picture = datastore(&lines);
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(picture, "k3s-postgres", 48)),
    );
    model
}

pub fn stale(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = live(theme, size);
    let why = [
        "k3s-server-1: the connection was lost: the host closed it",
        "k3s-server-2: kubectl failed with status 1: The connection to the server 127.0.0.1:6443 \
         was refused - did you specify the right host or port?",
    ];
    tell(&mut model, LiveUpdate::Cluster(lost(90, &why, false)));
    let why = ["k3s-postgres: querying Postgres failed with status 2: connection refused"];
    tell(&mut model, LiveUpdate::Datastore(lost(92, &why, false)));
    model
}

pub fn ending(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = live(theme, size);
    let certificates = vec![
        certificate("Postgres", "2027-01-03", 41, Some("it expires soon: …")),
        certificate("k3s-server-1", "2026-11-20", -5, Some("it has expired: …")),
        certificate("the authority", "2036-11-24", 3651, None),
        certificate("k3s-server-2", "2029-02-27", 825, None),
    ];
    tell(&mut model, LiveUpdate::Certificates(certificates));
    press(&mut model, "<PgDn>");
    model
}

#[test]
fn what_was_lost_and_comes_back_is_live_again() {
    let mut model = stale(MONO, SMALL);
    assert!(text(&model).contains("NOT live"));
    let picture = cluster(READY);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "k3s-server-2", 200)),
    );
    let page = text(&model);
    assert!(page.contains("Live: polling k3s-server-2"), "{page}");
    assert!(page.contains("Nodes  all healthy"), "{page}");

    tell(
        &mut model,
        LiveUpdate::Cluster(lost(300, &["s1: no"], true)),
    );
    let page = text(&model);
    assert!(page.contains("The checks have stopped"), "{page}");
}

#[test]
fn proofs_are_not_green_while_the_datastore_has_a_problem() {
    let problem = "the cluster has problems now";
    let mut model = live(MONO, (120, 90));
    assert!(!text(&model).contains(problem));
    tell(
        &mut model,
        LiveUpdate::Datastore(lost(90, &["pg: no"], false)),
    );
    assert!(text(&model).contains(problem), "{}", text(&model));
    let lines = ["198.51.100.12|TLSv1.3|t|7", "198.51.100.13|TLSv1.3|t|5"];
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(datastore(&lines), "pg", 95)),
    );
    assert!(!text(&model).contains(problem));
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(datastore(&lines[..1]), "pg", 99)),
    );
    assert!(text(&model).contains(problem), "{}", text(&model));
}

pub fn topology(answers: &Answers) -> Topology {
    Topology::of(answers).expect("a topology")
}

/// Which of two load balancers hold the address.
pub fn holder(looks: &[(&str, bool)]) -> VirtualAddress {
    let looks = looks
        .iter()
        .map(|(name, holds)| ((*name).to_owned(), *holds));
    let address = NetworkName::parse("10.0.0.4").expect("an address");
    VirtualAddress::of(&address, &looks.collect::<Vec<_>>())
}

const CONNECTED: &str = "client|198.51.100.12|TLSv1.3|t|7\nclient|198.51.100.13|TLSv1.3|t|5";

/// The nodes of the example's hosts; those with a mark are not ready.
fn nodes_of(answers: &Answers, unready: &[&str]) -> Cluster {
    let topology = topology(answers);
    let node = |name: &str| {
        let bad = unready.contains(&name);
        crate::cluster::Node {
            name: name.to_owned(),
            status: if bad { "NotReady" } else { "Ready" }.to_owned(),
            roles: "<none>".into(),
            version: "v1.36.2+k3s1".into(),
            internal_ip: String::new(),
            created: None,
            problem: bad.then(|| "the kubelet does not answer".to_owned()),
            waiting: None,
        }
    };
    Cluster {
        nodes: topology.nodes().map(|member| node(&member.name)).collect(),
        pods: Vec::new(),
    }
}

/// Two of everything, all of it well.
pub fn drawn(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = watched::watched(theme, size);
    let answers = pair_answers();
    tell(
        &mut model,
        LiveUpdate::Topology(Box::new(topology(&answers))),
    );
    let picture = nodes_of(&answers, &[]);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "server-1", 5)),
    );
    let standby = format!("primary|t\nfollower|10.0.0.6|t|128|3\n{CONNECTED}");
    let picture = pair(&standby, Some("standby|t"));
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(picture, "postgres", 5)),
    );
    tell(&mut model, LiveUpdate::Balancer(balancer(None)));
    let held = holder(&[("balancer", true), ("balancer-2", false)]);
    tell(&mut model, LiveUpdate::Holder(held, Vec::new()));
    model
}

/// The same: a server is not ready, the standby and the second load balancer are gone.
pub fn drawn_unhealthy(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = drawn(theme, size);
    let picture = nodes_of(&pair_answers(), &["server-2"]);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "server-1", 9)),
    );
    let picture = pair(&format!("primary|t\n{CONNECTED}"), None);
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(picture, "postgres", 9)),
    );
    let held = holder(&[("balancer", true)]);
    tell(
        &mut model,
        LiveUpdate::Holder(held, vec!["balancer-2".into()]),
    );
    model
}

/// Nothing answers.
pub fn drawn_lost(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = drawn(theme, size);
    tell(
        &mut model,
        LiveUpdate::Cluster(lost(90, &["server-1: no"], false)),
    );
    tell(
        &mut model,
        LiveUpdate::Datastore(lost(92, &["postgres: no"], false)),
    );
    let gone = vec!["balancer".into(), "balancer-2".into()];
    tell(&mut model, LiveUpdate::Holder(holder(&[]), gone));
    model
}

/// One of each, and more agents than there is room for, two of which are unhealthy.
pub fn drawn_large(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = watched::watched(theme, size);
    let mut answers = filled_answers();
    for number in 2..40 {
        let (name, address) = (format!("agent-{number}"), format!("10.0.1.{number}"));
        answers.hosts.push(Host::new(&name, Role::Agent, &address));
    }
    tell(
        &mut model,
        LiveUpdate::Topology(Box::new(topology(&answers))),
    );
    let picture = nodes_of(&answers, &["agent-7", "agent-38"]);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "server-1", 5)),
    );
    let lines = ["198.51.100.12|TLSv1.3|t|7", "198.51.100.13|TLSv1.3|t|5"];
    tell(
        &mut model,
        LiveUpdate::Balancer(balancer(Some("no answer"))),
    );
    tell(
        &mut model,
        LiveUpdate::Datastore(seen(datastore(&lines), "postgres", 5)),
    );
    model
}

/// Load balancer and Postgres of others.
pub fn drawn_external(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = watched::watched(theme, size);
    let answers = external_answers();
    tell(
        &mut model,
        LiveUpdate::Topology(Box::new(topology(&answers))),
    );
    tell(&mut model, LiveUpdate::Balancer(balancer(None)));
    model
}

/// Every line fits, and nothing but ASCII is drawn where that is asked for.
#[test]
fn the_drawing_fits_at_every_width() {
    for make in [
        drawn,
        drawn_unhealthy,
        drawn_lost,
        drawn_large,
        drawn_external,
    ] {
        for width in [80, 81, 99, 120, 200] {
            let page = text(&make(ASCII, (width, 24)));
            assert!(page.is_ascii(), "{page}");
            let role = page.lines().find(|line| line.starts_with("server "));
            assert!(role.is_some_and(|line| line.contains(']')), "{page}");
        }
    }
    let page = text(&drawn_large(MONO, SMALL));
    assert!(page.contains("✗ agent-7 NotReady"), "{page}");
    assert!(page.contains("✗ agent-38 NotReady"), "{page}");
    assert!(page.contains(" more"), "{page}");
}

/// What the members of a pair say.
fn pair(one: &str, other: Option<&str>) -> Datastore {
    let look = |said: &str| MemberLook::parse(said.lines());
    let members = [
        (named("postgres", "10.0.0.5"), look(one)),
        (named("postgres-2", "10.0.0.6"), other.and_then(look)),
    ];
    Datastore::of(&members, &servers())
}

#[test]
fn a_pair_shows_its_primary_and_whether_the_standby_is_in_sync() {
    const CLIENTS: &str = "client|198.51.100.12|TLSv1.3|t|7\nclient|198.51.100.13|TLSv1.3|t|5";
    let of_datastore = |datastore: Datastore| {
        let mut model = live(MONO, (100, 90));
        tell(
            &mut model,
            LiveUpdate::Datastore(seen(datastore, "postgres", 48)),
        );
        let looks = [
            ("balancer".to_owned(), false),
            ("balancer-2".to_owned(), true),
        ];
        let ip = NetworkName::parse("10.0.0.4").unwrap();
        let held = VirtualAddress::of(&ip, &looks);
        tell(&mut model, LiveUpdate::Holder(held, Vec::new()));
        let page = text(&model);
        let from = page.find("Virtual address  ").expect("the holder");
        let rest = &page[from..];
        rest[..rest.find("Proofs").unwrap_or(rest.len())].to_owned()
    };
    let in_sync = format!("primary|t\nfollower|10.0.0.6|t|8192|3\n{CLIENTS}");
    let well = of_datastore(pair(&in_sync, Some("standby|t")));
    // It was cut off, and the other one has taken over.
    let alone = of_datastore(pair("primary|t", Some(&format!("primary|f\n{CLIENTS}"))));
    let unseen = of_datastore(pair(&in_sync, None));
    insta::assert_snapshot!([well, alone, unseen].join("\n"));
}

#[test]
fn nothing_moves_by_itself_on_a_live_page() {
    for make in [live, stale] {
        let mut model = make(MONO, LARGE);
        let before = text(&model);
        assert_eq!(model.wakes(), None);
        update(&mut model, Message::Tick(3_600_000));
        assert_eq!(text(&model), before);
    }
}

#[test]
fn a_picture_that_shrinks_under_the_eye_is_still_drawn() {
    let mut model = ending(MONO, SMALL);
    press(&mut model, "<End>");
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(Cluster::default(), "k3s-server-1", 60)),
    );
    draw(&model);
    press(&mut model, "<Home>");
    assert!(text(&model).contains("Live: polling k3s-server-1"));
}

#[test]
fn whoever_goes_back_to_the_answers_looks_at_no_cluster_any_more() {
    let mut model = run_until(MONO, SMALL, "run-failed.jsonl", u64::MAX);
    assert_eq!(tell(&mut model, sight(0)), []);
    press(&mut model, "e");
    assert_eq!(model.page, Page::Review);
    assert_eq!(tell(&mut model, sight(0)), [Effect::Abort(Abort::Hard)]);
    assert!(model.pages.cluster.cluster.seen.is_none());
    // What comes late must not end a run that has just begun.
    model.common.at_work = true;
    assert_eq!(tell(&mut model, sight(0)), []);
}

#[test]
fn a_load_balancer_that_is_off_shows_first_and_its_return_too() {
    let mut model = live(MONO, (120, 90));
    tell(&mut model, LiveUpdate::Balancer(balancer(None)));
    assert!(text(&model).contains("Load balancer  answers as this cluster"));
    let off = "connection refused";
    tell(&mut model, LiveUpdate::Balancer(balancer(Some(off))));
    let page = text(&model);
    let (balancer_at, nodes_at) = (page.find("Load balancer"), page.find("Nodes"));
    assert!(balancer_at.is_some() && balancer_at < nodes_at, "{page}");
    assert!(
        page.contains("198.51.100.14:6443: connection refused"),
        "{page}"
    );
    tell(&mut model, LiveUpdate::Balancer(balancer(None)));
    assert!(!text(&model).contains(off));
}

pub const ZOO: &str = include_str!("../../../../tests/fixtures/real/pods-zoo.json");

/// Eighteen pods, most of them unhealthy, some with long names.
pub fn zoo(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = live(theme, size);
    let picture = cluster(&format!("{ILL}{ZOO}"));
    tell(&mut model, LiveUpdate::Cluster(seen(picture, "k3s-s1", 48)));
    model
}

#[test]
fn a_table_wider_than_the_screen_scrolls_by_whole_columns() {
    let mut model = zoo(MONO, SMALL);
    let first = text(&model);
    // Every head of every column is shown whole somewhere on the way, and the way ends.
    let heads = |page: &str| {
        let line = page.lines().find(|line| line.contains("NAMESPACE"));
        line.unwrap_or_default().replace(['‹', '›'], " ")
    };
    let mut met = String::new();
    for _ in 0..9 {
        met.push_str(&heads(&text(&model)));
        press(&mut model, "<Right>");
    }
    for head in ["READY", "STATUS", "RESTARTS", "AGE", "NODE"] {
        let mut words = met.split_whitespace();
        assert!(words.any(|word| word == head), "{head} in {met}");
    }
    let last = text(&model);
    press(&mut model, "<Right>");
    assert_eq!(text(&model), last);
    press(&mut model, &"<Left>".repeat(9));
    assert_eq!(text(&model), first);
}

#[test]
fn ages_are_told_as_of_the_last_look() {
    let mut model = live(MONO, SMALL);
    let picture = cluster(READY);
    tell(
        &mut model,
        LiveUpdate::Cluster(seen(picture, "k3s-server-1", 2)),
    );
    let age = |model: &Model| -> String {
        let page = text(model);
        let line = page
            .lines()
            .find(|line| line.contains("k3s-s1"))
            .unwrap_or_default();
        line.split_whitespace()
            .nth(4)
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(age(&model), "22h");
    tell(&mut model, LiveUpdate::Clock(after(3 * 86_400)));
    assert_eq!(age(&model), "3d");
    // A clock that was put back makes nothing younger.
    tell(&mut model, LiveUpdate::Clock(after(-86_400)));
    assert_eq!(age(&model), "3d");
}
