//! What the screens cost and how quickly they answer: the real binary in a terminal of its own,
//! with five hosts behind a real sshd each, on loopback. Only what is behind the sshd is made up
//! (`made_up_host.rs`). So every line takes the whole way: SSH, engine, log file, screens. This
//! machine does the work of the hosts and of the terminal besides the wizard's.
//!
//! `cargo bench --bench screens`. Prints what it measures beside what is wanted, and fails only
//! when something does not work. With words behind `--`, only what begins with one of them. With
//! `--short` it measures little, to try the benchmark itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as a test
#![allow(clippy::cast_precision_loss)] // of counts that are not that large

mod made_up_host;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use k3s_ha_wizard::events::{Event, What};
use made_up_host::{LENGTH, MadeUp};
use support::sshd::Sshd;
use support::terminal::Terminal;

const WIZARD: &str = env!("CARGO_BIN_EXE_k3s-ha-wizard");
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 60);
const HOSTS: usize = 5;
const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/run.jsonl");
/// What the page of a failed step says.
const FAILED: &str = "Failed: ";
/// What belongs to a name in the table.
const WIDTH: usize = 52;

/// How much is measured.
struct Amount {
    starts: usize,
    /// Lines of each host at 10,000 a second.
    paced: usize,
    /// Lines of each host as fast as they come.
    unpaced: usize,
    idle: Duration,
}

type Measure = fn(&Amount);

const WHOLE: Amount = Amount {
    starts: 30,
    paced: 150_000,
    unpaced: 200_000,
    idle: Duration::from_secs(20),
};
const SHORT: Amount = Amount {
    starts: 2,
    paced: 10_000,
    unpaced: 20_000,
    idle: Duration::from_secs(1),
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == made_up_host::WORD) {
        MadeUp::of(&words[1..]).serve();
        return;
    }
    let amount = if words.iter().any(|word| word == "--short") {
        &SHORT
    } else {
        &WHOLE
    };
    let wanted: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let measures: [(&str, Measure); 5] = [
        ("start", start),
        ("keys", |amount| keys(SMALL, amount)),
        ("large", |amount| keys(LARGE, amount)),
        ("output", output),
        ("idle", idle),
    ];
    for (name, measure) in measures {
        if wanted.is_empty() || wanted.iter().any(|word| name.starts_with(word.as_str())) {
            measure(amount);
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split(' ').next().unwrap();
    let processors = std::thread::available_parallelism().unwrap();
    println!("on {processors} processors, load {load} at the end");
}

/// A line of the table.
fn tell(what: &str, figure: &str, holds: Option<bool>) {
    let judged = match holds {
        Some(true) => "  ok",
        Some(false) => "  missed",
        None => "",
    };
    println!("{what:<WIDTH$} {figure}{judged}");
}

/// Times, from the shortest to the longest.
struct Times(Vec<Duration>);

impl Times {
    fn new(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort();
        Self(times)
    }

    /// The one that so many hundredths do not exceed.
    fn at(&self, hundredths: usize) -> f64 {
        let place = (self.0.len() * hundredths).div_ceil(100).saturating_sub(1);
        let time = self.0.get(place).copied().unwrap_or_default();
        time.as_secs_f64() * 1000.0
    }

    fn most(&self) -> f64 {
        self.at(100)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.1} ms median, {:.1} p99, {:.1} at most, n={}",
            self.at(50),
            self.at(99),
            self.most(),
            self.0.len()
        )
    }
}

/// From the start of the process to the end of its first frame.
fn start(amount: &Amount) {
    let times = Times::new((0..amount.starts).map(|_| {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let terminal = Terminal::start(WIZARD, SMALL, &[], &[], folder.path());
        terminal.moment("a frame", |_| !terminal.frames().is_empty());
        terminal.frames()[0] - begun
    }));
    let what = "start to first frame (wanted: 50 ms)";
    tell(what, &times.to_string(), Some(times.most() <= 50.0));
}

/// Key presses while all hosts print 10,000 lines a second each.
fn keys(size: (u16, u16), amount: &Amount) {
    let flood = Flood::through(size, amount.paced, 10_000);
    let what = format!(
        "key to changed frame, {} hosts x {:.0} lines/s, {}x{} (wanted: 33 ms p99)",
        HOSTS, flood.pace, size.0, size.1
    );
    println!("{what}");
    let good = flood.presses.at(99) <= 33.0;
    tell("", &flood.presses.to_string(), Some(good));
    flood.tell_rest();
}

/// Lines as fast as they come.
fn output(amount: &Amount) {
    let flood = Flood::through(SMALL, amount.unpaced, 0);
    println!(
        "{} MB of output of {HOSTS} hosts, taken at {:.1} MB/s",
        flood.bytes / 1_000_000,
        flood.pace * (HOSTS * LENGTH) as f64 / 1e6
    );
    tell("  key to changed frame", &flood.presses.to_string(), None);
    flood.tell_rest();
}

/// What a run in which hosts print a lot came to.
struct Flood {
    presses: Times,
    /// From the end of a frame to that of the next.
    frames: Times,
    /// Lines a second of each host.
    pace: f64,
    memory_kib: u64,
    processor: f64,
    /// Bytes a second to the terminal.
    drawn: f64,
    missing: usize,
    bytes: usize,
}

impl Flood {
    /// Each host prints so many lines at a pace; a key is pressed all the while.
    fn through(size: (u16, u16), lines: usize, pace: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        let hosts: Vec<_> = (0..HOSTS)
            .map(|number| MadeUp {
                number,
                lines,
                pace,
                printed: folder.path().join(format!("printed-{number}")),
            })
            .collect();
        let sshds: Vec<_> = hosts
            .iter()
            .map(|host| {
                let home = home.path().display();
                let command = host.command();
                Sshd::with(&format!("SetEnv HOME={home}\nForceCommand {command}"))
            })
            .collect();
        std::fs::write(folder.path().join("answers.toml"), answers(&sshds)).unwrap();
        let mut terminal = Terminal::start(WIZARD, size, &[], &[], folder.path());
        begin(&mut terminal);
        terminal.moment("output", |screen| screen.contents().contains("level=info"));

        let begun = Instant::now();
        let used = processor_seconds(&terminal);
        let (first_frame, drawn) = (terminal.frames().len(), terminal.drawn());
        let mut presses = Vec::new();
        let mut on = false;
        let all_printed = || hosts.iter().all(|host| host.printed.exists());
        while presses.is_empty() || !all_printed() {
            on = !on;
            // Not in step with anything.
            std::thread::sleep(Duration::from_millis(7 + presses.len() as u64 * 13 % 31));
            let text = if on { "times:on" } else { "times:off" };
            let since = Instant::now();
            terminal.types("t");
            let seen = terminal.moment(text, |screen| {
                let shown = screen.contents();
                shown.contains(text) || shown.contains(FAILED)
            });
            // A host that is done fails while others still print; there the key does nothing.
            if terminal.text().contains(FAILED) {
                break;
            }
            presses.push(seen - since);
        }
        terminal.waits_until("all hosts have printed", |_| all_printed());
        let took = begun.elapsed().as_secs_f64();
        let processor = processor_seconds(&terminal) - used;
        let drawn = (terminal.drawn() - drawn) as f64 / took;
        let frames = terminal.frames()[first_frame..].to_vec();
        let log = log_of_run(folder.path());
        let memory_kib = peak_memory_kib(&terminal);
        end(&mut terminal, &log);
        let (missing, bytes) = compare(&log, lines);
        Self {
            presses: Times::new(presses),
            frames: Times::new(frames.windows(2).map(|pair| pair[1] - pair[0])),
            pace: lines as f64 / took,
            memory_kib,
            processor: processor / took,
            drawn,
            missing,
            bytes,
        }
    }

    fn tell_rest(&self) {
        let worst = self.frames.most() <= 100.0;
        let what = "  frame after frame (wanted: 100 ms at most)";
        tell(what, &self.frames.to_string(), Some(worst));
        let mib = self.memory_kib as f64 / 1024.0;
        let what = "  memory at most (wanted: 64 MiB)";
        tell(what, &format!("{mib:.1} MiB"), Some(mib <= 64.0));
        let what = "  printed, and not in the log (wanted: 0)";
        let missing = format!("{} of {} bytes", self.missing, self.bytes);
        tell(what, &missing, Some(self.missing == 0));
        let share = format!("{:.0} % of one", self.processor * 100.0);
        tell("  the wizard's own processor time", &share, None);
        let drawn = format!("{:.0} kB/s", self.drawn / 1000.0);
        tell("  written to the terminal", &drawn, None);
    }
}

fn answers(sshds: &[Sshd]) -> String {
    use std::fmt::Write as _;
    let user = sshds[0].target().user;
    let mut text = format!(
        "[cluster]\nname = \"bench\"\n[ssh]\nuser = \"{user}\"\nhost_keys = \"accept-new\"\n"
    );
    let roles = ["postgres", "server", "server", "load-balancer", "agent"];
    for (number, (sshd, role)) in sshds.iter().zip(roles).enumerate() {
        let (port, key) = (sshd.port, sshd.path("user"));
        let key = key.display();
        let node_ip = made_up_host::address(number);
        let _ = write!(
            text,
            "[[hosts]]\nname = \"host-{number}\"\nrole = \"{role}\"\naddress = \"127.0.0.1\"\n\
             port = {port}\nnode_ip = \"{node_ip}\"\nkey = \"{key}\"\n"
        );
    }
    text
}

/// From the welcome over the answers file into a run that stops at no phase.
fn begin(terminal: &mut Terminal) {
    terminal.waits_for("Open an answers file");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types("answers.toml\r");
    terminal.waits_for("The answers are complete");
    terminal.types("\r");
    terminal.waits_for("Fit for ");
    terminal.types("\r");
    terminal.waits_for("Cluster bench: ");
    terminal.types("a");
}

/// The log of the run, once nothing is written to it any more: hosts that are made up fail where
/// something must be there, and then the run waits for a decision.
fn log_of_run(folder: &Path) -> PathBuf {
    let runs = folder.join("state/bench/runs");
    let log = std::fs::read_dir(runs).unwrap().next().unwrap().unwrap();
    let log = log.path();
    let length = || std::fs::metadata(&log).unwrap().len();
    let mut before = 0;
    while length() != before {
        before = length();
        std::thread::sleep(Duration::from_secs(1));
    }
    log
}

/// Ends the run, and what is at work in it.
fn end(terminal: &mut Terminal, log: &Path) {
    terminal.types("\u{3}");
    terminal.waits_for("Stop the run?");
    terminal.types("\r");
    terminal.waits_for("Stopping: ");
    terminal.types("\u{3}");
    terminal.waits_until("the end of the run in its log", |_| {
        std::thread::sleep(Duration::from_millis(200));
        let text = std::fs::read(log).unwrap();
        let last = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        let last: Result<Event, _> = serde_json::from_slice(last.unwrap_or_default());
        last.is_ok_and(|event| matches!(event.what, What::Ended { .. }))
    });
}

/// How many bytes of what the hosts printed are not in a log, line for line, with secrets masked;
/// and how many they printed.
fn compare(log: &Path, lines: usize) -> (usize, usize) {
    let mut found: HashMap<String, usize> = HashMap::new();
    for event in BufReader::new(File::open(log).unwrap()).lines() {
        let event: Event = serde_json::from_str(&event.unwrap()).unwrap();
        if let What::Output { step, text, .. } = event.what {
            let (_, host) = step.as_str().split_once("@host-").unwrap();
            let number = found.entry(host.to_owned()).or_default();
            let expected = made_up_host::shown(host.parse().unwrap(), *number);
            assert_eq!(text, expected, "line {number} of host {host}");
            *number += 1;
        }
    }
    let all = HOSTS * lines;
    let there: usize = found.values().sum();
    ((all - there) * LENGTH, all * LENGTH)
}

/// The page of the cluster, on which nothing happens.
fn idle(amount: &Amount) {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(WIZARD, SMALL, &["replay", RUN], &[], folder.path());
    terminal.waits_for("Phase 1/7");
    terminal.types(">");
    terminal.waits_for("end of the replay");
    std::thread::sleep(Duration::from_secs(1));
    let (drawn, used) = (terminal.drawn(), processor_seconds(&terminal));
    std::thread::sleep(amount.idle);
    let written = terminal.drawn() - drawn;
    let seconds = amount.idle.as_secs_f64();
    let share = (processor_seconds(&terminal) - used) / seconds * 100.0;
    let what = "idle on the cluster's page, at the end of a replay:";
    println!("{what}");
    let of_one = format!("{share:.3} % of one, over {seconds} s");
    tell(
        "  processor time (wanted: 1 %)",
        &of_one,
        Some(share <= 1.0),
    );
    let bytes = format!("{written} bytes");
    tell("  written (wanted: nothing)", &bytes, Some(written == 0));
}

/// The most that the wizard has had at once, shared libraries and stacks and all.
fn peak_memory_kib(terminal: &Terminal) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", terminal.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB");
    peak.parse().unwrap()
}

/// What the wizard's threads that are there have used, to the nanosecond.
fn processor_seconds(terminal: &Terminal) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{}/task", terminal.pid())).unwrap();
    let used = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    used.sum::<f64>() / 1e9
}
