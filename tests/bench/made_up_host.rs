//! A host behind a real sshd that is none: in the place of the root shell it answers the wizard's
//! scripts with what a bare Debian would say, and changes nothing. What the first step prints is
//! made by [`line`], at any pace.

use std::io::{BufRead as _, Read as _, Write as _, stderr, stdin, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// What makes of this program such a host; the fields of [`MadeUp`] follow.
pub const WORD: &str = "--made-up-host";

const ROOT: &str = include_str!("../../assets/remote/root-shell.sh");
const START: &str = include_str!("../../assets/remote/detached-start.sh");
const FOLLOW: &str = include_str!("../../assets/remote/detached-follow.sh");
const STATE: &str = include_str!("../../assets/remote/detached-state.sh");
const FACTS: &str = include_str!("../../assets/steps/facts.sh");

/// The length of a line, with its line end.
pub const LENGTH: usize = 100;
/// One of so many lines has a secret in it.
const SECRETS: usize = 1000;

pub struct MadeUp {
    pub number: usize,
    pub lines: usize,
    /// Lines a second; 0 for as fast as they are taken.
    pub pace: usize,
    /// A file that is there once all lines are printed.
    pub printed: PathBuf,
}

/// What the wizard is to show of a line.
pub fn shown(host: usize, number: usize) -> String {
    line(host, number).replace("hunter2hunter2", "[secret]")
}

fn line(host: usize, number: usize) -> String {
    let text = if number.is_multiple_of(SECRETS) {
        format!("{number:09} level=error host={host} postgres://k3s:hunter2hunter2@10.0.0.5/k3s")
    } else {
        let pod = number * 7919 % 10_007;
        format!("{number:09} level=info host={host} msg=\"Reconciling\" object=\"pod/web-{pod}\"")
    };
    format!("{text:.<width$}", width = LENGTH - 1)
}

impl MadeUp {
    pub fn command(&self) -> String {
        let program = std::env::current_exe().unwrap();
        let (program, printed) = (program.display(), self.printed.display());
        let (number, lines, pace) = (self.number, self.lines, self.pace);
        format!("exec {program} {WORD} {number} {lines} {pace} {printed}")
    }

    pub fn of(words: &[String]) -> Self {
        let number = |at: usize| words[at].parse().unwrap();
        Self {
            number: number(0),
            lines: number(1),
            pace: number(2),
            printed: words[3].clone().into(),
        }
    }

    /// Speaks what `assets/remote/login.sh` and `root-shell.sh` speak, until the wizard is gone.
    pub fn serve(&self) {
        let mut input = stdin().lock();
        let mut value = |name: &str| loop {
            let mut line = String::new();
            assert!(input.read_line(&mut line).unwrap() > 0, "no {name} came");
            if let Some(value) = line.trim_end().strip_prefix(name) {
                return value.trim_matches('\'').to_owned();
            }
        };
        eprintln!("{}{}", value("MARK1="), value("MARK2="));
        eprintln!("{}", value("READY="));
        input.read_exact(&mut vec![0; ROOT.len()]).unwrap();
        let mut has_printed = false;
        loop {
            let mut head = String::new();
            if input.read_line(&mut head).unwrap() == 0 {
                return;
            }
            let (mark, size) = head.trim_end().split_once(' ').unwrap();
            let mut script = vec![0; size.parse().unwrap()];
            input.read_exact(&mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            let script = script.strip_suffix('#').unwrap();
            say(&format!("\u{1e}{mark}+\n"));
            if script.ends_with(FOLLOW) && !has_printed {
                has_printed = true;
                self.print();
            } else {
                write(&self.answer(script));
            }
            say(&format!("\u{1e}{mark} 0\n"));
        }
    }

    /// What the scripts that ask say; nothing about the steps of a plan, which then are all begun.
    fn answer(&self, script: &str) -> String {
        if script.ends_with(FACTS) {
            self.facts()
        } else if script.ends_with(START) {
            "started\n".to_owned()
        } else if script.ends_with(STATE) {
            "exit 0\n".to_owned()
        } else if script.contains("LISTENER=") {
            "listen=opened\n".to_owned()
        } else if script.contains("reach.link=") {
            let ways = (0..20).map(|number| format!("reach.link={number} reached\n"));
            let ways: String = ways.collect();
            format!("packages=reached\ndownload.good=yes\nreach=tried\n{ways}")
        } else if script.contains("download.good") {
            "packages=reached\ndownload.good=yes\n".to_owned()
        } else {
            String::new()
        }
    }

    fn facts(&self) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let (now, number) = (now.unwrap().as_secs_f64(), self.number);
        format!(
            "lease taken\nclock={now}\nos.id=debian\nos.name=Debian GNU/Linux 12 (bookworm)\n\
             arch=x86_64\nhostname=host-{number}\nmachine-id=machine-{number}\nsystemd=yes\n\
             cpus=2\nmemory-kib=4194304\ndisk=20000000 40000000 /\n\
             addresses=127.0.0.1 {}\nports=seen\ncgroup=v2 cpuset cpu io memory pids\n",
            address(number)
        )
    }

    /// Prints all lines, at the pace.
    fn print(&self) {
        let begun = Instant::now();
        let mut done = 0;
        while done < self.lines {
            let due = match self.pace {
                0 => done + 500,
                pace => (begun.elapsed().as_millis() as usize * pace) / 1000,
            };
            let due = due.min(self.lines);
            let lines = (done..due).map(|number| line(self.number, number) + "\n");
            write(&lines.collect::<String>());
            done = due;
            if self.pace > 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        std::fs::write(&self.printed, "").unwrap();
    }
}

/// In the cluster's network of the made-up hosts.
pub fn address(number: usize) -> String {
    format!("10.0.0.{}", 11 + number)
}

/// On both outputs.
fn say(text: &str) {
    write(text);
    stderr().write_all(text.as_bytes()).unwrap();
}

/// An error means that the wizard is gone.
fn write(text: &str) {
    let mut out = stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}
