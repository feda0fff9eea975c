//! Without screens: a run of everything in the answers, to the end, without asking; and what only looks.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use k3s_ha_wizard::answers::Answers;
use k3s_ha_wizard::cli::{Output, Run, exit};
use k3s_ha_wizard::engine::control::Control;
use k3s_ha_wizard::engine::hosts::{Reached, release};
use k3s_ha_wizard::events::recorder::Sink;
use k3s_ha_wizard::events::{End, Event};
use k3s_ha_wizard::plan::{Plan, Work};
use k3s_ha_wizard::platform::preflight::Grid;
use k3s_ha_wizard::remote::lease::LeaseError;
use k3s_ha_wizard::report::diff::{FileChange, How};
use k3s_ha_wizard::report::json::Json;
use k3s_ha_wizard::report::lines::{Context, Lines, write_status};
use k3s_ha_wizard::session::{Purpose, Session, SessionError, is_leased};
use k3s_ha_wizard::signals::Watch;
use k3s_ha_wizard::status::Asked;

/// Installs what the answers ask for.
pub fn install(path: &Path, how: &Run) -> ExitCode {
    let answers = match Answers::load(path) {
        Ok(answers) => answers,
        Err(problems) => return complain(&problems, exit::USAGE),
    };
    let session = match Session::open(answers, None, Purpose::Run) {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    let control = Arc::new(Control::default());
    let signals = match Watch::start() {
        Ok(signals) => signals,
        Err(error) => return complain(&error, exit::FAILED),
    };
    signals.over(&control);
    let mut reached = match session.reach(&control, &|host| introduce(how.output, host)) {
        Ok(reached) => reached,
        Err(errors) => return ended_by(&signals).unwrap_or_else(|| unreached(&errors)),
    };
    let grid = session.preflight(&reached);
    show(&grid, how.output);
    if !grid.passes() {
        release(&mut reached);
        return unfit();
    }
    let plan = match session.plan(&reached) {
        Ok(plan) => plan,
        Err(error) => return refuse(&error),
    };
    let again = format!("k3s-ha-wizard --answers {}", path.display());
    let context = session.context(again, how.verbose);
    let log = context.log.display().to_string();
    let log_lost = move |error: io::Error| {
        let _ = writeln!(
            io::stderr(),
            "the log {log} is not written any more: {error}"
        );
    };
    signals.running();
    let faces = vec![to_stdout(how.output, context)];
    match session.carry_out(&plan, reached, &control, log_lost, faces) {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Failed) => ExitCode::from(exit::FAILED),
        Ok(End::Aborted { .. }) => ended_by(&signals).unwrap_or(ExitCode::from(exit::FAILED)),
        Err(error) => refuse(&error),
    }
}

/// Shows what would be done, and changes nothing.
pub fn plan(path: &Path, scripts: Option<&Path>) -> ExitCode {
    let answers = match Answers::load(path) {
        Ok(answers) => answers,
        Err(problems) => return complain(&problems, exit::USAGE),
    };
    let session = match Session::open(answers, None, Purpose::Look) {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    let control = Control::default();
    let mut reached = match session.reach(&control, &|host| introduce(Output::Lines, host)) {
        Ok(reached) => reached,
        Err(errors) => return unreached(&errors),
    };
    let grid = session.preflight(&reached);
    show(&grid, Output::Lines);
    if !grid.passes() {
        return unfit();
    }
    let plan = match session.plan(&reached) {
        Ok(plan) => plan,
        Err(error) => return refuse(&error),
    };
    let written = if let Some(directory) = scripts {
        write_scripts(&plan, directory)
    } else {
        let changes = changed_files(&session, &plan, &mut reached);
        io::stdout().write_all(format!("{plan}{changes}").as_bytes())
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, exit::FAILED),
    }
}

/// The files that are there and will be others. New ones are in the plan as they will be.
fn changed_files(session: &Session, plan: &Plan, reached: &mut [Reached]) -> String {
    let mut text = String::new();
    for (step, files) in session.file_changes(plan, reached) {
        let changed = |file: &&FileChange| matches!(file.how, How::Changed { .. });
        for file in files.iter().filter(changed) {
            let _ = write!(text, "\n{step}: {file}");
        }
    }
    text
}

/// Tells how a cluster is now.
pub fn status(cluster: Option<&str>, answers: Option<&Path>, output: Output) -> ExitCode {
    let asked = match Asked::find(None, cluster, answers) {
        Ok(asked) => asked,
        Err(error) => return complain(&error, exit::USAGE),
    };
    let status = match asked.ask() {
        Ok(status) => status,
        Err(error) => return complain(&error, exit::USAGE),
    };
    let mut out = io::stdout();
    // Nobody may be reading any more.
    let _ = match output {
        Output::Lines => write_status(&mut out, &status),
        Output::Json => serde_json::to_writer(&mut out, &status)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
    };
    if status.healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::FAILED)
    }
}

/// One folder a host, one file a step, numbered in the order of the plan.
fn write_scripts(plan: &Plan, directory: &Path) -> io::Result<()> {
    for (number, step) in plan.steps().enumerate() {
        let (Work::Shell(shell), Some(host)) = (&step.work, &step.host) else {
            continue;
        };
        let folder = directory.join(host);
        std::fs::create_dir_all(&folder)?;
        let id = step.id.as_str();
        let name = id.split('@').next().unwrap_or(id).replace('/', "-");
        let file = folder.join(format!("{:02}-{name}.sh", number + 1));
        std::fs::write(file, shell.to_read())?;
    }
    Ok(())
}

fn introduce(output: Output, host: &Reached) {
    if output == Output::Lines {
        let facts = &host.facts;
        let _ = writeln!(
            io::stdout(),
            "{}: {}, {}, {} MiB of memory",
            host.name,
            facts.os_name,
            facts.arch,
            facts.memory_kib / 1024
        );
    }
}

/// Whoever reads our standard output may be gone: the run goes on without them.
fn to_stdout(output: Output, context: Context) -> Sink {
    match output {
        Output::Lines => {
            let mut lines = Lines::new(io::stdout(), context);
            Box::new(move |event: &Event| {
                let _ = lines.event(event);
            })
        }
        Output::Json => {
            let mut json = Json::new(io::stdout());
            Box::new(move |event: &Event| {
                let _ = json.event(event);
            })
        }
    }
}

/// Where lines are for a program, what stops the run is still said to people.
fn show(grid: &Grid, output: Output) {
    let _ = match output {
        Output::Lines => writeln!(io::stdout(), "\n{grid}"),
        Output::Json if grid.passes() => Ok(()),
        Output::Json => writeln!(io::stderr(), "{grid}"),
    };
}

fn ended_by(signals: &Watch) -> Option<ExitCode> {
    signals.code().map(ExitCode::from)
}

fn unfit() -> ExitCode {
    let what = "The preflight fails, see above for what to do. Nothing was changed.\n\
                A check that you know better about is overruled by its name: overrule = \
                [\"NAME\"], under [cluster] or at one host.";
    complain(&what, exit::UNFIT)
}

fn unreached(errors: &[LeaseError]) -> ExitCode {
    for error in errors {
        let _ = writeln!(io::stderr(), "{error}");
    }
    let _ = writeln!(io::stderr(), "Nothing was changed.");
    ExitCode::from(if errors.iter().any(is_leased) {
        exit::HELD
    } else {
        exit::FAILED
    })
}

fn refuse(error: &SessionError) -> ExitCode {
    let code = match error {
        error if error.is_locked() => exit::HELD,
        SessionError::Answers(_)
        | SessionError::Secrets(_)
        | SessionError::SshConfig(_)
        | SessionError::LoginSecret(_) => exit::USAGE,
        _ => exit::FAILED,
    };
    complain(error, code)
}

fn complain(what: &impl std::fmt::Display, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "{what}");
    ExitCode::from(code)
}
