//! `plan`: what install would do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::streams::{err, out};
use super::{complain, ended, open};
use crate::engine::control::Control;
use crate::events::{Event, Outline, StepId};
use crate::frontends::Output;
use crate::plan::Work;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::procedures::differences::Difference;
use crate::redact::Redactor;
use crate::report::diff::{FileChange, How};
use crate::report::lines::write_losses;
use crate::run::{
    Frontend, Opened, Outlook, Planned, Proceed, Purpose, Reach, Remaining, Tried, carry_out, exit,
};
use crate::state::files::{self, Existing};
use crate::topology::Link;

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The answers file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Write the shell scripts for every host into this folder, with secrets masked
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
}

impl PlanArgs {
    pub fn run(&self, output: Output, tried: &Tried) -> ExitCode {
        let opened = match open(&self.answers, Purpose::Look, tried) {
            Ok(opened) => opened,
            Err(code) => return code,
        };
        shown(opened, output, self.scripts.as_deref())
    }
}

/// Prints what a run would do, and changes nothing.
pub fn show(opened: Opened, output: Output) -> ExitCode {
    shown(opened, output, None)
}

fn shown(opened: Opened, output: Output, scripts: Option<&Path>) -> ExitCode {
    let mut dry = DryRun {
        scripts,
        output,
        written: Ok(()),
    };
    let planned = carry_out(opened, &Reach::All, &Control::default(), &mut dry);
    match dry.written {
        Ok(()) => ended(&planned),
        Err(error) => complain(&error, exit::FAILED),
    }
}

/// Prints a plan, or writes its scripts, and leaves it.
struct DryRun<'a> {
    scripts: Option<&'a Path>,
    output: Output,
    written: io::Result<()>,
}

impl Frontend for DryRun<'_> {
    fn reached(&mut self, host: &str, what: &str) {
        if self.output == Output::Lines {
            let _ = writeln!(out(), "{host}: {what}");
        }
    }

    fn checked(&mut self, grid: &Grid, _: &[(Link, Contact)]) {
        let _ = match self.output {
            Output::Lines => writeln!(out(), "\n{grid}"),
            Output::Json if grid.passes() => Ok(()),
            Output::Json => writeln!(err(), "{grid}"),
        };
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        self.written = match (self.scripts, self.output) {
            (Some(directory), _) => write_scripts(planned, directory),
            (None, Output::Lines) => out().write_all(as_lines(planned).as_bytes()),
            (None, Output::Json) => as_json(planned).and_then(|text| writeln!(out(), "{text}")),
        };
        Proceed::Leave
    }

    fn event(&mut self, _: &Event) {}

    fn log_lost(&mut self, _: &io::Error) {}
}

/// A plan for programs.
#[derive(Serialize)]
struct DryPlan<'a> {
    #[serde(flatten)]
    plan: Outline,
    differences: &'a [Difference],
    left: Remaining,
    /// By step: a diff for each file that exists and will change, secrets masked.
    files: BTreeMap<StepId, Vec<String>>,
}

impl<'a> DryPlan<'a> {
    fn of(planned: &'a Planned) -> Self {
        let outlook = planned.outlook();
        Self {
            plan: planned.plan().outline(),
            differences: planned.differences(),
            left: outlook.left,
            files: changes(outlook),
        }
    }
}

fn as_json(planned: &Planned) -> io::Result<String> {
    let mut value = serde_json::to_value(DryPlan::of(planned))?;
    mask(&mut value, &planned.redactor());
    Ok(value.to_string())
}

/// Masks secrets in the texts of a document, which stays what it is otherwise.
fn mask(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => *text = redactor.text(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(|it| mask(it, redactor)),
        Value::Object(fields) => fields.values_mut().for_each(|it| mask(it, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn as_lines(planned: &Planned) -> String {
    let mut text = planned.plan().to_string();
    let mut losses = Vec::new();
    // Memory takes it.
    let _ = write_losses(&mut losses, planned.topology());
    let _ = writeln!(
        text,
        "\nThe cluster, and what survives the loss of a machine"
    );
    text.push_str(&String::from_utf8_lossy(&losses));
    for difference in planned.differences() {
        let _ = write!(text, "\n{difference}");
    }
    let outlook = planned.outlook();
    let left = outlook.left;
    for (step, files) in changes(outlook) {
        for file in files {
            let _ = write!(text, "\n{step}: {file}");
        }
    }
    let _ = writeln!(text, "\n{left}");
    planned.redactor().text(&text).into_owned()
}

/// The existing files that will change. New files are in the plan with their whole content.
fn changes(outlook: Outlook) -> BTreeMap<StepId, Vec<String>> {
    let changed = outlook.files.into_iter().map(|(step, files)| {
        let changed = |file: &&FileChange| matches!(file.how, How::Changed { .. });
        let files = files.iter().filter(changed).map(ToString::to_string);
        (step, files.collect::<Vec<_>>())
    });
    changed.filter(|(_, files)| !files.is_empty()).collect()
}

/// One folder per host, one file per step, numbered in the order of the plan.
fn write_scripts(planned: &Planned, directory: &Path) -> io::Result<()> {
    let redactor = planned.redactor();
    for (number, step) in planned.plan().steps().enumerate() {
        let (Work::Shell(shell), Some(host)) = (&step.work, &step.host) else {
            continue;
        };
        let folder = directory.join(host);
        files::private_dir(&folder)?;
        let id = step.id.as_str();
        let name = id.split('@').next().unwrap_or(id).replace('/', "-");
        let file = folder.join(format!("{:02}-{name}.sh", number + 1));
        let script = shell.to_read();
        let script = redactor.text(&script);
        files::write(&file, script.as_bytes(), Existing::IsReplaced)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::answers;
    use crate::events::fixtures::{id, outline, step};
    use crate::procedures::differences::{Advice, Handling};
    use crate::report::schema::PLAN;
    use crate::report::schema::tests::{fits, is_on_the_page};
    use crate::run::tests::{ClusterWorld, Noting, bare};

    #[test]
    fn a_plan_is_as_its_schema_says() {
        let mut world = ClusterWorld::new();
        let opened = world.open(Purpose::Look, |host| {
            bare(host).answer(|script| answers(script, 1))
        });
        let mut frontend = Noting::new(|planned: &Planned| {
            fits(PLAN, &DryPlan::of(planned));
            Proceed::Leave
        });
        let control = Control::default();
        carry_out(opened, &Reach::All, &control, &mut frontend).unwrap();
        assert_eq!(frontend.notes.last().unwrap(), "planned");
    }

    #[test]
    fn the_page_for_programs_shows_a_plan() {
        let difference = |what: &str, how| Difference {
            what: what.to_owned(),
            how,
        };
        let mut differences = vec![
            difference("hosts: k3s-agent-2 is new", Handling::InPlace),
            difference("k3s.server_config: changed", Handling::Rolling),
        ];
        let config = "/etc/rancher/k3s/config.yaml changes\n  -debug: true\n".to_owned();
        let mut steps = [
            step("k3s/config@s1", &[]),
            step("k3s/start@s1", &["k3s/config@s1"]),
        ];
        steps[0].title =
            "Write the configuration of K3s, which encrypts Secrets in the datastore".into();
        steps[1].title = "Start K3s, and wait until its node is Ready".into();
        let mut dry = DryPlan {
            plan: outline(&[("Server 1", &steps)]),
            differences: &differences,
            left: Remaining {
                done: 1,
                to_do: 1,
                unknown: 0,
            },
            files: [(id("k3s/config@s1"), vec![config])].into(),
        };
        dry.plan.cluster = "lab".into();
        is_on_the_page(&dry);
        fits(PLAN, &dry);
        differences.push(difference(
            "network",
            Handling::Refused(Advice::Instead("make it new")),
        ));
        dry = DryPlan {
            plan: outline(&[]),
            differences: &differences,
            left: Remaining::default(),
            files: BTreeMap::new(),
        };
        fits(PLAN, &dry);
    }
}
