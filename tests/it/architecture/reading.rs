//! What is read out of source.

use std::collections::BTreeMap;

use super::arrows::Modules;

/// The arrows of these files, without where they are.
fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let arrows = Modules::of(&files.collect::<BTreeMap<_, _>>()).arrows();
    let mut arrows: Vec<_> = arrows
        .iter()
        .map(|arrow| format!("{} → {}", arrow.from, arrow.to))
        .collect();
    arrows.sort();
    arrows.dedup();
    arrows
}

/// The arrows of `a.rs`, beside `b.rs` and its `inner` module.
fn arrows_of(a: &str) -> Vec<String> {
    let b = "pub mod inner; pub struct Thing; pub enum Kind { One } pub fn make() {} pub use std::fs::File;";
    let inner = "pub struct Deep; pub fn deeper() {}";
    let files = [
        ("lib.rs", "mod a; pub mod b;"),
        ("a.rs", a),
        ("b.rs", b),
        ("b/inner.rs", inner),
    ];
    let arrows = arrows(&files).into_iter();
    let own = arrows.filter_map(|arrow| Some(arrow.strip_prefix("a → ")?.to_owned()));
    own.collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_path_in_code_is_an_arrow() {
    assert_eq!(arrows_of("fn f() { crate::b::make(); }"), ["b::make"]);
    assert_eq!(arrows_of("fn f(x: &super::b::Thing) {}"), ["b::Thing"]);
    assert_eq!(
        arrows_of("struct S(Vec<Option<crate::b::inner::Deep>>);"),
        ["b::inner::Deep"]
    );
    assert_eq!(
        arrows_of("impl Clone for crate::b::Thing { fn clone(&self) -> Self { Self::new() } }"),
        ["b::Thing"]
    );
    assert_eq!(
        arrows_of("fn f(k: u8) { match k { crate::b::Kind::One => () } }"),
        ["b::Kind::One"]
    );
    assert_eq!(arrows_of("fn f() { g(); let x = x.b; h::<u8>(x) }"), NONE);
}

#[test]
fn a_use_is_followed_with_its_other_name() {
    assert_eq!(arrows_of("use crate::b;"), ["b"]);
    assert_eq!(
        arrows_of("use crate::b as c; fn f() { c::make(); }"),
        ["b", "b::make"]
    );
    assert_eq!(
        arrows_of(
            "use crate::b::{self, inner::{self as i, Deep}, Thing as T}; fn f() -> T { i::deeper(); T }"
        ),
        [
            "b",
            "b::Thing",
            "b::inner",
            "b::inner::Deep",
            "b::inner::deeper"
        ]
    );
    assert_eq!(
        arrows_of("fn f() { use crate::b::Kind as K; K::One }"),
        ["b::Kind", "b::Kind::One"]
    );
    assert_eq!(
        arrows_of("use crate::b::Kind; fn f() { use Kind::*; }"),
        ["b::Kind"]
    );
}

#[test]
fn a_re_export_resolves_to_where_the_name_is_defined() {
    let files = [
        ("lib.rs", "mod event; mod remote; mod user;"),
        ("event.rs", "pub enum Stream { Out }"),
        (
            "remote/mod.rs",
            "mod way; pub use crate::event::Stream; pub use way::Way;",
        ),
        ("remote/way.rs", "pub struct Way;"),
        (
            "user.rs",
            "use crate::remote::{Stream, Way}; fn f() { crate::remote::Stream::Out; }",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "remote → event::Stream",
            "remote → remote::way::Way",
            "user → event::Stream",
            "user → event::Stream::Out",
            "user → remote",
            "user → remote::way::Way",
        ]
    );
}

#[test]
fn a_glob_brings_what_is_used_of_it() {
    assert_eq!(
        arrows_of("use crate::b::*; fn f(x: Thing, y: Option<File>) { make(); inner::deeper() }"),
        [
            "::std::fs::File",
            "b",
            "b::Thing",
            "b::inner::deeper",
            "b::make",
        ]
    );
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::*; fn f(x: Thing) { Other::new() }"),
        ("b.rs", "pub use crate::c::*; pub use crate::a::*;"),
        ("c.rs", "pub use crate::b::*; pub struct Thing;"),
    ];
    let arrows = arrows(&files);
    assert!(arrows.contains(&"a → c::Thing".to_owned()), "{arrows:?}");
}

#[test]
fn a_module_in_a_file_is_one_of_its_own() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "mod inline { use super::super::b::Thing; mod more; fn f() { self::more::g() } }",
        ),
        (
            "a/inline/more.rs",
            "pub fn g() { super::super::h(); crate::b::make() }",
        ),
        ("b.rs", ""),
    ];
    assert_eq!(
        arrows(&files),
        [
            "a::inline → a::inline::more::g",
            "a::inline → b::Thing",
            "a::inline::more → a::h",
            "a::inline::more → b::make",
        ]
    );
}

#[test]
fn tests_know_what_they_like() {
    for code in [
        "#[cfg(test)] mod tests { use crate::b; }",
        "#[cfg(test)] mod tests;",
        "#[cfg(test)] use crate::b;",
        "#[cfg(all(test, unix))] fn f() { crate::b::make() }",
        "#[cfg(any(test, all(unix, test)))] fn f() { crate::b::make() }",
        "#[cfg(any(test, fuzzing))] pub mod fuzz { use crate::b; }",
        "struct S; impl S { #[cfg(test)] fn f() { crate::b::make() } }",
        "/// [`crate::b::make`]\nfn f() {}",
        "pub(in crate::b) fn f() {}",
    ] {
        assert_eq!(arrows_of(code), NONE, "{code}");
    }
    for code in [
        "#[cfg(not(test))] fn f() { crate::b::make() }",
        "#[cfg(any(test, unix))] fn f() { crate::b::make() }",
        "#[cfg(unix)] fn f() { crate::b::make() }",
    ] {
        assert_eq!(arrows_of(code), ["b::make"], "{code}");
    }
}

#[test]
fn macros_are_looked_into() {
    assert_eq!(
        arrows_of("fn f() { assert!(x.y == crate::b::Kind::One && z) }"),
        ["::std::assert", "b::Kind::One"]
    );
    assert_eq!(
        arrows_of("fn f() { vec![g(::std::fs::read(x))] }"),
        ["::std::fs::read", "::std::vec"]
    );
    assert_eq!(
        arrows_of("macro_rules! m { () => { $crate::b::make() } } fn f() { m!() }"),
        ["::std::macro_rules", "b::make"]
    );
    assert_eq!(
        arrows_of("fn f() { println!(\"{x}\") }"),
        ["::std::println"]
    );
    assert_eq!(
        arrows_of("use crate::b::*; fn f() { matches!(x, Thing) }"),
        ["::std::matches", "b", "b::Thing"]
    );
}

#[test]
fn other_crates_are_known_by_their_names() {
    assert_eq!(
        arrows_of("use ssh2::Session as S; fn f() { S::new() }"),
        ["::ssh2::Session", "::ssh2::Session::new"]
    );
    assert_eq!(
        arrows_of("fn f() { ssh2::Session::new() }"),
        ["::ssh2::Session::new"]
    );
    assert_eq!(
        arrows_of("use std::time; fn f() { time::Instant::now() }"),
        ["::std::time", "::std::time::Instant::now"]
    );
    // Not the crate of that name.
    assert_eq!(
        arrows_of("use super::b as ssh2; fn f() { ssh2::make() }"),
        ["b", "b::make"]
    );
    assert_eq!(
        arrows_of("use super::b as ssh2; fn f() { ::ssh2::make() }"),
        ["::ssh2::make", "b"]
    );
}

#[test]
fn the_program_is_a_crate_beside_the_library() {
    let files = [
        ("lib.rs", "pub mod a;"),
        ("a.rs", "pub struct A;"),
        (
            "main.rs",
            "mod headless; use k3s_ha_wizard::a::A; fn main() { headless::run() }",
        ),
        (
            "headless.rs",
            "pub fn run() { k3s_ha_wizard::a::A; crate::main() }",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "main → a::A",
            "main → main::headless::run",
            "main::headless → a::A",
            "main::headless → main::main",
        ]
    );
}
