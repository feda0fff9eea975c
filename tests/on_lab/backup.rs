//! Backups of the lab's datastore. They need root.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::install::{installed, started};
use crate::lab::{Lab, Wizard};

const DB: &str = "k3s-postgres";

fn count(lab: &Lab, database: &str) -> String {
    let ask = format!(
        "cd / && runuser -u postgres -- psql -X -A -t -d {database} -c 'SELECT count(*) FROM kine'"
    );
    lab.must(DB, &ask).trim().to_owned()
}

/// The files of the backups, oldest first.
fn files(wizard: &Wizard) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(wizard.state.path().join("lab/backups")) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Brings a dump into a new database, as an operator would.
fn restore(lab: &Lab, dump: &std::path::Path, database: &str) {
    let archive = std::fs::read(dump).unwrap();
    let mut base64 = Command::new("base64");
    let mut child = base64
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &archive));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let script = format!(
        "cd / && runuser -u postgres -- createdb -T template0 {database} && \
         base64 -d <<'DUMP' | runuser -u postgres -- pg_restore --exit-on-error -d {database}\n\
         {text}DUMP\n"
    );
    lab.must(DB, &script);
}

#[test]
fn a_backup_holds_the_data_and_disturbs_nothing() {
    let (lab, wizard) = installed();
    let services = started(&lab);
    let before = wizard.kept("state.json");

    let (code, said) = wizard.says(&["backup", "create"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the backup is done"), "{said}");
    let made = files(&wizard);
    assert_eq!(made.len(), 2, "{made:?}");
    assert_eq!(started(&lab), services, "no service was restarted");
    assert_eq!(
        wizard.kept("state.json"),
        before,
        "a backup applies nothing"
    );

    let (code, said) = wizard.says_alone(&["backup", "list"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(made[0].to_str().unwrap()), "{said}");

    let (code, json) = wizard.says_alone(&["backup", "list", "--output", "json"]);
    assert_eq!(code, Some(0), "{json}");
    let listed: Value = serde_json::from_str(&json).unwrap();
    let schema = include_str!("../../assets/backups.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let schema = jsonschema::draft202012::options().build(&schema).unwrap();
    assert!(schema.is_valid(&listed), "{listed:#}");
    assert_eq!(listed[0]["path"], made[0].to_str().unwrap());

    restore(&lab, &made[0], "rehearsal");
    let rows: u64 = count(&lab, "rehearsal").parse().unwrap();
    let now: u64 = count(&lab, "k3s").parse().unwrap();
    assert!(rows > 0 && rows <= now, "{rows} of {now}");

    // The lease was given back.
    wizard.run().good();

    // A file that was cut is told.
    std::fs::write(&made[0], "PGDMP").unwrap();
    let (code, said) = wizard.says_alone(&["backup", "list"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the file has 5 bytes"), "{said}");
}

#[test]
fn a_backup_that_fails_says_why_and_leaves_no_file() {
    let (lab, wizard) = installed();
    lab.must(
        DB,
        "mv /usr/lib/postgresql/15/bin/pg_dump /usr/lib/postgresql/15/bin/pg_dump.away",
    );
    let (code, said) = wizard.says(&["backup", "create"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("pg_dump"), "{said}");
    assert_eq!(files(&wizard).len(), 0);
    lab.must(
        DB,
        "mv /usr/lib/postgresql/15/bin/pg_dump.away /usr/lib/postgresql/15/bin/pg_dump",
    );
    let (code, said) = wizard.says(&["backup", "create"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(files(&wizard).len(), 2);
}
