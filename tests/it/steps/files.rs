//! What `files` says is checked, put and removed.

use super::*;

/// A step with all kinds of files in the folder of a host.
fn step(version: &str) -> String {
    format!(
        "AT=\"$1/roots\"
        files() {{
            directory \"$AT/ours\" 0750 root:root
            file \"$AT/ours/a file\" 0600 root:root 'text {version}\n'
            block \"$AT/crontab\" '# BEGIN' '# END' 'line {version}\n'
            pair
        }}
        {}",
        pair(version)
    )
}

/// A set of two files that fit only together.
fn pair(version: &str) -> String {
    format!(
        "AT=\"$1/roots\"
        pair() {{
            directory \"$AT/pair\" 0755 root:root
            file_set \"$AT/pair\" server.crt 0644 root:root 'pair {version}\n' \
                server.key 0640 root:daemon 'pair {version}\n'
        }}"
    )
}

#[test]
fn what_files_says_is_checked_put_and_removed() {
    let host = Host::of(USERS[0]);
    let untouched = host.picture("roots");
    let asks = "check || echo \"status $?\"";
    let (_, said) = host.runs(&step("1"), asks);
    assert!(
        said.ends_with("roots/ours does not exist\nstatus 1\n"),
        "{said}"
    );
    assert_eq!(host.picture("roots"), untouched);

    for version in ["1", "2"] {
        let (done, said) = host.runs(&step(version), "apply; check");
        assert!(done && said.matches("wrote").count() == 4, "{said}");
        let there = host.picture("roots");
        let (done, said) = host.runs(&step(version), "apply; check");
        assert!(done && said.is_empty(), "{said}");
        assert_eq!(host.picture("roots"), there, "what is so is left alone");
        for name in ["server.crt", "server.key"] {
            let text = host.read(&format!("roots/pair/{name}"));
            assert_eq!(text, format!("pair {version}\n"));
        }
    }
    assert_eq!(host.read("roots/ours/a file"), "text 2\n");
    let key = fs::metadata(host.at("roots/pair/server.key")).unwrap();
    assert_eq!((key.uid(), key.gid(), key.mode() & 0o777), (0, 1, 0o640));
    assert_eq!(
        host.read("roots/crontab"),
        format!("# BEGIN\nline 2\n# END\n{SECRET}")
    );
    assert_eq!(host.sets().len(), 1, "the old one is gone");

    // Each difference is found and fixed.
    for (change, why) in [
        (
            "chmod 700 \"$AT/ours\"",
            "ours has a different mode or owner",
        ),
        ("echo >>\"$AT/ours/a file\"", "a file has different content"),
        (
            "chmod 644 \"$AT/pair/server.key\"",
            "key has a different mode",
        ),
        (
            "echo >>\"$AT/pair/server.crt\"",
            "crt has different content",
        ),
        (
            "rm \"$AT/pair/server.crt\"; cp \"$AT/pair/server.key\" \"$AT/pair/server.crt\"",
            "crt is not part of a set",
        ),
        ("rm \"$AT/pair/server.crt\"", "server.crt does not exist"),
        (
            "echo >\"$AT/crontab\"",
            "crontab does not have the wizard's lines",
        ),
    ] {
        let (_, said) = host.runs(&step("2"), &format!("{change}; {asks}"));
        assert!(said.contains(why) && said.ends_with("status 1\n"), "{said}");
        let (done, said) = host.runs(&step("2"), "apply >/dev/null; check");
        assert!(done, "{why}: {said}");
    }

    // What others have changed stays, with what it lies in.
    let change = "echo mine >>\"$AT/ours/a file\"; echo mine >>\"$AT/pair/server.crt\"";
    let (done, said) = host.runs(&step("2"), &format!("{change}; remove; {change}"));
    assert!(
        done && said.matches("since the wizard wrote it").count() == 2,
        "{said}"
    );
    assert_eq!(host.read("roots/ours/a file"), "text 2\nmine\nmine\n");
    assert_eq!(host.read("roots/pair/server.key"), "pair 2\n");
    let (done, said) = host.runs(&step("2"), "apply");
    assert!(done, "{said}");
    host.put("roots/crontab", SECRET, 0o600, 0, 0);
    let (done, said) = host.runs(&step("2"), "apply; remove; remove");
    assert!(done && said.matches("removed").count() == 3, "{said}");
    assert_eq!(host.picture("roots"), untouched);
}

#[test]
fn a_key_never_stands_beside_another_certificate() {
    // The old ones as plain files, as earlier versions wrote them, and as a set; and a run that was
    // interrupted between the two.
    let plain = "mkdir \"$AT/pair\"; for name in crt key; do
        echo 'pair 1' >\"$AT/pair/server.$name\"; done";
    let half = format!(
        "{plain}; mkdir \"$AT/pair/.set-old\"; echo 'pair 1' >\"$AT/pair/.set-old/server.key\"
         ln -s .set-old \"$AT/pair/.current\"; ln -sf .current/server.key \"$AT/pair/server.key\""
    );
    for (before, at_least) in [("put_files", 14), (plain, 20), (&half, 16)] {
        let mut operations = 0;
        loop {
            let host = Host::of(USERS[0]);
            let of = |version: &str| format!("{}\nfiles() {{ pair; }}", pair(version));
            let (done, said) = host.runs(&of("1"), before);
            assert!(done, "{said}");
            let (done, said) = host.runs(
                &format!("{}\n{}", of("2"), host.ends_after(operations)),
                "put_files",
            );
            let shown = ["crt", "key"].map(|name| host.read(&format!("roots/pair/server.{name}")));
            assert_eq!(shown[0], shown[1], "after {operations} operations");
            if done {
                assert_eq!(shown[0], "pair 2\n", "{said}");
                break;
            }
            let (done, said) = host.runs(&of("2"), "files_are || put_files; files_are");
            assert!(done, "after {operations} operations: {said}");
            let records = host.picture("keep/written");
            assert!(
                !records.iter().any(|record| record.contains(".new")),
                "after {operations} operations: {records:?}"
            );
            assert_eq!(host.sets().len(), 1, "after {operations} operations");
            operations += 1;
        }
        assert!(operations >= at_least, "only {operations}");
    }
}
