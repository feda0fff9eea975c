//! More of one node or pod than the lists tell: what an operator looks at when it is unhealthy.
//!
//! All of it comes from a host. Every text is cleaned and bounded where it is taken in.
//!
//! * `node`, `pod`: what they say, and what to look at next
//! * `event`: what Kubernetes reported of a pod; `log`: what its container printed

mod event;
mod log;
mod node;
mod pod;

use std::fmt;

use time::OffsetDateTime;

use super::objects::NodeJson;
use crate::letters::misleads;
use crate::redact::{PemBlock, Redactor};

pub(super) use event::{EventJson, events};
pub(super) use log::{LogRequest, log_tail, request as log_request};
pub(super) use node::add_to_pod as add_node;
pub(super) use pod::{details as of_pod, is_unhealthy};

/// How long a text may be.
const TEXT: usize = 1000;
/// How many parts, facts and notes an object may have.
const MANY: usize = 60;

/// Names a node or a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectName {
    Node(String),
    Pod { namespace: String, name: String },
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "node {name}"),
            Self::Pod { namespace, name } => write!(f, "pod {namespace}/{name}"),
        }
    }
}

/// One node or pod at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Labels and texts: addresses, version, taints.
    pub facts: Vec<(String, String)>,
    /// The conditions of a node, the containers of a pod.
    pub parts: Vec<ObjectPart>,
    /// The last ones of a pod, oldest first.
    pub events: Vec<ObjectEvent>,
    /// The end of the log of an unhealthy pod.
    pub log: Option<LogTail>,
    /// What to look at next; `None` where nothing is wrong.
    pub next: Option<String>,
    /// What could not be asked, and why.
    pub missing: Vec<String>,
}

/// A condition, or a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPart {
    pub name: String,
    pub state: String,
    pub is_wrong: bool,
    pub notes: Vec<String>,
}

/// What a component of Kubernetes reported of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// For the last time.
    pub when: Option<OffsetDateTime>,
    pub is_warning: bool,
    pub reason: String,
    pub message: String,
    /// How often it was seen.
    pub count: u64,
}

/// The last lines that a container printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTail {
    pub container: String,
    /// They are of the container before the last restart.
    pub is_previous: bool,
    pub lines: Vec<String>,
    /// Lines after these are missing: they would have been too long.
    pub is_cut: bool,
}

impl Details {
    pub(super) fn of_node(node: &NodeJson) -> Self {
        node::details(node)
    }

    /// Without these secrets, and without anything that looks like one.
    pub fn redacted(self, redactor: &Redactor) -> Self {
        let text = |text: String| redactor.text(&text).into_owned();
        let texts = |texts: Vec<String>| {
            let mut block = PemBlock::default();
            let texts = texts.into_iter();
            let texts = texts.map(|line| {
                if block.covers(&line) {
                    crate::redact::MASK.to_owned()
                } else {
                    text(line)
                }
            });
            texts.collect::<Vec<_>>()
        };
        let fact = |(label, fact)| (text(label), text(fact));
        let part = |part: ObjectPart| ObjectPart {
            name: text(part.name),
            state: text(part.state),
            notes: texts(part.notes),
            ..part
        };
        let event = |event: ObjectEvent| ObjectEvent {
            reason: text(event.reason),
            message: text(event.message),
            ..event
        };
        Self {
            facts: self.facts.into_iter().map(fact).collect(),
            parts: self.parts.into_iter().map(part).collect(),
            events: self.events.into_iter().map(event).collect(),
            log: self.log.map(|log| LogTail {
                container: text(log.container),
                lines: texts(log.lines),
                ..log
            }),
            next: self.next.map(text),
            missing: texts(self.missing),
        }
    }
}

/// A text of a host on one line: without what a terminal obeys or what turns its direction, and no
/// longer than that.
fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    let mut letters = text.trim_end().chars();
    while let Some(letter) = letters.next() {
        if cleaned.len() >= TEXT {
            cleaned.push('…');
            break;
        }
        match letter {
            '\u{1b}' => skip_sequence(&mut letters),
            '\t' | '\n' => cleaned.push(' '),
            letter if letter.is_control() || misleads(letter) => {}
            letter => cleaned.push(letter),
        }
    }
    cleaned
}

/// What follows an escape character: for a sequence that begins with `[`, as colours do, up to the
/// letter that ends it (ECMA-48); else one character.
fn skip_sequence(letters: &mut std::str::Chars<'_>) {
    if letters.next() == Some('[') {
        letters.find(|letter| matches!(letter, '\u{40}'..='\u{7e}'));
    }
}

/// `what: why`, or what alone.
fn with(what: &str, why: &str) -> String {
    match (what, why) {
        (what, "") => what.to_owned(),
        ("", why) => why.to_owned(),
        (what, why) => format!("{what}: {why}"),
    }
}

#[cfg(test)]
mod tests;
