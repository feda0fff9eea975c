//! A run without questions, printed as lines or as JSON.

use std::io::{self, Write};

use crate::events::Event;
use crate::frontends::Output;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::report::json::Json;
use crate::report::lines::{Context, Lines};
use crate::run::{Frontend, Planned, Proceed};
use crate::topology::Link;

/// A failed write does not fail the run: the reader may be gone.
pub struct Printed<'a, O, E> {
    output: Output,
    verbose: bool,
    /// The command that starts the run again.
    again: String,
    /// Where lines are wrapped, in columns.
    width: Option<usize>,
    /// Returns the output stream.
    out: &'a dyn Fn() -> O,
    err: E,
    /// Called when the run begins.
    begins: &'a dyn Fn(),
    /// Where the log of the run is, once it has begun.
    log: String,
    events: Option<Events<O>>,
}

enum Events<O> {
    Lines(Box<Lines<O>>),
    Json(Json<O>),
}

impl<'a, O: Write, E: Write> Printed<'a, O, E> {
    pub fn new(
        output: Output,
        verbose: bool,
        again: String,
        width: Option<usize>,
        out: &'a dyn Fn() -> O,
        err: E,
        begins: &'a dyn Fn(),
    ) -> Self {
        Self {
            output,
            verbose,
            again,
            width,
            out,
            err,
            begins,
            log: String::new(),
            events: None,
        }
    }

    fn begin(&mut self, mut context: Context) {
        context.width = self.width;
        self.log = context.log.display().to_string();
        let out = (self.out)();
        self.events = Some(match self.output {
            Output::Lines => Events::Lines(Box::new(Lines::new(out, context))),
            Output::Json => Events::Json(Json::new(out)),
        });
    }
}

impl<O: Write, E: Write> Frontend for Printed<'_, O, E> {
    fn reached(&mut self, host: &str, what: &str) {
        if self.output == Output::Lines {
            let _ = writeln!((self.out)(), "{host}: {what}");
        }
    }

    /// With JSON, what stops the run goes to standard error as text.
    fn checked(&mut self, grid: &Grid, _: &[(Link, Contact)]) {
        let _ = match self.output {
            Output::Lines => writeln!((self.out)(), "\n{grid}"),
            Output::Json if grid.passes() => Ok(()),
            Output::Json => writeln!(self.err, "{grid}"),
        };
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        let context = planned.context(self.again.clone(), self.verbose);
        self.begin(context);
        (self.begins)();
        Proceed::Go
    }

    fn event(&mut self, event: &Event) {
        let _ = match &mut self.events {
            Some(Events::Lines(lines)) => lines.event(event),
            Some(Events::Json(json)) => json.event(event),
            None => Ok(()),
        };
    }

    fn log_lost(&mut self, why: &io::Error) {
        let log = &self.log;
        let _ = writeln!(self.err, "the log {log} can no longer be written: {why}");
    }
}
