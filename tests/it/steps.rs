//! The prelude's handling of files, also where other users can change the path. As root, on this
//! machine, in temporary folders.

mod components;
mod fetch;
mod files;
mod firewall;
mod pair;
mod postgres;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use time::OffsetDateTime;

/// A user with a name, and one whom this machine does not know.
const USERS: [u32; 2] = [65534, 54321];
const GROUP: u32 = 65534;

const RULES: &str = "local all all peer\n";
const SECRET: &str = "* * * * * root the only line\n";

fn asset(path: &str) -> String {
    file(&format!("assets/{path}"))
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A folder of root's, with one of another user in it.
struct Host {
    folder: tempfile::TempDir,
    user: u32,
}

impl Host {
    fn of(user: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Self { folder, user };
        fs::set_permissions(host.at(""), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["roots", "theirs", "theirs/main"] {
            fs::create_dir(host.at(name)).unwrap();
        }
        host.put("roots/crontab", SECRET, 0o600, 0, 0);
        host.put("roots/pg_hba.conf", SECRET, 0o600, 0, 0);
        host.put("theirs/main/pg_hba.conf", RULES, 0o640, user, GROUP);
        for name in ["theirs", "theirs/main"] {
            chown(host.at(name), Some(user), Some(GROUP)).unwrap();
        }
        host
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str, mode: u32, user: u32, group: u32) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
        chown(self.at(name), Some(user), Some(group)).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    /// Runs the prelude and then this, as a step's `apply` runs, with what the wizard keeps on a
    /// host in this folder. `$1` is the folder.
    fn sh(&self, script: &str) -> (bool, String) {
        self.runs("", script)
    }

    fn runs(&self, more: &str, script: &str) -> (bool, String) {
        let keep = format!("KEEP={}/keep", self.folder.path().display());
        let prelude = asset("steps/prelude.sh").replace("KEEP=/var/lib/k3s-ha-wizard", &keep);
        assert!(prelude.contains(&keep));
        let script = format!("umask 077\n{prelude}\n{more}\nset -eu\n{script}\n");
        let output = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(self.folder.path())
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .process_group(0)
            .output()
            .unwrap();
        let text = [&*output.stdout, &*output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into(),
        )
    }

    /// The folders of sets of the pair.
    fn sets(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.at("roots/pair")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_set = |path: &PathBuf| path.to_str().unwrap().contains("/.set-");
        paths.filter(is_set).collect()
    }

    /// Lets everything end at once before the operation on files that comes after so many.
    fn ends_after(&self, operations: u32) -> String {
        let bin = self.at("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(self.at("left"), format!("{operations}\n")).unwrap();
        let program = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nread -r left <'{left}'\n\
             [ \"$left\" -gt 0 ] || kill -9 0\necho $((left - 1)) >'{left}'\n\
             exec \"${{0##*/}}\" \"$@\"\n",
            left = self.at("left").display()
        );
        for name in [
            "chmod", "chown", "cp", "ln", "mkdir", "mktemp", "mv", "rm", "sync",
        ] {
            fs::write(bin.join(name), &program).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        format!("PATH='{}':$PATH", bin.display())
    }

    /// Paths below a folder, with owner, mode, and what is in files.
    fn picture(&self, name: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut folders = vec![self.at(name)];
        while let Some(folder) = folders.pop() {
            let mut all = vec![folder.clone()];
            all.extend(
                fs::read_dir(&folder)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            for path in all {
                let how = fs::symlink_metadata(&path).unwrap();
                let text = how.is_file().then(|| fs::read_to_string(&path).unwrap());
                let (user, mode) = (how.uid(), how.mode());
                lines.push(format!("{} {user} {mode:o} {text:?}", path.display()));
                if how.is_dir() && path != folder {
                    folders.push(path);
                }
            }
        }
        lines.sort();
        lines
    }
}

const BLOCK: &str = "'# BEGIN' '# END' 'our rule\n'";
const HBA: &str = "\"$1/theirs/main/pg_hba.conf\"";

/// A program of the user's, until it is dropped.
struct Attacker(Child);

impl Attacker {
    fn starts(host: &Host, program: &str) -> Self {
        let child = Command::new("setpriv")
            .args([format!("--reuid={}", host.user), format!("--regid={GROUP}")])
            .args(["--clear-groups", "--", "perl", "-e", program])
            .current_dir(host.at("theirs/main"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_in_a_folder_of_others_gets_a_block_and_stays_theirs() {
    for user in USERS {
        let host = Host::of(user);
        // What an interrupted run has left.
        let left = "theirs/main/pg_hba.conf.k3s-ha-wizard~";
        host.put(left, "half", 0o600, user, GROUP);
        let (done, said) = host.sh(&format!(
            "put_block {HBA} {BLOCK}; check_block {HBA} {BLOCK}"
        ));
        assert!(done, "{said}");
        let file = fs::metadata(host.at("theirs/main/pg_hba.conf")).unwrap();
        assert_eq!(
            (file.uid(), file.gid(), file.mode() & 0o7777),
            (user, GROUP, 0o640)
        );
        let rules = host.read("theirs/main/pg_hba.conf");
        assert_eq!(rules, format!("# BEGIN\nour rule\n# END\n{RULES}"));
        let there = host.picture("theirs/main");
        assert_eq!(there.len(), 2, "the folder and the file: {there:?}");

        // The backup is for root alone, and said.
        let backups = fs::read_dir(host.at("keep/backups")).unwrap();
        let backups: Vec<_> = backups.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(backups.len(), 1);
        assert!(
            said.contains(&format!("saved as {}", backups[0].display())),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&backups[0]).unwrap(), RULES);
        let backup = fs::metadata(&backups[0]).unwrap();
        assert_eq!((backup.uid(), backup.mode() & 0o7777), (0, 0o600));
        let keep = fs::metadata(host.at("keep")).unwrap();
        assert_eq!((keep.uid(), keep.mode() & 0o7777), (0, 0o700));

        // What the wizard wrote itself needs no backup.
        let (done, said) = host.sh(&format!("put_block {HBA} '# BEGIN' '# END' 'another\n'"));
        assert!(done && !said.contains("kept as"), "{said}");
    }
}

#[test]
fn links_made_beforehand_are_not_followed() {
    for user in USERS {
        let host = Host::of(user);
        let now = OffsetDateTime::now_utc();
        let mut names = vec!["pg_hba.conf.k3s-ha-wizard~".to_owned()];
        // Where backups were once kept: beside the file, named by the second.
        for second in 0..20 {
            let at = now + time::Duration::seconds(second);
            let (day, time) = (at.date(), at.time());
            names.push(format!(
                "pg_hba.conf.before-k3s-ha-wizard-{:04}{:02}{:02}T{:02}{:02}{:02}Z",
                day.year(),
                u8::from(day.month()),
                day.day(),
                time.hour(),
                time.minute(),
                time.second()
            ));
        }
        for name in names {
            let link = host.at("theirs/main").join(name);
            symlink(host.at("roots/crontab"), &link).unwrap();
        }
        let before = host.picture("roots");
        let (done, said) = host.sh(&format!("put_block {HBA} {BLOCK}"));
        assert!(done, "{said}");
        assert_eq!(host.picture("roots"), before);
    }
}

#[test]
fn a_link_in_the_place_of_a_file_of_others_is_not_read_or_written_as_root() {
    for user in USERS {
        let host = Host::of(user);
        let file = host.at("theirs/main/pg_hba.conf");
        fs::remove_file(&file).unwrap();
        symlink(host.at("roots/crontab"), &file).unwrap();
        let before = (host.picture("roots"), host.picture("theirs"));
        let all = [
            format!("put_block {HBA} {BLOCK}"),
            format!("check_block {HBA} {BLOCK}"),
            format!("check_file {HBA} 0600 root:root '{SECRET}'"),
            format!(
                "[ \"$(hash_of {HBA})\" = \"$(printf '%s' '{SECRET}' | sha256sum | cut -d' ' -f1)\" ]"
            ),
            format!("keep_backup {HBA}"),
            format!("put_directory {HBA} 0700 {user}:{GROUP}"),
        ];
        for script in all {
            let (done, said) = host.sh(&script);
            assert!(!done, "{script}: {said}");
            assert!(!said.contains("the only line"), "{script}: {said}");
        }
        // A folder of root's under a name of theirs.
        symlink(host.at("roots"), host.at("theirs/link")).unwrap();
        let linked = "\"$1/theirs/link/pg_hba.conf\"";
        for script in [
            format!("put_block {linked} {BLOCK}"),
            format!("put_file {linked} 0600 root:root text"),
            format!("put_directory \"$1/theirs/link\" 0755 {user}:{GROUP}"),
        ] {
            let (done, said) = host.sh(&script);
            assert!(!done, "{script}: {said}");
        }
        fs::remove_file(host.at("theirs/link")).unwrap();
        assert_eq!((host.picture("roots"), host.picture("theirs")), before);

        // What the plan shows is no way around.
        let preview = format!("MARK=m\n{}", asset("remote/preview.sh"));
        let secret = "files() { block \"$file\" '# BEGIN' '# END' 'rule\n'; }";
        let (_, said) = host.runs(
            &format!("{preview}\n{secret}"),
            &format!("file={HBA}; preview"),
        );
        assert_eq!(said, "");
    }
}

#[test]
fn an_attacker_who_swaps_names_all_the_time_gains_nothing() {
    // Temporary files, the file itself, and its folder.
    let programs = [
        r#"while (1) { for (glob(".k3s-ha-wizard* pg_hba.conf?*")) { unlink; symlink "../../roots/crontab", $_ } }"#,
        r#"while (1) { rename "pg_hba.conf", "real"; symlink "../../roots/crontab", "pg_hba.conf"; unlink "pg_hba.conf"; rename "real", "pg_hba.conf" }"#,
        r#"chdir ".."; while (1) { rename "main", "real"; symlink "../roots", "main"; unlink "main"; rename "real", "main" }"#,
    ];
    for user in USERS {
        for program in programs {
            let host = Host::of(user);
            let before = host.picture("roots");
            let attacker = Attacker::starts(&host, program);
            for round in 0..15 {
                // Whether it succeeds is the attacker's choice.
                let rules = format!("put_block {HBA} '# BEGIN' '# END' 'rule {round}\n'");
                let file = format!("put_file \"$1/theirs/main/new\" 0600 {user}:{GROUP} {round}");
                for script in [rules, file] {
                    let (_, said) = host.sh(&script);
                    assert!(!said.contains("the only line"), "{said}");
                }
                assert_eq!(host.picture("roots"), before, "{program}");
            }
            drop(attacker);
            let theirs = host.picture("theirs");
            let gained = theirs.iter().filter(|line| line.contains("the only line"));
            assert_eq!(gained.count(), 0, "{theirs:#?}");
        }
    }
}

#[test]
fn a_folder_that_several_users_can_change_is_refused() {
    let host = Host::of(USERS[0]);
    chown(host.at("theirs/main"), Some(0), Some(GROUP)).unwrap();
    chown(host.at("theirs"), Some(0), Some(0)).unwrap();
    fs::set_permissions(host.at("theirs/main"), fs::Permissions::from_mode(0o775)).unwrap();
    let before = host.picture("theirs");
    let (done, said) = host.sh(&format!("put_block {HBA} {BLOCK}"));
    assert!(
        !done && said.contains("several users can change the folder of"),
        "{said}"
    );
    assert_eq!(host.picture("theirs"), before);
}

#[test]
fn nothing_is_left_beside_a_file_of_roots() {
    let host = Host::of(USERS[0]);
    let file = "\"$1/roots/crontab\"";
    // What an interrupted run has left: a name that logrotate skips.
    host.put("roots/crontab.k3s-ha-wizard~", "half", 0o600, 0, 0);
    let (done, said) = host.sh(&format!("put_file {file} 0644 root:root 'ours\n'"));
    assert!(done, "{said}");
    let names = || {
        let names = fs::read_dir(host.at("roots")).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["crontab", "pg_hba.conf"]);
    assert_eq!(host.read("roots/crontab"), "ours\n");
    assert_eq!(
        fs::metadata(host.at("roots/crontab")).unwrap().mode() & 0o7777,
        0o644
    );
    let backup = fs::read_dir(host.at("keep/backups"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(fs::read_to_string(backup.path()).unwrap(), SECRET);

    // A link that root made stays one, and what it points to changes.
    symlink("crontab", host.at("roots/link")).unwrap();
    let (done, said) = host.sh(&format!("put_block \"$1/roots/link\" {BLOCK}"));
    assert!(done, "{said}");
    assert_eq!(
        host.read("roots/crontab"),
        "# BEGIN\nour rule\n# END\nours\n"
    );
    assert_eq!(names(), ["crontab", "link", "pg_hba.conf"]);
    assert!(host.at("roots/link").is_symlink());
}

#[test]
fn a_block_with_a_lost_mark_is_refused() {
    for rules in [
        "# BEGIN\nold\nlocal all all peer\n",
        "local all all peer\nold\n# END\n",
        "# BEGIN\nold\nlocal all all peer\n# BEGIN\nold\n# END\n",
    ] {
        let host = Host::of(USERS[0]);
        host.put("theirs/main/pg_hba.conf", rules, 0o640, host.user, GROUP);
        let before = host.picture("theirs");
        let (done, said) = host.sh(&format!("put_block {HBA} {BLOCK}"));
        assert!(
            !done && said.contains("Restore the missing line"),
            "{rules}: {said}"
        );
        let (_, said) = host.sh(&format!("check_block {HBA} {BLOCK} || echo \"status $?\""));
        assert!(said.ends_with("status 3\n"), "{rules}: {said}");
        assert_eq!(host.picture("theirs"), before);
    }
}

/// What a step defines besides what the prelude asks of it must have a name of its own.
#[test]
fn no_step_defines_what_the_prelude_defines() {
    const ASKED_OF_IT: [&str; 6] = ["refuses", "files", "satisfied", "ready", "apply", "remove"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let defined = |path: &Path| -> BTreeSet<String> {
        let text = std::fs::read_to_string(path).unwrap();
        let name = |line: &str| Some(line.split_once("() ")?.0.to_owned());
        let names = text.lines().filter_map(name);
        names.filter(|name| !name.contains(' ')).collect()
    };
    let mut given = defined(&root.join("assets/steps/prelude.sh"));
    for functions in [
        "rpm.sh",
        "debian/functions.sh",
        "suse/functions.sh",
        "redhat/functions.sh",
    ] {
        given.extend(defined(&root.join("src/platform").join(functions)));
    }
    assert!(ASKED_OF_IT.iter().all(|name| given.remove(*name)));
    assert!(given.contains("check") && given.contains("install_packages"));
    for folder in std::fs::read_dir(root.join("assets/steps")).unwrap() {
        let folder = folder.unwrap().path();
        for file in std::fs::read_dir(&folder).into_iter().flatten() {
            let file = file.unwrap().path();
            let twice: Vec<_> = defined(&file).intersection(&given).cloned().collect();
            assert!(twice.is_empty(), "{}: {twice:?}", file.display());
        }
    }
}

#[test]
fn two_clusters_do_not_take_the_top_of_a_file_from_each_other() {
    let host = Host::of(USERS[0]);
    let puts = |cluster: &str, rule: &str| {
        let marks = format!("'# BEGIN k3s-ha-wizard {cluster}' '# END k3s-ha-wizard {cluster}'");
        let block = format!("\"$1/theirs/main/pg_hba.conf\" {marks} '{rule}\n'");
        let (done, said) = host.runs("", &format!("put_block {block}; check_block {block}"));
        assert!(done, "{said}");
    };
    puts("one", "of one");
    puts("two", "of two");
    let both = host.read("theirs/main/pg_hba.conf");
    let block = |cluster: &str| {
        format!("# BEGIN k3s-ha-wizard {cluster}\nof {cluster}\n# END k3s-ha-wizard {cluster}\n")
    };
    assert_eq!(both, format!("{}{}{RULES}", block("two"), block("one")));
    // Each is content with where it is, and changes in its place.
    puts("one", "of one");
    puts("two", "of two");
    assert_eq!(host.read("theirs/main/pg_hba.conf"), both);
    puts("one", "other");
    let changed = both.replace("of one", "other");
    assert_eq!(host.read("theirs/main/pg_hba.conf"), changed);

    // What is not the wizard's does not come first.
    let foreign = format!("host all all all trust\n{both}");
    host.put("theirs/main/pg_hba.conf", &foreign, 0o640, host.user, GROUP);
    puts("one", "of one");
    let first = host.read("theirs/main/pg_hba.conf");
    assert!(first.starts_with(&block("one")), "{first}");
}
