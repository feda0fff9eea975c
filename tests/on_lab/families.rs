//! The families of distributions: hosts with SUSE's and Red Hat's package managers, and all of them in
//! one cluster. They are not those systems (tests/lab/README.md).

use crate::install::{must_be_a_cluster, must_change_nothing};
use crate::lab::{Lab, Wizard, changes, picture};

fn installs_and_then_changes_nothing(family: &str) {
    let lab = Lab::of(family);
    let wizard = Wizard::new();
    must_be_a_cluster(&wizard.run().good());

    let before = picture(&lab);
    let second = wizard.run().good();
    must_be_a_cluster(&second);
    must_change_nothing(&second);
    let changed = changes(&before, &picture(&lab));
    assert!(changed.is_empty(), "{changed:#?}");

    let (code, text) = wizard.says(&["check"]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn suse15() {
    installs_and_then_changes_nothing("suse15");
}

#[test]
fn rhel9() {
    installs_and_then_changes_nothing("rhel9");
}

#[test]
fn mixed() {
    installs_and_then_changes_nothing("mixed");
}

// Each takes minutes, and is much like one above.

#[test]
#[ignore = "tests/run --all runs it"]
fn debian13() {
    installs_and_then_changes_nothing("debian13");
}

#[test]
#[ignore = "tests/run --all runs it"]
fn suse16() {
    installs_and_then_changes_nothing("suse16");
}

#[test]
#[ignore = "tests/run --all runs it"]
fn rhel10() {
    installs_and_then_changes_nothing("rhel10");
}
