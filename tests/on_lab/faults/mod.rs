//! The table of faults: what was done to the wizard, its machine or a host, what the wizard said,
//! how the work was continued, and what was lost. Every line ends in a healthy cluster that is as
//! after an undisturbed run, or in a refusal that changed nothing.
//!
//! Each class of faults is a test. By itself it takes one line, always the same; `tests/lab/faults`
//! takes all of them, records each, and continues where it stopped.

mod ground;
mod hosts;
mod jump;
mod killed;
mod network;
mod operators;

pub use hosts::hold;

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What came of a fault: a column of the table each. That nothing was lost is asserted before.
pub struct Row {
    pub did: String,
    pub said: String,
    pub continued: String,
}

pub struct Fault {
    name: String,
    inject: Box<dyn Fn() -> Row>,
}

impl Fault {
    pub fn new(name: impl Into<String>, inject: impl Fn() -> Row + 'static) -> Self {
        Self {
            name: name.into(),
            inject: Box::new(inject),
        }
    }
}

/// FNV-1a: the same choice on every machine.
fn hash(text: &str) -> usize {
    let bytes = text.bytes();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash % 1_000_003).unwrap()
}

/// Which lines are wanted, as `tests/lab/faults` says in the environment.
struct Wanted {
    /// Part N of M.
    part: Option<(usize, usize)>,
    /// Parts of names.
    names: Vec<String>,
    record: String,
}

impl Wanted {
    /// None where one line of each class is enough.
    fn from_environment() -> Option<Self> {
        let record = std::env::var("FAULTS_RECORD").ok()?;
        let part = std::env::var("FAULTS_PART").ok().map(|part| {
            let (n, m) = part.split_once('/').expect("FAULTS_PART is N/M");
            (n.parse().unwrap(), m.parse().unwrap())
        });
        let names = std::env::var("FAULTS_NAMES").unwrap_or_default();
        let names = names.split_whitespace().map(str::to_owned).collect();
        Some(Self {
            part,
            names,
            record,
        })
    }

    fn takes(&self, line: &str) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|name| line.contains(name));
        let of_part = self.part.is_none_or(|(n, m)| hash(line) % m == n - 1);
        named && of_part && !self.is_recorded(line)
    }

    fn is_recorded(&self, line: &str) -> bool {
        let record = std::fs::read_to_string(&self.record).unwrap_or_default();
        record
            .lines()
            .any(|row| row.split('\t').next() == Some(line))
    }

    fn record(&self, line: &str) {
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(&self.record).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

/// Tries the wanted lines of a class.
fn table(class: &str, faults: Vec<Fault>) {
    let line = |fault: &Fault| format!("{class}: {}", fault.name);
    let Some(wanted) = Wanted::from_environment() else {
        let chosen = &faults[hash(class) % faults.len()];
        let row = (chosen.inject)();
        println!("{}", printed(&line(chosen), &row));
        return;
    };
    let mut failed = String::new();
    for fault in faults {
        let line = line(&fault);
        if !wanted.takes(&line) {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| (fault.inject)())) {
            Ok(row) => {
                let row = printed(&line, &row);
                println!("{row}");
                wanted.record(&row);
            }
            // Not recorded: it is tried again the next time.
            Err(_) => writeln!(failed, "{line}").unwrap(),
        }
    }
    assert_eq!(failed, "", "these lines failed; each says why above");
}

fn printed(line: &str, row: &Row) -> String {
    let columns = [line, &row.did, &row.said, &row.continued, "nothing"];
    columns.map(|it| it.replace(['\t', '\n'], " ")).join("\t")
}

macro_rules! classes {
    ($($class:ident: $faults:expr;)*) => { $(
        #[test]
        fn $class() {
            table(&stringify!($class).replace('_', " "), $faults);
        }
    )* };
}

classes! {
    killed_between_two_steps: killed::between();
    killed_within_a_step: killed::within();
    killed_in_the_terminal: killed::in_the_terminal();
    a_host_dies_within_a_step: killed::power();
    a_host_dies_after_each_effect: killed::effects();
    cut_off: network::cuts();
    a_host_is_rebooted: network::reboots();
    the_state_is_damaged: jump::damaged();
    this_machine_fails: jump::fails();
    a_host_is_refused: hosts::refused();
    a_host_fails_within_the_run: hosts::fails().into_iter().chain(hosts::stays()).collect();
    an_installed_host_is_changed: hosts::changes();
    two_operators: operators::two();
    another_host_answers: operators::impostors();
}
