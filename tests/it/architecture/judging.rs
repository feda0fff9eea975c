//! What breaks a rule, and what does not.

use super::Map;

/// The faults of these files.
fn faults(files: &[(&str, &str)], exceptions: &[(&str, &str)]) -> Vec<String> {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Map::of(&files.collect()).faults(exceptions)
}

const NONE: [&str; 0] = [];

#[test]
fn a_rule_that_is_broken_is_told_with_its_place() {
    let files = [
        ("lib.rs", "mod tui; mod remote; mod plan;"),
        ("tui.rs", "\nuse crate::remote;\nuse ssh2::Session;"),
        ("remote/mod.rs", "mod ssh;"),
        ("remote/ssh.rs", "use ssh2::Session;"),
        ("plan.rs", "use std::net::IpAddr; use std::time::Instant;"),
    ];
    let fault = "src/tui.rs:3: tui → ::ssh2::Session (only remote knows the SSH library)";
    assert_eq!(faults(&files, &[]), [fault]);
    assert_eq!(faults(&files, &[("tui", "::ssh2")]), NONE);
    assert_eq!(faults(&files, &[("tu", "::ssh2")]), [fault]);
    let files = [
        ("lib.rs", "mod plan;"),
        (
            "plan.rs",
            "use std::time::Instant; fn f() { Instant::now() }",
        ),
    ];
    let faults = faults(&files, &[]);
    assert!(faults[0].starts_with("src/plan.rs:1: plan → ::std::time::Instant::now (a plan"));
}

#[test]
fn a_frontend_is_chosen_by_the_command_line_and_known_to_nothing_else() {
    let files = [
        ("lib.rs", "mod cli; mod engine; mod frontends;"),
        ("cli.rs", "use crate::frontends::tui;"),
        ("engine.rs", "use crate::frontends::json;"),
        (
            "frontends/mod.rs",
            "pub mod json; pub mod plain; pub mod tui;",
        ),
        ("frontends/json.rs", ""),
        ("frontends/plain.rs", "fn f() { super::tui::text() }"),
        ("frontends/tui.rs", "mod page; pub fn text() {}"),
        ("frontends/tui/page.rs", "use super::text;"),
        ("main.rs", "use k3s_ha_wizard::cli;"),
    ];
    let says = "a frontend is known to the command line alone";
    assert_eq!(
        faults(&files, &[]),
        [
            format!("src/engine.rs:1: engine → frontends::json ({says})"),
            format!("src/frontends/plain.rs:1: frontends::plain → frontends::tui::text ({says})"),
        ]
    );
}

#[test]
fn a_page_knows_the_others_by_name_alone() {
    let files = [
        ("lib.rs", "mod frontends;"),
        ("frontends/mod.rs", "mod tui;"),
        ("frontends/tui/mod.rs", "mod names; mod pages;"),
        ("frontends/tui/names.rs", "pub struct Page;"),
        (
            "frontends/tui/pages/mod.rs",
            "mod a; mod b; pub trait Screen {}",
        ),
        (
            "frontends/tui/pages/a.rs",
            "use super::Screen; use super::super::names::Page;\nuse super::b::B;",
        ),
        ("frontends/tui/pages/b.rs", "pub struct B;"),
    ];
    let fault = "src/frontends/tui/pages/a.rs:2: frontends::tui::pages::a → \
                 frontends::tui::pages::b::B (a page knows the others by name alone)";
    assert_eq!(faults(&files, &[]), [fault]);
}

#[test]
fn a_circle_is_found_at_every_level() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a/mod.rs", "pub mod x; mod y; pub use x::X;"),
        ("a/x.rs", "use super::y; pub struct X;"),
        ("a/y.rs", "use super::X; use crate::b::B;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::a; pub struct C;"),
    ];
    let all = [
        "src/a/y.rs:1: a::y → b::B (a → b is in a circle)",
        "src/a/x.rs:1: a::x → a::y (a::x → a::y is in a circle)",
        "src/a/y.rs:1: a::y → a::x::X (a::y → a::x is in a circle)",
        "src/b.rs:1: b → c::C (b → c is in a circle)",
        "src/c.rs:1: c → a (c → a is in a circle)",
    ];
    assert_eq!(faults(&files, &[]), all);
    assert_eq!(faults(&files, &[("b", "c")]), all[1..3]);
    assert_eq!(faults(&files, &[("b", "c"), ("a::y", "a")]), NONE);
}
