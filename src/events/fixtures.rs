//! Made-up plans and events, for tests.

use proptest::prelude::*;

use super::progress::Progress;
use super::{
    Abort, ConnectionState, DecidedBy, Decision, DrillFigures, DrillSample, DrillStart, End, Event,
    Failure, Outcome, Stream, What,
};
use crate::cluster::{Cluster, Node, Pod};
use crate::events::{Outline, OutlinePhase, OutlineStep, StepId};

/// `install@db`: the step, and the host it is about.
pub(crate) fn id(text: &str) -> StepId {
    match text.split_once('@') {
        Some((step, host)) => StepId::new(step, Some(host)),
        None => StepId::new(text, None),
    }
}

pub(crate) fn step(text: &str, needs: &[&str]) -> OutlineStep {
    OutlineStep {
        id: id(text),
        host: text.split_once('@').map(|(_, host)| host.to_owned()),
        title: format!("{text} is as it should be"),
        needs: needs.iter().map(|need| id(need)).collect(),
        may_be_skipped: false,
    }
}

pub(crate) fn outline(phases: &[(&str, &[OutlineStep])]) -> Outline {
    Outline {
        procedure: "install".into(),
        cluster: "made-up".into(),
        phases: phases
            .iter()
            .map(|(title, steps)| OutlinePhase {
                id: title.to_lowercase().replace(' ', "-"),
                title: (*title).to_owned(),
                steps: steps.to_vec(),
            })
            .collect(),
    }
}

/// Events, written down one after the other.
pub(crate) struct Tape {
    pub(crate) events: Vec<Event>,
    now: u64,
}

impl Tape {
    pub(crate) fn new(plan: Outline) -> Self {
        let mut tape = Self {
            events: Vec::new(),
            now: 0,
        };
        tape.event(What::Started {
            format: super::FORMAT,
            run: "20261124T215440Z-3f2a".into(),
            when: "2026-11-24T21:54:40Z".into(),
            operator: "root@jump".into(),
            version: "0.1.0".into(),
            plan,
        });
        tape
    }

    /// What follows happened at this time, in milliseconds.
    pub(crate) fn at(&mut self, now: u64) -> &mut Self {
        self.now = now;
        self
    }

    pub(crate) fn event(&mut self, what: What) -> &mut Self {
        self.events.push(Event {
            seq: self.events.len() as u64,
            at: self.now,
            what,
        });
        self
    }

    pub(crate) fn started(&mut self, step: &str) -> &mut Self {
        self.started_again(step, 1)
    }

    pub(crate) fn started_again(&mut self, step: &str, attempt: u32) -> &mut Self {
        let step = id(step);
        self.event(What::StepStarted { step, attempt })
    }

    pub(crate) fn applies(&mut self, step: &str) -> &mut Self {
        self.event(What::StepApplies { step: id(step) })
    }

    pub(crate) fn output(&mut self, step: &str, text: &str) -> &mut Self {
        self.event(What::Output {
            step: id(step),
            stream: Stream::Out,
            text: text.into(),
        })
    }

    pub(crate) fn proved(&mut self, step: &str, case: &str, holds: bool) -> &mut Self {
        self.event(What::Proved {
            step: id(step),
            case: case.into(),
            expected: "refused".into(),
            got: if holds { "refused" } else { "connected" }.into(),
            holds,
        })
    }

    pub(crate) fn ended(&mut self, step: &str, outcome: Outcome) -> &mut Self {
        let step = id(step);
        self.event(What::StepEnded { step, outcome })
    }

    pub(crate) fn connection(&mut self, host: &str, state: ConnectionState) -> &mut Self {
        self.event(What::Connection {
            host: host.into(),
            state,
            text: match state {
                ConnectionState::Up => "connected as root",
                ConnectionState::Lost => "the connection was lost: broken pipe",
            }
            .into(),
        })
    }

    /// A step from its start to its end.
    pub(crate) fn whole(&mut self, step: &str, from: u64, to: u64) -> &mut Self {
        self.at(from).started(step);
        self.at(to).ended(step, Outcome::Done)
    }

    pub(crate) fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for event in &self.events {
            progress.add(event);
        }
        progress
    }
}

const STEPS: [&str; 6] = ["a@h1", "b@h1", "c@h2", "d@h2", "e", "unknown@h9"];

fn any_step() -> impl Strategy<Value = StepId> {
    proptest::sample::select(STEPS.as_slice()).prop_map(id)
}

fn any_outline() -> impl Strategy<Value = Outline> {
    let needs = proptest::collection::vec(proptest::sample::subsequence(STEPS.to_vec(), 0..3), 5);
    needs.prop_map(|needs| {
        let steps: Vec<_> = std::iter::zip(STEPS, &needs)
            .map(|(text, needs)| step(text, needs))
            .collect();
        outline(&[("One", &steps[..2]), ("Two", &[]), ("Three", &steps[2..])])
    })
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::Unchanged),
        any::<String>().prop_map(|why| Outcome::Warned { why }),
        any::<String>().prop_map(|why| Outcome::Skipped { why }),
        any::<String>().prop_map(|because| Outcome::WontRun { because }),
        any_failure().prop_map(Outcome::Failed),
    ]
}

fn any_failure() -> impl Strategy<Value = Failure> {
    let rest = any::<(String, Option<i32>, Option<String>)>();
    let last_lines = proptest::collection::vec(any::<String>(), 0..4);
    (rest, last_lines).prop_map(|((why, status, hint), last_lines)| Failure {
        why,
        status,
        last_lines,
        hint,
    })
}

fn any_decision() -> impl Strategy<Value = Decision> {
    proptest::sample::select([Decision::Retry, Decision::Skip, Decision::GiveUp].as_slice())
}

fn any_cluster() -> impl Strategy<Value = Cluster> {
    any::<([String; 5], [String; 5], u64, Option<String>)>().prop_map(
        |(
            [name, status, roles, version, internal_ip],
            [namespace, pod, ready, state, node],
            restarts,
            problem,
        )| Cluster {
            nodes: vec![Node {
                waiting: None,
                name,
                status,
                roles,
                version,
                internal_ip,
                created: None,
                problem: problem.clone(),
            }],
            pods: vec![Pod {
                waiting: None,
                namespace,
                name: pod,
                ready,
                status: state,
                restarts,
                node,
                created: None,
                problem,
            }],
        },
    )
}

/// Anything that can happen but the start.
pub(crate) fn any_what() -> impl Strategy<Value = What> {
    let text = any::<String>;
    prop_oneof![
        (any::<Option<String>>(), text()).prop_map(|(host, text)| What::Warned { host, text }),
        (text(), any::<bool>(), text()).prop_map(|(host, up, text)| What::Connection {
            host,
            state: if up {
                ConnectionState::Up
            } else {
                ConnectionState::Lost
            },
            text,
        }),
        (any_step(), any::<u32>()).prop_map(|(step, attempt)| What::StepStarted { step, attempt }),
        any_step().prop_map(|step| What::StepApplies { step }),
        (any_step(), any::<bool>(), text()).prop_map(|(step, err, text)| What::Output {
            step,
            stream: if err { Stream::Err } else { Stream::Out },
            text,
        }),
        (any_step(), any::<[String; 3]>(), any::<bool>()).prop_map(
            |(step, [case, expected, got], holds)| What::Proved {
                step,
                case,
                expected,
                got,
                holds,
            }
        ),
        (any_step(), text(), any::<[Option<u64>; 2]>()).prop_map(|(step, drill, [limit, away])| {
            let drill = DrillStart { drill, limit, away };
            What::DrillStarted { step, drill }
        }),
        (any_step(), any::<[u64; 4]>()).prop_map(|(step, [a, b, c, d])| {
            let sample = DrillSample {
                acknowledged: 12,
                without_write: a,
                without_read: b,
                longest_without_write: c,
                longest_without_read: d,
            };
            What::DrillSample { step, sample }
        }),
        (any_step(), text(), any::<[u64; 4]>()).prop_map(|(step, drill, [a, b, c, d])| {
            What::Drilled {
                step,
                figures: DrillFigures {
                    drill,
                    acknowledged: 90,
                    lost: 1,
                    stale_reads: 2,
                    longest_without_write: a,
                    longest_without_read: b,
                    longest_without_kept: c,
                    broken_connections: 3,
                    redundant_after: d,
                },
            }
        }),
        (any_step(), any_outcome()).prop_map(|(step, outcome)| What::StepEnded { step, outcome }),
        any_step().prop_map(|step| What::Asked { step }),
        (any_step(), any_decision(), any::<bool>()).prop_map(|(step, decision, rule)| {
            What::Decided {
                step,
                decision,
                by: if rule {
                    DecidedBy::Rule
                } else {
                    DecidedBy::Operator
                },
            }
        }),
        Just(What::Held {
            before: "three".into()
        }),
        Just(What::Released),
        (text(), text()).prop_map(|(certificate, why)| What::Renewed { certificate, why }),
        any::<u64>().prop_map(|lines| What::Missed { lines }),
        text().prop_map(|kind| What::Unknown { kind }),
        (any::<bool>(), text()).prop_map(|(soft, why)| What::Aborting {
            how: if soft { Abort::Soft } else { Abort::Hard },
            why,
        }),
        any_cluster().prop_map(|cluster| What::Cluster { cluster }),
        prop_oneof![
            Just(End::Done),
            Just(End::Failed),
            text().prop_map(|why| End::Aborted { why }),
        ]
        .prop_map(|end| What::Ended { end }),
    ]
}

/// A plan, and events of it in any order, at times that may also go back.
pub(crate) fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let happens = proptest::collection::vec((0..10_000u64, any_what()), 0..40);
    (any_outline(), happens).prop_map(|(plan, happens)| {
        let mut tape = Tape::new(plan);
        for (at, what) in happens {
            tape.at(at).event(what);
        }
        tape.events
    })
}

/// What a drill showed, with a longest gap of `gap` ms without a write.
pub(crate) fn drill_figures(drill: &str, gap: u64) -> DrillFigures {
    DrillFigures {
        drill: drill.into(),
        acknowledged: 85,
        lost: 0,
        stale_reads: 0,
        longest_without_write: gap,
        longest_without_read: gap - 40,
        longest_without_kept: gap + 700,
        broken_connections: 1,
        redundant_after: 41_250,
    }
}
