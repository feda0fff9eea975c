//! How the steps write the files that they manage: whole, by a rename, and on the disk before and
//! after it. Two witnesses who know nothing of the steps: a trace of the hosts' system calls, and a
//! watch on the files. It needs strace.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use crate::install::installed;
use crate::lab::{HOSTS, Lab};

/// The paths that the wizard has written on a host, as it keeps them there.
fn managed(lab: &Lab, host: &str) -> BTreeSet<PathBuf> {
    let marks = lab.must(host, "ls /var/lib/k3s-ha-wizard/written");
    let paths = marks.lines().map(|mark| mark.replace('%', "/").into());
    let paths: BTreeSet<_> = paths.collect();
    assert!(!paths.is_empty(), "{host} has no managed file");
    paths
}

/// Whether a path is a link into a set of files, which is replaced as one.
fn is_in_set(lab: &Lab, host: &str, path: &Path) -> bool {
    lab.sh(host, &format!("test -L {}", path.display())).0
}

/// What is renamed when a managed file is replaced: its own name, or that of its set.
fn renamed_as(lab: &Lab, host: &str, path: &Path) -> PathBuf {
    if is_in_set(lab, host, path) {
        return path.with_file_name(".current");
    }
    path.to_owned()
}

/// The system calls of all that a host's PID 1 starts from now on.
struct Trace {
    strace: Child,
    folder: tempfile::TempDir,
}

/// A system call that succeeded, with the paths that are in it.
#[derive(Debug)]
struct Call {
    is_rename: bool,
    /// What is synced, or the new name.
    path: PathBuf,
    /// The old name.
    from: PathBuf,
}

impl Trace {
    fn of(lab: &Lab, host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let calls = "trace=fsync,fdatasync,rename,renameat,renameat2";
        let mut strace = Command::new("strace");
        strace.args(["-q", "-ff", "-ttt", "-y", "-s", "4096", "-e", calls]);
        strace.args(["-e", "signal=none", "-o"]);
        strace.arg(folder.path().join("calls"));
        strace.args(["-p", &lab.first_process(host)]);
        let mut strace = strace.stdin(Stdio::null()).spawn().unwrap();
        let pid = lab.first_process(host);
        let is_traced = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            !status.contains("TracerPid:\t0\n")
        };
        while !is_traced() {
            assert!(strace.try_wait().unwrap().is_none(), "strace has ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { strace, folder }
    }

    fn stops(&mut self) {
        if let Ok(None) = self.strace.try_wait() {
            let pid = self.strace.id().to_string();
            let _ = Command::new("kill").args(["-s", "INT", &pid]).status();
            let _ = self.strace.wait();
        }
    }

    /// Ends it; what was called, in the order of time.
    fn ends(mut self) -> Vec<Call> {
        self.stops();
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let text = |file: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(file.unwrap().path()).unwrap()
        };
        let texts: Vec<_> = files.map(text).collect();
        let mut lines: Vec<_> = texts.iter().flat_map(|text| text.lines()).collect();
        lines.sort_unstable();
        lines.into_iter().filter_map(call).collect()
    }
}

impl Drop for Trace {
    /// Also where the test has failed.
    fn drop(&mut self) {
        self.stops();
    }
}

/// `TIME fsync(3</etc/a>) = 0`, or `TIME renameat2(AT_FDCWD</>, "/etc/a~", AT_FDCWD</>, "/etc/a", 0) = 0`.
fn call(line: &str) -> Option<Call> {
    let line = line.strip_suffix(" = 0")?;
    let between = |text: &str, open: char, close: char| {
        let (_, rest) = text.split_once(open)?;
        Some(PathBuf::from(rest.split_once(close)?.0))
    };
    if line.contains(" rename") {
        let names: Vec<_> = line.split('"').collect();
        return Some(Call {
            is_rename: true,
            path: names.get(3)?.into(),
            from: names.get(1)?.into(),
        });
    }
    Some(Call {
        is_rename: false,
        path: between(line, '<', '>')?,
        from: PathBuf::new(),
    })
}

/// What is wrong with how a name got its new file: before the rename the file was synced, and so
/// was the folder, before and after.
fn wrong_syncs(calls: &[Call], name: &Path) -> Vec<String> {
    let at = |call: &Call| call.is_rename && call.path == name;
    let Some(at) = calls.iter().position(at) else {
        return vec![format!("{}: never renamed", name.display())];
    };
    let (before, after) = calls.split_at(at);
    let is_synced = |calls: &[Call], path: &Path| {
        calls
            .iter()
            .any(|call| !call.is_rename && call.path == path)
    };
    let folder = name.parent().unwrap();
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{}: {what}", name.display()));
        }
    };
    // A set is a folder, and a link leads to it: what is synced are its files.
    let is_of_set = |call: &Call| {
        let set = call.path.parent();
        !call.is_rename
            && set
                .and_then(Path::file_name)
                .is_some_and(|it| has(it, ".set-"))
    };
    let is_set = name.ends_with(".current");
    let content = is_set
        && before
            .iter()
            .any(|call| is_of_set(call) && call.path.starts_with(folder));
    must(
        content || is_synced(before, &calls[at].from),
        "its content was not synced before the rename",
    );
    must(
        is_synced(before, folder),
        "its folder was not synced before the rename",
    );
    must(
        is_synced(after, folder),
        "its folder was not synced after the rename",
    );
    wrong
}

fn has(name: &OsStr, beginning: &str) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(beginning))
}

/// A watch on the folders of a host's managed files.
struct Watch {
    inotify: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
}

impl Watch {
    fn of(lab: &Lab, host: &str, paths: &BTreeSet<PathBuf>) -> Self {
        let root = PathBuf::from(format!("/proc/{}/root", lab.first_process(host)));
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let what = WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO;
        let mut folders = BTreeMap::new();
        for path in paths {
            let folder = path.parent().unwrap();
            let mut all = vec![folder.to_owned()];
            if is_in_set(lab, host, path) {
                let set = lab.must(host, &format!("readlink -e {}/.current", folder.display()));
                all.push(set.trim().into());
            }
            for folder in all {
                let seen_from_here = root.join(folder.strip_prefix("/").unwrap());
                let watch = inotify::add_watch(&inotify, seen_from_here, what).unwrap();
                folders.insert(watch, folder);
            }
        }
        Self { inotify, folders }
    }

    /// What happened to these names, in order.
    fn ends(self, paths: &BTreeSet<PathBuf>) -> Vec<(PathBuf, ReadFlags)> {
        let names: BTreeSet<_> = paths.iter().filter_map(|path| path.file_name()).collect();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&self.inotify, &mut buffer);
        let mut seen = Vec::new();
        while let Ok(event) = events.next() {
            let lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            assert!(!lost, "more happened than the watch could keep");
            let Some(name) = event.file_name() else {
                continue;
            };
            let name = OsStr::new(name.to_str().unwrap());
            if names.contains(name) || name == ".current" {
                seen.push((self.folders[&event.wd()].join(name), event.events()));
            }
        }
        seen
    }
}

/// What is wrong with what happened: a name gets another file by a rename and not otherwise. The old
/// set goes when nothing leads to it any more.
fn wrong_events(events: &[(PathBuf, ReadFlags)], names: &BTreeSet<PathBuf>) -> Vec<String> {
    let old_set = |path: &Path| path.iter().any(|part| has(part, ".set-"));
    let others = events.iter().filter(|(path, what)| {
        let fine = if old_set(path) {
            ReadFlags::DELETE
        } else {
            ReadFlags::MOVED_TO
        };
        !fine.contains(*what)
    });
    let others = others.map(|(path, what)| format!("{}: {what:?}", path.display()));
    let is_renamed = |name: &&PathBuf| !events.iter().any(|(path, _)| path == *name);
    let missing = names.iter().filter(is_renamed);
    let missing = missing.map(|name| format!("{}: no rename was seen", name.display()));
    others.chain(missing).collect()
}

/// Changes a file in place, also through a link: a block loses its first line, other files get one.
const CHANGE: &str = r#"
    set -e
    cat "$path" >/run/as-it-was
    if grep -q '^# BEGIN k3s-ha-wizard' "$path"; then
        sed '/^# BEGIN k3s-ha-wizard/{n;d}' /run/as-it-was >"$path"
    else
        printf '\n# changed\n' >>"$path"
    fi"#;

#[test]
fn managed_files_are_replaced_by_renames_and_are_on_the_disk() {
    let (lab, wizard) = installed();
    let mut witnesses = Vec::new();
    for host in HOSTS {
        let paths = managed(&lab, host);
        for path in &paths {
            lab.must(host, &format!("path={}\n{CHANGE}", path.display()));
        }
        let names: BTreeSet<_> = paths
            .iter()
            .map(|path| renamed_as(&lab, host, path))
            .collect();
        witnesses.push((
            host,
            Watch::of(&lab, host, &paths),
            Trace::of(&lab, host),
            paths,
            names,
        ));
    }
    let run = wizard.run().good();
    crate::install::must_be_a_cluster(&run);
    let mut wrong = Vec::new();
    for (host, watch, trace, paths, names) in witnesses {
        let calls = trace.ends();
        let syncs = names.iter().flat_map(|name| wrong_syncs(&calls, name));
        let events = wrong_events(&watch.ends(&paths), &names);
        wrong.extend(syncs.chain(events).map(|it| format!("{host}: {it}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}
