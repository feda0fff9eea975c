use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::events::Abort;
use crate::remote::program::call;
use crate::remote::scripted::Reply;
use crate::remote::{Script, Scripted};

const NOW: Duration = Duration::ZERO;
const ASK: &str = "uptime";

/// Connections to a host, one after the other; then none is to be had.
fn place(
    host: &str,
    connections: Vec<Result<Scripted, RemoteError>>,
) -> (PollTarget, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let name = host.to_owned();
    let mut connections = connections.into_iter();
    let connector: Connector = Box::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        match connections.next() {
            Some(Ok(remote)) => Ok(Box::new(remote) as Box<dyn Remote>),
            Some(Err(error)) => Err(error),
            None => Err(unreachable(&name)),
        }
    });
    let host = host.to_owned();
    (PollTarget { host, connector }, made)
}

fn unreachable(host: &str) -> RemoteError {
    RemoteError::Unreachable {
        host: host.to_owned(),
        to: "10.0.0.1:22".to_owned(),
        why: "no route".to_owned(),
    }
}

/// A host that gives these answers, one after the other, and then is lost.
fn says(host: &str, answers: &[&str]) -> Scripted {
    let all = answers.iter().fold(Scripted::new(host), |host, answer| {
        host.once(ASK, Reply::exit(0).out(answer))
    });
    all.on(ASK, Reply::lost())
}

/// What is told, in short, until so many looks were made.
fn told(places: Vec<PollTarget>, looks: usize) -> Vec<String> {
    let control = Control::default();
    let told = Mutex::new(Vec::new());
    let mut left = looks;
    watch(
        places,
        &control,
        NOW,
        &mut |remote| {
            left -= 1;
            if left == 0 {
                control.abort(Abort::Hard, "enough");
            }
            call(
                remote,
                "the test",
                &Script::new(ASK),
                Duration::from_secs(1),
            )
        },
        &mut |news| {
            let line = match news {
                News::Seen(seen) => format!("{} by {}", seen.picture, seen.from),
                News::Lost(lost) => {
                    let end = if lost.given_up { ", given up" } else { "" };
                    format!("lost: {}{end}", lost.why.join(" & "))
                }
            };
            told.lock().unwrap().push(line);
            true
        },
    );
    told.into_inner().unwrap()
}

#[test]
fn only_what_changes_is_told_over_one_connection() {
    let host = says("s1", &["a", "a", "a", "b", "b", "a"]);
    let scripts = host.told();
    let (place, made) = place("s1", vec![Ok(host)]);
    assert_eq!(told(vec![place], 6), ["a by s1", "b by s1"]);
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert_eq!(scripts.count(ASK), 6);
}

#[test]
fn the_next_server_is_asked_when_one_is_lost_and_kept_while_it_answers() {
    let (first, made) = place("s1", vec![Ok(says("s1", &["a", "a"]))]);
    let (second, _) = place("s2", vec![Ok(says("s2", &["a", "b", "b", "b"]))]);
    let news = told(vec![first, second], 6);
    let lost = "lost: s1: the connection was lost: cut by the test";
    assert_eq!(news, ["a by s1", lost, "a by s2", "b by s2"]);
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[test]
fn while_nobody_answers_it_is_told_once_and_then_that_somebody_does() {
    let no = || Err(unreachable("s1"));
    let again = vec![
        Ok(says("s1", &["a"])),
        no(),
        no(),
        no(),
        Ok(says("s1", &["a"])),
    ];
    let (place, made) = place("s1", again);
    let news = told(vec![place], 4);
    insta::assert_debug_snapshot!(news, @r#"
    [
        "a by s1",
        "lost: s1: the connection was lost: cut by the test",
        "lost: s1: cannot reach 10.0.0.1:22: no route",
        "a by s1",
    ]
    "#);
    assert!(made.load(Ordering::Relaxed) >= 5);
}

#[test]
fn what_fails_on_a_host_that_answers_needs_no_other_connection() {
    let host = Scripted::new("pg")
        .once(ASK, Reply::exit(1).err("no server"))
        .once(ASK, Reply::exit(1).err("no server"))
        .on(ASK, Reply::exit(0).out("a"));
    let (place, made) = place("pg", vec![Ok(host)]);
    let news = told(vec![place], 4);
    assert_eq!(
        news,
        [
            "lost: pg: the test failed with status 1: no server",
            "a by pg"
        ]
    );
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[test]
fn a_refused_login_is_not_tried_again() {
    let refused = |host: &str| {
        Err(RemoteError::Auth {
            host: host.to_owned(),
            user: "admin".to_owned(),
            why: "no".to_owned(),
            wants: Vec::new(),
        })
    };
    let (first, made_first) = place("s1", vec![refused("s1")]);
    let (second, made_second) = place("s2", vec![refused("s2")]);
    let news = told(vec![first, second], 9);
    assert_eq!(
        news,
        [
            "lost: s1: cannot log in as admin: no",
            "lost: s1: cannot log in as admin: no & s2: cannot log in as admin: no, given up"
        ]
    );
    assert_eq!(made_first.load(Ordering::Relaxed), 1);
    assert_eq!(made_second.load(Ordering::Relaxed), 1);
}

#[test]
fn it_ends_when_nobody_wants_to_hear_more() {
    let (place, _) = place("s1", vec![Ok(says("s1", &["a", "b", "c"]))]);
    let control = Control::default();
    let mut heard = 0;
    watch(
        vec![place],
        &control,
        NOW,
        &mut |remote| {
            call(
                remote,
                "the test",
                &Script::new(ASK),
                Duration::from_secs(1),
            )
        },
        &mut |_| {
            heard += 1;
            heard < 2
        },
    );
    assert_eq!(heard, 2);
}

#[test]
fn the_latest_picture_is_kept_while_nobody_answers() {
    let seen = |picture| {
        News::Seen(Seen {
            picture,
            from: "s1".to_owned(),
            since: now(),
        })
    };
    let mut watched = Watched::default();
    watched.told(seen(1));
    watched.told(News::Lost(Lost {
        since: now(),
        last: Some(now()),
        why: vec!["s1: gone".to_owned()],
        given_up: false,
    }));
    assert_eq!(watched.seen.as_ref().map(|seen| seen.picture), Some(1));
    assert!(watched.lost.is_some());
    watched.told(seen(2));
    assert_eq!(watched.seen.map(|seen| seen.picture), Some(2));
    assert_eq!(watched.lost, None);
}
