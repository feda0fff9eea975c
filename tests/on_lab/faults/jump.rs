//! The operator's machine fails: its state folder, its clock, its terminal.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ground::{bare, ends_well, failures, installed, is_whole, run_with};
use super::{Fault, Row};
use crate::lab::{HOSTS, Lab, Wizard, changes, flat, picture};

fn folder(wizard: &Wizard) -> PathBuf {
    wizard.state.path().join("lab")
}

fn program(name: &str, args: &[&str]) {
    let status = Command::new(name).args(args).status().unwrap();
    assert!(status.success(), "{name} {args:?}");
}

/// A file of the state is damaged: the wizard says so and changes no host, and with the file put
/// back it goes on.
fn damage(name: &str, code: i32, says: &'static str, damage: impl Fn(&Path) + 'static) -> Fault {
    let did = name.to_owned();
    Fault::new(name, move || {
        let (lab, wizard) = installed();
        let kept = tempfile::tempdir().unwrap();
        let copy = kept.path().join("lab");
        let state = folder(&wizard);
        program(
            "cp",
            &["-a", state.to_str().unwrap(), copy.to_str().unwrap()],
        );
        damage(&state);
        let before = picture(&lab);
        let run = wizard.run();
        assert_eq!(run.status.code(), Some(code), "{}", run.text);
        assert!(flat(&run.text).contains(says), "{says}\n{}", run.text);
        assert_eq!(changes(&before, &picture(&lab)), Vec::<String>::new());
        std::fs::remove_dir_all(&state).unwrap();
        program(
            "cp",
            &["-a", copy.to_str().unwrap(), state.to_str().unwrap()],
        );
        is_whole(&lab, &wizard);
        Row {
            did: did.clone(),
            said: format!("exit {code}: {says}"),
            continued: "refused; with the file put back a run changed nothing".to_owned(),
        }
    })
}

fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

pub fn damaged() -> Vec<Fault> {
    vec![
        damage(
            "state.json is cut in the middle",
            1,
            "state.json",
            |state| {
                rewrite(&state.join("state.json"), |text| {
                    text[..text.len() / 2].to_owned()
                });
            },
        ),
        damage("state.json is empty", 1, "state.json", |state| {
            std::fs::write(state.join("state.json"), "").unwrap();
        }),
        damage("state.json holds garbage", 1, "state.json", |state| {
            std::fs::write(state.join("state.json"), [0xff, 0, 0x1b, b'{']).unwrap();
        }),
        damage("state.json is of a newer version", 1, "newer", |state| {
            rewrite(&state.join("state.json"), |text| {
                let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
                json["schema"] = 999.into();
                json["version"] = "7.0.0".into();
                json.to_string()
            });
        }),
        damage("secrets.json is lost", 1, "secrets.json", |state| {
            std::fs::remove_file(state.join("secrets.json")).unwrap();
        }),
        damage(
            "secrets.json is cut in the middle",
            1,
            "secrets.json",
            |state| {
                rewrite(&state.join("secrets.json"), |text| {
                    text[..text.len() / 2].to_owned()
                });
            },
        ),
        damage("the key of the authority is lost", 1, "ca.key", |state| {
            std::fs::remove_file(state.join("pki/ca.key")).unwrap();
        }),
    ]
}

/// A disk of its own for the state folder, of a few MiB. It is taken away with this value.
struct Disk(PathBuf);

impl Disk {
    fn at(wizard: &Wizard) -> Self {
        let path = wizard.state.path().to_owned();
        let options = "size=2m,mode=0700";
        program(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                options,
                "lab-state",
                path.to_str().unwrap(),
            ],
        );
        Self(path)
    }

    fn remount(&self, how: &str) {
        program(
            "mount",
            &["-o", &format!("remount,{how}"), self.0.to_str().unwrap()],
        );
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes what is free, to the last block.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 1024]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The state's disk fails when the run comes to a step.
fn disk_fails(name: &str, id: &'static str, fails: fn(&Disk), works: fn(&Disk)) -> Fault {
    let did = name.to_owned();
    Fault::new(name, move || {
        let (lab, wizard) = (bare(), Wizard::new());
        let disk = Disk::at(&wizard);
        let run = run_with(&wizard, id, |_| fails(&disk));
        assert_ne!(
            run.status.code(),
            Some(0),
            "a run without a record ended well"
        );
        works(&disk);
        Row {
            did: did.clone(),
            said: failures(&run),
            continued: ends_well(&lab, &wizard),
        }
    })
}

/// A signal to the wizard within a step: it ends, and the next run finds what still runs.
fn signalled(name: &'static str) -> Fault {
    Fault::new(format!("{name} to the wizard"), move || {
        let (lab, wizard) = (bare(), Wizard::new());
        let run = run_with(&wizard, "postgres/install@k3s-postgres", |child| {
            program("kill", &["-s", name, &child.id().to_string()]);
        });
        assert_ne!(run.status.code(), Some(0));
        Row {
            did: format!("SIG{name} while Postgres was installed"),
            said: format!("exit {}", run.status.code().unwrap()),
            continued: ends_well(&lab, &wizard),
        }
    })
}

/// The wizard's own clock is wrong, against the hosts'. libfaketime gives it another one.
fn with_clock(wizard: &Wizard, offset: &str) -> (Option<i32>, String) {
    let mut command = wizard.command(&[]);
    command
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME", offset)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), flat(&String::from_utf8_lossy(&text)))
}

/// Hosts would refuse the certificates.
fn clock_ahead() -> Fault {
    Fault::new("its clock is an hour ahead", || {
        let (lab, wizard) = (bare(), Wizard::new());
        let before = picture(&lab);
        let (code, text) = with_clock(&wizard, "+1h");
        assert_eq!(code, Some(5), "{text}");
        assert!(text.contains("s ahead of all hosts"), "{text}");
        assert_eq!(changes(&before, &picture(&lab)), Vec::<String>::new());
        Row {
            did: "the clock of the operator's machine an hour ahead".to_owned(),
            said: "exit 5: hosts would refuse the certificates".to_owned(),
            continued: ends_well(&lab, &wizard),
        }
    })
}

/// Only the times in the log are wrong.
fn clock_behind() -> Fault {
    Fault::new("its clock is an hour behind", || {
        let (lab, wizard) = (bare(), Wizard::new());
        let (code, text) = with_clock(&wizard, "-1h");
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("s behind all hosts"), "{text}");
        Row {
            did: "the clock of the operator's machine an hour behind".to_owned(),
            said: "a warning: the times in its logs are wrong; the run ended well".to_owned(),
            continued: ends_well(&lab, &wizard),
        }
    })
}

fn faketime() -> &'static str {
    const PLACES: [&str; 2] = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ];
    let there = PLACES.into_iter().find(|path| Path::new(path).exists());
    there.expect("libfaketime is missing: apt-get install libfaketime")
}

pub fn fails() -> Vec<Fault> {
    vec![
        disk_fails(
            "the state's disk is full in postgres/role",
            "postgres/role@k3s-postgres",
            Disk::fill,
            |disk| std::fs::remove_file(disk.filler()).unwrap(),
        ),
        disk_fails(
            "the state's disk is full in k3s/start",
            "k3s/start@k3s-server-1",
            Disk::fill,
            |disk| std::fs::remove_file(disk.filler()).unwrap(),
        ),
        signalled("HUP"),
        signalled("TERM"),
        clock_ahead(),
        clock_behind(),
        Fault::new("the state's disk is read-only from the beginning", || {
            let (lab, wizard) = (bare(), Wizard::new());
            let disk = Disk::at(&wizard);
            disk.remount("ro");
            let before = picture(&lab);
            let run = wizard.run();
            assert!(
                ![Some(0), None, Some(101)].contains(&run.status.code()),
                "{}",
                run.text
            );
            assert!(run.text.contains("ead-only"), "{}", run.text);
            assert_eq!(changes(&before, &picture(&lab)), Vec::<String>::new());
            disk.remount("rw");
            Row {
                did: "the state folder on a disk that is mounted read-only".to_owned(),
                said: format!(
                    "exit {}: Read-only file system",
                    run.status.code().unwrap_or(-1)
                ),
                continued: ends_well(&lab, &wizard),
            }
        }),
        Fault::new("the whole state is lost", || {
            let (lab, wizard) = installed();
            std::fs::remove_dir_all(folder(&wizard)).unwrap();
            let before = services(&lab);
            let run = wizard.run();
            assert_eq!(run.status.code(), Some(5), "{}", run.text);
            assert_eq!(services(&lab), before);
            Row {
                did: "a new state folder beside a cluster".to_owned(),
                said: refusals(&run.text),
                continued: "refused, no service was restarted".to_owned(),
            }
        }),
    ]
}

fn services(lab: &Lab) -> Vec<String> {
    let of = |host| {
        lab.must(host, "systemctl show -p ExecMainStartTimestampMonotonic k3s k3s-agent k3s-lb postgresql@15-main")
    };
    HOSTS.map(of).into()
}

fn refusals(text: &str) -> String {
    let fails = text.lines().filter(|line| line.contains(": FAIL"));
    fails.map(str::trim).collect::<Vec<_>>().join("; ")
}
