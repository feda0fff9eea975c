//! Events without secrets.

use super::{DrillFigures, DrillStart, End, Failure, Outcome, What};
use crate::cluster::{Cluster, Node, Pod};
use crate::redact::{MASK, PemBlock, Redactor};
use std::borrow::Cow;

impl What {
    /// Removes secrets from an event. Names of hosts, steps and runs stay: they come from the plan
    /// and identify everything.
    #[must_use]
    pub fn without(self, secrets: &Redactor) -> Self {
        Redacting(secrets).what(self)
    }
}

struct Redacting<'a>(&'a Redactor);

impl Redacting<'_> {
    fn string(&self, text: String) -> String {
        match self.0.text(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(redacted) => redacted,
        }
    }

    fn strings<C: FromIterator<String>>(&self, texts: impl IntoIterator<Item = String>) -> C {
        texts.into_iter().map(|text| self.string(text)).collect()
    }

    fn what(&self, what: What) -> What {
        // No `..` here: every new field needs a decision.
        match what {
            What::Started {
                format,
                run,
                when,
                operator,
                version,
                mut plan,
            } => {
                for phase in &mut plan.phases {
                    phase.title = self.string(std::mem::take(&mut phase.title));
                    for step in &mut phase.steps {
                        step.title = self.string(std::mem::take(&mut step.title));
                    }
                }
                What::Started {
                    format,
                    run,
                    when,
                    operator: self.string(operator),
                    version,
                    plan,
                }
            }
            What::Warned { host, text } => What::Warned {
                host,
                text: self.string(text),
            },
            What::Renewed { certificate, why } => What::Renewed {
                certificate: self.string(certificate),
                why: self.string(why),
            },
            What::Connection { host, state, text } => What::Connection {
                host,
                state,
                text: self.string(text),
            },
            What::StepStarted { step, attempt } => What::StepStarted { step, attempt },
            What::StepApplies { step } => What::StepApplies { step },
            What::Output { step, stream, text } => What::Output {
                step,
                stream,
                text: self.string(text),
            },
            What::Proved {
                step,
                case,
                expected,
                got,
                holds,
            } => What::Proved {
                step,
                case: self.string(case),
                expected: self.string(expected),
                got: self.string(got),
                holds,
            },
            What::StepEnded { step, outcome } => What::StepEnded {
                step,
                outcome: self.outcome(outcome),
            },
            what @ (What::Asked { .. }
            | What::Decided { .. }
            | What::Held { .. }
            | What::Released
            | What::DrillSample { .. }
            | What::Missed { .. }) => what,
            What::Aborting { how, why } => What::Aborting {
                how,
                why: self.string(why),
            },
            What::DrillStarted { step, drill } => What::DrillStarted {
                step,
                drill: DrillStart {
                    drill: self.string(drill.drill),
                    ..drill
                },
            },
            What::Drilled { step, figures } => What::Drilled {
                step,
                figures: DrillFigures {
                    drill: self.string(figures.drill),
                    ..figures
                },
            },
            What::Cluster { cluster } => What::Cluster {
                cluster: self.cluster(cluster),
            },
            What::Ended { end } => What::Ended { end: self.end(end) },
            What::Unknown { kind } => What::Unknown {
                kind: self.string(kind),
            },
        }
    }

    fn end(&self, end: End) -> End {
        match end {
            End::Done => End::Done,
            End::Failed => End::Failed,
            End::Aborted { why } => End::Aborted {
                why: self.string(why),
            },
        }
    }

    fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done => Outcome::Done,
            Outcome::Unchanged => Outcome::Unchanged,
            Outcome::Warned { why } => Outcome::Warned {
                why: self.string(why),
            },
            Outcome::Skipped { why } => Outcome::Skipped {
                why: self.string(why),
            },
            Outcome::WontRun { because } => Outcome::WontRun {
                because: self.string(because),
            },
            Outcome::Failed(Failure {
                why,
                status,
                last_lines,
                hint,
            }) => Outcome::Failed(Failure {
                why: self.string(why),
                status,
                last_lines: self.lines(last_lines),
                hint: hint.map(|hint| self.string(hint)),
            }),
        }
    }

    /// Consecutive lines: a private key spans many.
    fn lines(&self, lines: Vec<String>) -> Vec<String> {
        let mut block = PemBlock::default();
        let masked = lines.into_iter().map(|line| {
            if block.covers(&line) {
                MASK.to_owned()
            } else {
                line
            }
        });
        self.strings(masked.collect::<Vec<_>>())
    }

    fn cluster(&self, cluster: Cluster) -> Cluster {
        let node = |node: Node| Node {
            status: self.string(node.status),
            problem: node.problem.map(|problem| self.string(problem)),
            ..node
        };
        let pod = |pod: Pod| Pod {
            status: self.string(pod.status),
            problem: pod.problem.map(|problem| self.string(problem)),
            ..pod
        };
        Cluster {
            nodes: cluster.nodes.into_iter().map(node).collect(),
            pods: cluster.pods.into_iter().map(pod).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::events::fixtures;

    /// Puts a secret into every text of an event, whatever it is.
    fn planted(value: &mut serde_json::Value, secret: &str) {
        match value {
            serde_json::Value::String(text) => *text = format!("{text} {secret} {text}"),
            serde_json::Value::Array(list) => {
                for value in list {
                    planted(value, secret);
                }
            }
            serde_json::Value::Object(fields) => {
                // The names that stay as they are, and the tags.
                const NAMES: &[&str] = &[
                    "event",
                    "step",
                    "host",
                    "state",
                    "stream",
                    "outcome",
                    "how",
                    "name",
                    "roles",
                    "version",
                    "internal_ip",
                    "namespace",
                    "ready",
                    "node",
                    "before",
                    "decision",
                    "by",
                ];
                let texts = fields
                    .iter_mut()
                    .filter(|(key, _)| !NAMES.contains(&key.as_str()));
                texts.for_each(|(_, value)| planted(value, secret));
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn no_secret_survives(
            what in fixtures::any_what(),
            secret in "[A-Za-z0-9'\"$%&/:+µ]{4,50}",
            other in "[A-Za-z0-9]{4,8}",
        ) {
            let mut value = serde_json::to_value(what).unwrap();
            planted(&mut value, &secret);
            let what: What = serde_json::from_value(value).unwrap();
            let secrets = [other.as_str().into(), secret.as_str().into()];
            let redactor = Redactor::new(&secrets);
            let mut value = serde_json::to_value(what.without(&redactor)).unwrap();
            texts(&mut value, &mut |text| assert!(!text.contains(&secret), "{text:?}"));
        }
    }

    fn texts(value: &mut serde_json::Value, look: &mut impl FnMut(&str)) {
        match value {
            serde_json::Value::String(text) => look(text),
            serde_json::Value::Array(list) => {
                for value in list {
                    texts(value, look);
                }
            }
            serde_json::Value::Object(fields) => {
                fields.values_mut().for_each(|value| texts(value, look));
            }
            _ => {}
        }
    }
}
