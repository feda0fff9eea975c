//! From a step to the script for a host: its inputs as shell variables, the prelude, the platform's
//! functions, the step's own file, and the call that drives it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Act, Late, Shell, Value};
use crate::platform::PRELUDE;
use crate::remote::Script;
use crate::remote::script::quoted;
use crate::secrets::SecretText;

/// The known late-bound inputs.
pub type LateValues = BTreeMap<Late, SecretText>;

/// Why a step cannot be sent to a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not known yet")]
pub struct UnboundInput(pub Late);

/// A step's answer about its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub status: CheckStatus,
    /// The reason; may be empty.
    pub reason: String,
}

/// What `answer` in the prelude returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    Satisfied,
    Not,
    CannotTell,
    MustNot,
}

impl From<i32> for CheckStatus {
    fn from(status: i32) -> Self {
        match status {
            0 => Self::Satisfied,
            1 => Self::Not,
            3 => Self::MustNot,
            _ => Self::CannotTell,
        }
    }
}

/// The status codes of `drive` in the prelude, other than success.
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

    /// A script with this step's inputs in front.
    pub(super) fn with_inputs(
        &self,
        script: Script,
        late: &LateValues,
    ) -> Result<Script, UnboundInput> {
        self.inputs
            .iter()
            .try_fold(script, |script, (name, value)| {
                let text = match value {
                    Value::Plain(text) => text.as_str().into(),
                    Value::Secret(text) => text.clone(),
                    Value::Late(name) => late.get(name).ok_or(UnboundInput(*name))?.clone(),
                };
                Ok(script.input(name, text))
            })
    }

    /// The whole script for people: secrets are masked, and inputs that are not known yet are
    /// named.
    pub fn to_read(&self) -> String {
        self.driven_by("drive")
    }

    fn driven_by(&self, driver: &str) -> String {
        let mut text = String::from("#!/bin/sh\n");
        for (name, value) in &self.inputs {
            let shown = match value {
                Value::Plain(text) => quoted(text).unwrap_or_default(),
                Value::Secret(_) => "'[secret]'".to_owned(),
                Value::Late(late) => format!("'[{late}]'"),
            };
            let _ = writeln!(text, "{name}={shown}");
        }
        let functions = self.platform.family.functions;
        let _ = write!(text, "{PRELUDE}\n{functions}\n{}\n{driver}\n", self.source);
        text
    }
}

impl Act {
    /// As [`Shell::to_read`].
    pub fn to_read(&self) -> String {
        self.shell.driven_by("perform")
    }
}

/// The script that checks any number of steps on one host; [`read_answers`] parses its output.
/// `mark` ends each answer, and must be unknown to the host.
pub fn ask_script(mark: &str, steps: &[&Shell], late: &LateValues) -> Result<Script, UnboundInput> {
    of_each(steps, mark, |step| {
        let asked = step.with_inputs(Script::new(step.source), late)?;
        Ok(Script::new("(")
            .then(asked)
            .then("answer\n) 2>&1")
            .then("printf '\\n%s %d\\n' \"$MARK\" $?"))
    })
}

/// One script for any number of steps of one host; `each` builds a step's part, which prints MARK.
pub(super) fn of_each(
    steps: &[&Shell],
    mark: &str,
    each: impl Fn(&Shell) -> Result<Script, UnboundInput>,
) -> Result<Script, UnboundInput> {
    let functions = steps
        .first()
        .map_or("", |step| step.platform.family.functions);
    let script = Script::new(PRELUDE).then(functions).input("MARK", mark);
    steps
        .iter()
        .try_fold(script, |script, step| Ok(script.then(each(step)?)))
}

/// The answers, in the order of the steps; fewer if the host stopped answering.
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

/// The script that carries out a step, in a separate unit on the host.
pub fn apply_script(step: &Shell, late: &LateValues) -> Result<Script, UnboundInput> {
    driven(step, "drive\n", late)
}

/// Does what an act does: its standard output is what it delivers.
pub fn act_script(act: &Act, late: &LateValues) -> Result<Script, UnboundInput> {
    driven(&act.shell, "perform\n", late)
}

fn driven(step: &Shell, driver: &'static str, late: &LateValues) -> Result<Script, UnboundInput> {
    let script = Script::new(PRELUDE)
        .then(step.platform.family.functions)
        .then(step.source)
        .then(driver);
    step.with_inputs(script, late)
}
