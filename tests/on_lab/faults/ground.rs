//! What a fault is compared with: an undisturbed run.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::OnceLock;

use super::Row;
use crate::install::must_be_a_cluster;
use crate::lab::{Ended, HOSTS, Lab, Wizard, changes, picture};
use k3s_ha_wizard::events::{Event, Outcome, What};

/// How hosts are after an undisturbed run on bare ones: the lines of their pictures by what each is
/// about. What differs between two such runs (certificates, keys, times in names) is left out.
struct Undisturbed(BTreeMap<String, Vec<String>>);

/// What a line of a picture is about: a path, or what was made of a path's content.
fn subject(host: &str, line: &str) -> String {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let is_hash = first.len() == 64 && first.bytes().all(|byte| byte.is_ascii_hexdigit());
    let what = if is_hash {
        format!("content of {}", words.next().unwrap_or_default())
    } else if first == "ii" {
        format!("package {}", words.next().unwrap_or_default())
    } else {
        first.to_owned()
    };
    format!("{host}: {what}")
}

/// Without the random part of a set's name, and without the time of a backup.
fn without_chance(line: &str) -> String {
    let mut text = line.to_owned();
    for (before, length) in [(".set-", 6), ("/backups/", 0)] {
        let mut from = 0;
        while let Some(at) = text[from..].find(before).map(|at| from + at + before.len()) {
            from = at;
            if length > 0 {
                text.replace_range(at..(at + length).min(text.len()), "*");
                continue;
            }
            let end = text[at..].find(' ').map_or(text.len(), |end| at + end);
            if let Some(dot) = text[at..end].rfind('.') {
                text.replace_range(at + dot..end, ".*");
            }
        }
    }
    text
}

fn by_subject(picture: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for of_host in picture {
        let mut lines = of_host.lines();
        let host = lines.next().unwrap_or_default();
        for line in lines {
            let line = without_chance(line);
            let lines = all.entry(subject(host, &line)).or_default();
            lines.push(line);
            lines.sort();
        }
    }
    all
}

fn undisturbed() -> &'static Undisturbed {
    static ONE: OnceLock<Undisturbed> = OnceLock::new();
    ONE.get_or_init(|| {
        let picture = || {
            let lab = Lab::fresh();
            let wizard = Wizard::new();
            wizard.run().good();
            wizard.run().good();
            by_subject(&picture(&lab))
        };
        let (mut one, other) = (picture(), picture());
        let differs = |subject: &String| one.get(subject) != other.get(subject);
        let all: BTreeSet<_> = one.keys().chain(other.keys()).cloned().collect();
        let varies: Vec<_> = all.into_iter().filter(differs).collect();
        for subject in varies {
            one.insert(subject, Vec::new());
        }
        Undisturbed(one)
    })
}

/// The lab with bare hosts.
pub fn bare() -> Lab {
    undisturbed();
    Lab::fresh()
}

/// The lab with a cluster, and the wizard that made it.
pub fn installed() -> (Lab, Wizard) {
    undisturbed();
    crate::install::installed()
}

/// What differs from an undisturbed run. Backups of what was there before are kept on purpose.
fn differences(lab: &Lab) -> Vec<String> {
    let wanted = &undisturbed().0;
    let found = by_subject(&picture(lab));
    let subjects: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let mut differences = Vec::new();
    for subject in subjects {
        let none = Vec::new();
        let wanted = wanted.get(subject);
        if wanted.is_some_and(Vec::is_empty) {
            continue;
        }
        let (wanted, found) = (wanted.unwrap_or(&none), found.get(subject).unwrap_or(&none));
        if wanted != found {
            differences.push(format!("{subject}: {wanted:?}, but {found:?}"));
        }
    }
    differences
}

/// Runs the wizard again: the cluster is healthy, no secret has changed, a further run changes
/// nothing, and the hosts are as after an undisturbed run. How it was continued.
pub fn ends_well(lab: &Lab, wizard: &Wizard) -> String {
    let secrets = std::fs::read_to_string(wizard.state.path().join("lab/secrets.json"));
    let run = wizard.run().good();
    must_be_a_cluster(&run);
    if let Ok(secrets) = secrets {
        assert_eq!(wizard.kept("secrets.json"), secrets, "secrets have changed");
    }
    let changed = run.changed().len();
    is_whole(lab, wizard);
    format!("the next run changed {changed} and found the rest done")
}

/// A run changes nothing, no unit of the wizard is left, and the hosts are as after an undisturbed
/// run.
pub fn is_whole(lab: &Lab, wizard: &Wizard) {
    is_settled(lab, wizard);
    assert_eq!(differences(lab), Vec::<String>::new());
}

/// The same, and what an operator had changed is in backups besides.
pub fn is_whole_with_backups(lab: &Lab, wizard: &Wizard) {
    is_settled(lab, wizard);
    let mut differences = differences(lab);
    differences.retain(|difference| !difference.contains("/backups/"));
    assert_eq!(differences, Vec::<String>::new());
}

fn is_settled(lab: &Lab, wizard: &Wizard) {
    let again = wizard.run().good();
    must_be_a_cluster(&again);
    let other = again
        .outcomes()
        .filter(|(_, it)| **it != Outcome::Unchanged);
    assert_eq!(other.collect::<Vec<_>>(), []);
    for host in HOSTS {
        let left = lab.must(host, "systemctl list-units --no-legend 'k3s-ha-wizard*'");
        assert_eq!(left, "", "{host} has units of the wizard left");
    }
}

pub fn host_of(id: &str) -> &str {
    id.split_once('@').unwrap().1
}

pub fn applies(event: &Event, id: &str) -> bool {
    matches!(&event.what, What::StepApplies { step } if step.as_str() == id)
}

/// Runs to the end, and does something once, when the step is applied.
pub fn run_with(wizard: &Wizard, id: &str, mut does: impl FnMut(&mut Child)) -> Ended {
    let mut done = false;
    let run = wizard.run_until(|event, child| {
        if applies(event, id) && !done {
            done = true;
            does(child);
        }
    });
    assert!(done, "{id} was never applied\n{}", run.text);
    run
}

/// The paragraph in which the wizard says this, as one line: after a cause what to do about it.
fn told(text: &str, says: &str) -> Option<String> {
    let printed = text.lines().filter(|line| !line.starts_with('{'));
    let printed = printed.collect::<Vec<_>>().join("\n");
    let mut paragraphs = printed.split("\n\n");
    let paragraph = paragraphs.find(|it| crate::lab::flat(it).contains(says))?;
    let (mut told, mut last) = (String::new(), None);
    for line in paragraph
        .lines()
        .filter(|line| *line != "Nothing was changed.")
    {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        told.push_str(match (last.replace(indent), indent) {
            (Some(2), 4) => " → ",
            (Some(4), 2) | (Some(0), 0) => "; ",
            _ => " ",
        });
        told.push_str(words);
    }
    Some(told.trim().to_owned())
}

/// The failures of a run, as it said them.
pub fn failures(run: &Ended) -> String {
    let failures = run.outcomes().filter_map(|(step, outcome)| match outcome {
        Outcome::Failed(failure) => Some(format!("{}: {}", step.as_str(), failure.why)),
        _ => None,
    });
    let failures: Vec<_> = failures.collect();
    if failures.is_empty() {
        let last = run.text.lines().rev().find(|line| !line.starts_with('{'));
        let refused = told(&run.text, ": FAIL");
        return refused.unwrap_or_else(|| last.unwrap_or("no failure").to_owned());
    }
    failures.join("; ")
}

/// A run that must be refused with an exit code, say this, and change nothing on any host.
pub fn is_refused(lab: &Lab, wizard: &Wizard, did: &str, code: i32, says: &str) -> Row {
    let before = picture(lab);
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(code), "{}", run.text);
    let told = told(&run.text, says).unwrap_or_else(|| panic!("{says}\n{}", run.text));
    assert!(
        !run.text.contains('\u{1b}'),
        "an escape sequence came through"
    );
    assert_eq!(changes(&before, &picture(lab)), Vec::<String>::new());
    Row {
        did: did.to_owned(),
        said: format!("exit {code}: {told}"),
        continued: "refused, nothing was changed".to_owned(),
    }
}
