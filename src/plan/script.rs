//! From a step to what is sent to a host: its inputs as shell variables, the prelude, what the
//! platform adds, the step's own file, and a word that drives it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Late, Shell, Value};
use crate::answers::SecretText;
use crate::remote::quote;

pub(super) const PRELUDE: &str = include_str!("../../assets/steps/prelude.sh");

/// What is known of the late-bound inputs.
pub type LateValues = BTreeMap<Late, SecretText>;

/// Why a step cannot be sent to a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnboundInput {
    #[error("{0} is not known yet")]
    Late(Late),
    #[error("the input {0} has a NUL in it, which no shell takes")]
    Nul(&'static str),
}

/// What a step's `satisfied` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub status: Status,
    /// Why; empty when there is nothing to say.
    pub reason: String,
}

/// What `satisfied` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Satisfied,
    Not,
    CannotTell,
    MustNot,
}

impl From<i32> for Status {
    fn from(status: i32) -> Self {
        match status {
            0 => Self::Satisfied,
            1 => Self::Not,
            3 => Self::MustNot,
            _ => Self::CannotTell,
        }
    }
}

/// How `drive` in the prelude ends when it did not simply succeed.
pub mod ended {
    pub const UNCHANGED: i32 = 40;
    pub const STILL_NOT: i32 = 41;
    pub const CANNOT_TELL: i32 = 42;
    pub const MUST_NOT: i32 = 43;
    pub const APPLY_FAILED: i32 = 44;
}

impl Shell {
    /// Whether all late-bound inputs are known.
    pub fn is_bound(&self, late: &LateValues) -> bool {
        self.inputs
            .iter()
            .all(|(_, value)| !matches!(value, Value::Late(name) if !late.contains_key(name)))
    }

    /// The inputs as assignments, a line each.
    pub(super) fn assignments(&self, late: &LateValues) -> Result<String, UnboundInput> {
        let mut lines = String::new();
        for (name, value) in &self.inputs {
            let text = match value {
                Value::Plain(text) => text,
                Value::Secret(text) => text.expose(),
                Value::Late(name) => late.get(name).ok_or(UnboundInput::Late(*name))?.expose(),
            };
            let quoted = quote(text).map_err(|_| UnboundInput::Nul(name))?;
            let _ = writeln!(lines, "{name}={quoted}");
        }
        Ok(lines)
    }

    /// The whole file as it would be sent to the host, for people: secrets are masked, and what is
    /// not known yet is named.
    pub fn to_read(&self) -> String {
        let mut text = String::from("#!/bin/sh\n");
        for (name, value) in &self.inputs {
            let shown = match value {
                Value::Plain(text) => quote(text).unwrap_or_default(),
                Value::Secret(_) => "'[secret]'".to_owned(),
                Value::Late(late) => format!("'[{late}]'"),
            };
            let _ = writeln!(text, "{name}={shown}");
        }
        let functions = self.platform.functions;
        let _ = write!(text, "{PRELUDE}\n{functions}\n{}\ndrive\n", self.source);
        text
    }
}

/// Asks one host about any number of steps in one go; [`read_answers`] reads what comes of it.
/// `mark` stands where an answer ends, and must be something that no host could know.
pub fn ask_script(mark: &str, steps: &[&Shell], late: &LateValues) -> Result<String, UnboundInput> {
    let functions = steps.first().map_or("", |step| step.platform.functions);
    let mut script = format!("{PRELUDE}\n{functions}\n");
    for step in steps {
        let inputs = step.assignments(late)?;
        let _ = writeln!(script, "(\n{inputs}{}\nsatisfied\n) 2>&1", step.source);
        let _ = writeln!(script, "printf '\\n%s %d\\n' {mark} $?");
    }
    Ok(script)
}

/// The answers, in the order of the steps; fewer when the host stopped in between.
pub fn read_answers(mark: &str, lines: &[String]) -> Vec<Asked> {
    let mut answers = Vec::new();
    let mut reason: Vec<&str> = Vec::new();
    for line in lines {
        let status = line
            .strip_prefix(mark)
            .and_then(|rest| rest.strip_prefix(' '))
            .and_then(|status| status.parse::<i32>().ok());
        match status {
            Some(status) => {
                answers.push(Asked {
                    status: status.into(),
                    reason: reason.join(" ").trim().to_owned(),
                });
                reason.clear();
            }
            None => reason.push(line),
        }
    }
    answers
}

/// Brings a step there: what runs in a unit of its own on the host.
pub fn apply_script(step: &Shell, late: &LateValues) -> Result<String, UnboundInput> {
    let inputs = step.assignments(late)?;
    let functions = step.platform.functions;
    Ok(format!(
        "{inputs}{PRELUDE}\n{functions}\n{}\ndrive\n",
        step.source
    ))
}
