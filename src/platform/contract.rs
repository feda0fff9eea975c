//! What the shell functions of a family must be: their list, what every family is held to, and a
//! fake host on which a family tries its own, with stubs of the programs that they call.
//!
//! They may use the prelude, and are run with `set -eu`. `DB_PORT` is set for those of Postgres.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{FAMILIES, Family, PRELUDE};

/// All that steps call of a platform, and what it must do.
const FUNCTIONS: [(&str, &str); 18] = [
    (
        "installed",
        "PACKAGE…: status 0 where all of them are installed completely; else 1, and says which \
         one is not",
    ),
    (
        "install_packages",
        "PACKAGE…: installs them from the package sources, after finishing an installation that \
         was interrupted and waiting for others that hold a lock; the status is the package \
         manager's. With BUNDLE, from the folder packages in it, and nothing else",
    ),
    (
        "needed_files",
        "FOLDER: prints the names of the files of a bundle's packages that installing wanted_packages \
         needs here, a line each, and key=KEY for each key that signed them and that the host does not \
         trust; else fails, and says what is missing. The file index in the folder is what \
         collect_packages has made",
    ),
    (
        "collect_packages",
        "FOLDER: downloads wanted_packages with all that they depend on into the folder files in it, \
         verified, and writes the file index beside that; prints lacks=NAME for those that no source \
         has; installs nothing",
    ),
    (
        "postgres_package",
        "prints the name of the package that install_postgres installs",
    ),
    (
        "source_is_reached",
        "status 0 where packages can be downloaded; else 1, and says why not; within 30 s",
    ),
    (
        "postgres_installed",
        "status 0 where a Postgres server is installed; else 1, and says so",
    ),
    (
        "newest_postgres",
        "prints the major version that install_postgres would install; nothing if it is unknown",
    ),
    (
        "install_postgres",
        "installs the newest Postgres of the package sources, as install_packages does",
    ),
    ("psql_program", "prints the path of psql itself"),
    (
        "postgres_cluster",
        "prints the arguments of postgres_service for the cluster on DB_PORT; nothing if there is \
         none or no Postgres",
    ),
    (
        "postgres_elsewhere",
        "prints a line for each cluster on another port than DB_PORT, for people; status 0",
    ),
    (
        "make_postgres_cluster",
        "creates a cluster on DB_PORT, or moves the one that the package has just created there",
    ),
    (
        "postgres_service",
        "prints the systemd unit of the cluster that postgres_cluster has printed",
    ),
    ("enable_postgres", "Postgres starts with the machine"),
    (
        "postgres_enabled",
        "status 0 where Postgres starts with the machine; prints nothing",
    ),
    (
        "postgres_drop_ins",
        "prints the folder of drop-ins for the unit of the cluster on DB_PORT, or for all units",
    ),
    (
        "postgres_log",
        "prints the path of the log of the cluster on DB_PORT; nothing if there is none",
    ),
];

/// Programs of this machine that a fake host also has.
const TOOLS: &str = "awk cat cp cut dirname env find grep gzip head ls mkdir mktemp mv rm sed sh sha256sum sort stat tail \
     timeout tr";

/// What the functions of families name below `/`, and a fake host has below `$ROOT`.
const PLACES: [&str; 7] = [
    "/usr/lib/",
    "/usr/bin/",
    "/usr/pgsql-",
    "/var/lib/",
    "/run/postgresql",
    "/proc/locks",
    "/etc/systemd/",
];

/// A fake host: its programs are stubs, in `bin` or where their path says, below `$ROOT`.
pub(super) struct FakeHost {
    root: tempfile::TempDir,
    /// Shell text that puts stubs and files there.
    furniture: String,
}

impl FakeHost {
    /// In the furniture, `stub PATH` makes a program of what comes on standard input.
    pub(super) fn new(furniture: impl Into<String>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let furniture = furniture.into();
        Self { root, furniture }
    }

    /// Runs a family's functions, and then this. The status, and all that was printed.
    pub(super) fn sh(&self, family: &Family, script: &str) -> (i32, String) {
        let root = self.root.path().display();
        let mut functions = family.functions.to_owned();
        for place in PLACES {
            functions = functions.replace(place, &format!("{root}{place}"));
        }
        // The shell writes the stubs: a file that this process writes may be busy when it is run.
        let text = format!(
            "exec 2>&1\nROOT='{root}'\nexport ROOT\ncd \"$ROOT\"\n\
             stub() {{\n mkdir -p \"$ROOT/${{1%/*}}\"\n \
             {{ echo '#!/bin/sh'; cat; }} >\"$ROOT/$1\"\n chmod 0755 \"$ROOT/$1\"\n}}\n\
             mkdir -p bin\n\
             for tool in {TOOLS}; do ln -sf \"$(command -v $tool)\" bin; done\n\
             {}\nPATH=$ROOT/bin\n{PRELUDE}\n{functions}\nDB_PORT=5432\nset -eu\n{script}\n",
            self.furniture
        );
        let output = Command::new("sh")
            .args(["-c", &text])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let said = said.replace(&root.to_string(), "");
        (output.status.code().unwrap(), said)
    }
}

/// The functions that a shell file defines.
fn defined(text: &str) -> Vec<&str> {
    let names = text.lines().filter_map(|line| line.split_once("() {"));
    let names = names.map(|(name, _)| name);
    names.filter(|name| !name.contains(' ')).collect()
}

/// The code of all steps, and of the scripts around them.
fn steps() -> String {
    fn add(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, text);
            } else {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    add(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/steps"),
        &mut text,
    );
    let is_code = |line: &&str| !line.trim_start().starts_with('#');
    text.lines()
        .filter(is_code)
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[test]
fn every_family_has_all_functions() {
    for family in FAMILIES {
        for (name, does) in FUNCTIONS {
            let (_, said) = FakeHost::new("").sh(family, &format!("command -v {name} || :"));
            assert_eq!(said, format!("{name}\n"), "{}: {name} {does}", family.name);
        }
    }
}

/// Nothing is asked of a family that no step calls, and no step calls anything else of it.
#[test]
fn the_list_is_what_steps_call() {
    let steps = steps();
    let words: Vec<_> = steps
        .split(|letter: char| letter.is_whitespace() || "\"'$(){};|&`".contains(letter))
        .collect();
    for (name, _) in FUNCTIONS {
        assert!(words.contains(&name), "no step calls {name}");
    }
    for family in FAMILIES {
        let functions = defined(family.functions);
        assert!(functions.len() >= FUNCTIONS.len(), "{functions:?}");
        for function in functions {
            let is_listed = FUNCTIONS.iter().any(|(name, _)| *name == function);
            let is_called = words.contains(&function);
            assert!(is_listed || !is_called, "{function} is not listed");
        }
    }
}

/// The platform's functions must not change what the prelude does.
#[test]
fn no_family_defines_what_the_prelude_does() {
    let prelude = defined(PRELUDE);
    assert!(prelude.contains(&"drive"));
    for family in FAMILIES {
        let mut functions = defined(family.functions).into_iter();
        assert_eq!(functions.find(|name| prelude.contains(name)), None);
    }
}
