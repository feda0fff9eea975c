//! What drills showed, for an auditor: one file in Markdown, one in HTML without scripts, and JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::events::progress::{Progress, RunInfo, Status, StepProgress};
use crate::events::{DrillFigures, Outcome};

/// The phase of a plan that has the drills.
pub const PHASE: &str = "drills";

/// A run of drills.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillReport {
    pub cluster: String,
    pub run: String,
    /// RFC 3339, UTC.
    pub when: String,
    pub operator: String,
    /// Of the wizard.
    pub version: String,
    pub drills: Vec<DrilledPart>,
}

/// One drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrilledPart {
    /// `reset@k3s-server-1`
    pub drill: String,
    /// What was done.
    pub what: String,
    pub result: DrillResult,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<DrillFigures>,
    /// The figures of this drill in the last run that had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<DrillFigures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillResult {
    Passed,
    Failed,
    NotDone,
}

impl fmt::Display for DrillResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::NotDone => "not run",
        })
    }
}

impl DrillReport {
    /// Of a run of drills; with the figures of earlier runs, by the name of the drill. `None` for a
    /// run of something else.
    pub fn of(progress: &Progress, before: &BTreeMap<String, DrillFigures>) -> Option<Self> {
        let RunInfo {
            run,
            when,
            operator,
            version,
            cluster,
            ..
        } = progress.run.as_ref()?;
        let phase = progress.phases.iter().find(|phase| phase.id == PHASE)?;
        let mut parts: Vec<(&str, Vec<&StepProgress>)> = Vec::new();
        for step in &progress.steps[phase.steps.clone()] {
            let (part, _) = step.id.as_str().split_once('/')?;
            match parts.last_mut() {
                Some((last, steps)) if *last == part => steps.push(step),
                _ => parts.push((part, vec![step])),
            }
        }
        let drill = |(part, steps): &(&str, Vec<&StepProgress>)| {
            let name = part.replacen('.', "@", 1);
            let mut figures = progress.drills.iter();
            let figures = figures.rfind(|figures| figures.drill == name).cloned();
            let failed = steps.iter().find_map(|step| failure(step));
            let done = steps.iter().all(|step| is_good(step));
            let act = steps.iter().find(|step| is_act(step));
            DrilledPart {
                what: act.map(|step| step.title.clone()).unwrap_or_default(),
                result: match (&failed, done) {
                    (Some(_), _) => DrillResult::Failed,
                    (None, true) => DrillResult::Passed,
                    (None, false) => DrillResult::NotDone,
                },
                why: failed,
                before: before.get(&name).cloned(),
                drill: name,
                figures,
            }
        };
        Some(Self {
            cluster: cluster.clone(),
            run: run.clone(),
            when: when.clone(),
            operator: operator.clone(),
            version: version.clone(),
            drills: parts.iter().map(drill).collect(),
        })
    }

    /// How many drills passed, of how many.
    pub fn passed(&self) -> (usize, usize) {
        let passed = |part: &&DrilledPart| part.result == DrillResult::Passed;
        (self.drills.iter().filter(passed).count(), self.drills.len())
    }

    /// In one sentence.
    pub fn summary(&self) -> String {
        let (passed, all) = self.passed();
        let lost = self.drills.iter().filter_map(|part| part.figures.as_ref());
        let lost: usize = lost.map(|figures| figures.lost).sum();
        let failed = |part: &&DrilledPart| part.result == DrillResult::Failed;
        let failed = self.drills.iter().filter(failed).count();
        let left = all - passed - failed;
        let drills = if all == 1 { "drill" } else { "drills" };
        format!(
            "{all} {drills}: {passed} passed, {failed} failed, {left} not run. Acknowledged writes lost: {lost}."
        )
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("# Drills of cluster {}\n\n", self.cluster);
        for (name, value) in self.head() {
            let _ = writeln!(text, "- {name}: {}", in_a_cell(&value));
        }
        let _ = writeln!(text, "\n{}\n", self.summary());
        let _ = writeln!(text, "| {} |", COLUMNS.join(" | "));
        let _ = writeln!(text, "|{}", "---|".repeat(COLUMNS.len()));
        for part in &self.drills {
            let cells = part.cells().map(|cell| in_a_cell(&cell));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        let _ = write!(text, "\n{NOTES}");
        text
    }

    pub fn html(&self) -> String {
        let title = escaped(&format!("Drills of cluster {}", self.cluster));
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<dl>\n"
        );
        for (name, value) in self.head() {
            let _ = writeln!(text, "<dt>{name}</dt><dd>{}</dd>", escaped(&value));
        }
        let _ = writeln!(text, "</dl>\n<p>{}</p>\n<table>\n<tr>", self.summary());
        for column in COLUMNS {
            let _ = write!(text, "<th>{column}</th>");
        }
        text.push_str("</tr>\n");
        for part in &self.drills {
            let class = match part.result {
                DrillResult::Failed => " class=\"failed\"",
                DrillResult::Passed | DrillResult::NotDone => "",
            };
            let _ = write!(text, "<tr{class}>");
            for cell in part.cells() {
                let _ = write!(text, "<td>{}</td>", escaped(&cell));
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</table>\n");
        for note in NOTES.split("\n\n") {
            let _ = writeln!(text, "<p>{}</p>", escaped(note.trim_end()));
        }
        text.push_str("</body>\n</html>\n");
        text
    }

    pub fn json(&self) -> String {
        // A report has no keys but texts: it always has a form in JSON.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    fn head(&self) -> [(&'static str, String); 4] {
        [
            ("Run", self.run.clone()),
            ("Started", self.when.clone()),
            ("Operator", self.operator.clone()),
            ("Version", format!("k3s-ha-wizard {}", self.version)),
        ]
    }
}

const COLUMNS: [&str; 10] = [
    "Drill",
    "Action",
    "Result",
    "Longest gap in writes",
    "Longest gap in reads",
    "Gap on a persistent connection",
    "Acknowledged writes",
    "Lost writes",
    "Redundant again after",
    "Longest gap, previous drill",
];

const NOTES: &str = "\
A client wrote and another read through the API endpoint four times a second, each time on a new \
connection; a third one kept its connection. A gap is the time from one answer to the next.

A write counts as acknowledged when the API has confirmed it. After each drill, every acknowledged write \
was checked.

The cluster was redundant again when every node was Ready and every pod healthy, the Postgres pair (if \
there is one) in sync, and exactly one load balancer held the virtual address (if there is one).
";

const STYLE: &str = "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}\
td,th{border:1px solid #999;padding:.3em .6em;text-align:left}dt{float:left;width:6em;font-weight:bold}\
.failed td{background:#fdd}";

impl DrilledPart {
    /// For a terminal: its name, result, longest gap, the one before, lost writes, and when it was
    /// redundant again.
    pub fn columns(&self) -> [String; 6] {
        let figures = self.figures.as_ref();
        let of = |value: &dyn Fn(&DrillFigures) -> String| figures.map(value).unwrap_or_default();
        [
            self.drill.clone(),
            self.result.to_string(),
            of(&|it| seconds(it.longest_gap())),
            self.gap_before(),
            of(&|it| it.lost.to_string()),
            of(&|it| seconds(it.redundant_after)),
        ]
    }

    fn gap_before(&self) -> String {
        let before = self.before.as_ref().map(DrillFigures::longest_gap);
        before.map(seconds).unwrap_or_default()
    }

    fn cells(&self) -> [String; 10] {
        let figures = self.figures.as_ref();
        let of = |value: &dyn Fn(&DrillFigures) -> String| figures.map(value).unwrap_or_default();
        let result = match &self.why {
            Some(why) => format!("{}: {why}", self.result),
            None => self.result.to_string(),
        };
        [
            self.drill.clone(),
            self.what.clone(),
            result,
            of(&|it| seconds(it.longest_without_write)),
            of(&|it| seconds(it.longest_without_read)),
            of(&|it| seconds(it.longest_without_kept)),
            of(&|it| it.acknowledged.to_string()),
            of(&|it| it.lost.to_string()),
            of(&|it| seconds(it.redundant_after)),
            self.gap_before(),
        ]
    }
}

fn is_act(step: &StepProgress) -> bool {
    step.id.as_str().contains("/act@")
}

fn is_good(step: &StepProgress) -> bool {
    let Status::Ended { outcome, .. } = &step.status else {
        return false;
    };
    matches!(
        outcome,
        Outcome::Done | Outcome::Unchanged | Outcome::Warned { .. }
    )
}

fn failure(step: &StepProgress) -> Option<String> {
    match &step.status {
        Status::Ended {
            outcome: Outcome::Failed(failure),
            ..
        } => Some(failure.why.clone()),
        _ => None,
    }
}

/// Milliseconds, for people.
pub fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// In one cell of a table in Markdown.
fn in_a_cell(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    text.replace('<', "&lt;")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::events::fixtures::{Tape, drill_figures, id};
    use crate::events::{Failure, Outline, OutlinePhase, OutlineStep, What};

    fn step(text: &str, title: &str) -> OutlineStep {
        OutlineStep {
            id: id(text),
            host: None,
            title: title.into(),
            needs: Vec::new(),
            may_be_skipped: false,
        }
    }

    /// The first of three drills passed, the second failed.
    fn report() -> DrillReport {
        let drills = [
            "stop-nginx.lb.example",
            "reset.lb.example",
            "cut.lb.example",
        ];
        let steps = drills.iter().flat_map(|drill| {
            [
                step(&format!("{drill}/act@lb.example"), "Stop nginx for 30 s"),
                step(&format!("{drill}/measured@agent"), "measured"),
            ]
        });
        let phase = |id: &str, steps: Vec<OutlineStep>| OutlinePhase {
            id: id.into(),
            title: id.into(),
            steps,
        };
        let mut tape = Tape::new(Outline {
            cluster: "lab".into(),
            procedure: "drill".into(),
            phases: vec![
                phase("before", vec![step("drill/healthy@server", "healthy")]),
                phase(PHASE, steps.collect()),
            ],
        });
        let mut ends = |step: &str, outcome: Outcome| {
            tape.event(What::StepStarted {
                step: id(step),
                attempt: 1,
            });
            tape.event(What::StepEnded {
                step: id(step),
                outcome,
            });
        };
        ends("drill/healthy@server", Outcome::Unchanged);
        ends("stop-nginx.lb.example/act@lb.example", Outcome::Done);
        ends("stop-nginx.lb.example/measured@agent", Outcome::Done);
        let why = "it ended | with <status> 1".to_owned();
        let failure = Failure {
            why,
            status: Some(1),
            last_lines: Vec::new(),
            hint: None,
        };
        ends("reset.lb.example/act@lb.example", Outcome::Failed(failure));
        tape.event(What::Drilled {
            step: id("stop-nginx.lb.example/measured@agent"),
            figures: drill_figures("stop-nginx@lb.example", 2_340),
        });
        let mut progress = Progress::default();
        for event in &tape.events {
            progress.add(event);
        }
        let earlier = drill_figures("reset@lb.example", 3_100);
        let before = BTreeMap::from([(earlier.drill.clone(), earlier)]);
        DrillReport::of(&progress, &before).unwrap()
    }

    #[test]
    fn a_report_for_people() {
        assert_eq!(report().passed(), (1, 3));
        assert_snapshot!(report().markdown());
    }

    #[test]
    fn nothing_that_a_host_says_is_markup() {
        let html = report().html();
        assert!(html.contains("it ended | with &lt;status&gt; 1"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<status"));
        let rows = html.matches("<tr").count();
        assert_eq!(rows, 4, "{html}");
        assert!(
            report()
                .markdown()
                .contains("it ended \\| with &lt;status> 1")
        );
    }

    #[test]
    fn a_run_of_something_else_has_no_report() {
        let tape = Tape::new(Outline::default());
        let mut progress = Progress::default();
        for event in &tape.events {
            progress.add(event);
        }
        assert_eq!(DrillReport::of(&progress, &BTreeMap::new()), None);
    }
}
