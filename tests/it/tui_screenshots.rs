//! The screenshots are what the program shows. `UPDATE_SCREENSHOTS=1 cargo test --test it
//! tui_screenshots::` writes them; without it, the test fails if they are stale.

use std::path::Path;
use std::time::Duration;

use crate::WIZARD;
use support::svg;
use support::terminal::Terminal;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SIZE: (u16, u16) = (100, 30);

/// What is on the screen, once these texts are and nothing more comes.
fn still(terminal: &Terminal, texts: &[&str]) -> vt100::Screen {
    for text in texts {
        terminal.waits_for(text);
    }
    let mut before = terminal.drawn();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = terminal.drawn();
        if now == before {
            return terminal.parser().screen().clone();
        }
        before = now;
    }
}

fn picture(terminal: &Terminal, name: &str, title: &str, texts: &[&str]) {
    kept(name, &svg::of(&still(terminal, texts), title));
}

/// Written where that is wanted; else what is kept must be the same.
fn kept(name: &str, made: &str) {
    let file = Path::new(ROOT)
        .join("screenshots")
        .join(format!("{name}.svg"));
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        std::fs::write(&file, made).expect("written");
        if ["run", "cluster"].contains(&name) {
            to_png(&file);
        }
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        made == kept,
        "screenshots/{name}.svg is stale: UPDATE_SCREENSHOTS=1 cargo test --test it tui_screenshots::"
    );
}

/// For the README, where it is read without SVG. Its bytes depend on fonts: only the SVG is compared.
fn to_png(svg: &Path) {
    let converted = std::process::Command::new("rsvg-convert")
        .arg("--output")
        .arg(svg.with_extension("png"))
        .arg(svg)
        .status();
    let converted =
        converted.expect("rsvg-convert: apt-get install librsvg2-bin fonts-dejavu-core");
    assert!(converted.success());
}

fn replay(at: &str) -> (tempfile::TempDir, Terminal) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = format!("{ROOT}/tests/fixtures/lab-run.jsonl");
    let args = ["replay", &log, "--at", at];
    let terminal = Terminal::start(WIZARD, SIZE, &args, &[], folder.path());
    (folder, terminal)
}

#[test]
fn a_run_at_work() {
    let (_folder, terminal) = replay("17");
    picture(
        &terminal,
        "run",
        "A run at work",
        &["replay paused", "Steps"],
    );
}

#[test]
fn the_proofs() {
    let (_folder, mut terminal) = replay("1000");
    terminal.waits_for("end of the replay");
    terminal.types("o");
    let title = "What is proved of a cluster";
    picture(
        &terminal,
        "proofs",
        title,
        &["right certificate and password"],
    );
}

#[test]
fn the_cluster() {
    let (_folder, terminal) = replay("1000");
    picture(
        &terminal,
        "cluster",
        "The cluster",
        &["end of the replay", "Nodes"],
    );
}

#[test]
fn the_hosts_the_options_and_the_review() {
    let folder = tempfile::tempdir().expect("a folder");
    // What comes of trying the hosts is another thing on every machine.
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--no-probe"], &[], folder.path());
    terminal.waits_for("Open an answers file");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types(&format!("{ROOT}/tests/lab/answers.toml\r"));
    picture(
        &terminal,
        "review",
        "The review",
        &["fetched without TLS", "3 Postgres"],
    );
    terminal.types("5");
    picture(
        &terminal,
        "servers",
        "The options of the servers",
        &["cluster-cidr", "What will be done"],
    );
    terminal.types("\u{1b}");
    terminal.waits_for("fetched without TLS");
    terminal.types("2");
    picture(&terminal, "hosts", "The hosts", &["Ctrl-N next"]);
}

/// The way from an answers file to the cluster, as a film.
#[test]
fn the_walk() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--no-probe"], &[], folder.path());
    let mut screens = vec![still(&terminal, &["Open an answers file"])];
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types(&format!("{ROOT}/tests/lab/answers.toml\r"));
    screens.push(still(&terminal, &["fetched without TLS", "3 Postgres"]));
    for (digit, text) in [("2", "k3s-agent"), ("5", "cluster-cidr")] {
        terminal.types(digit);
        screens.push(still(&terminal, &[text]));
        terminal.types("\u{1b}");
        terminal.waits_for("fetched without TLS");
    }
    for at in ["2", "8", "14", "17", "22", "30", "40"] {
        let (_folder, terminal) = replay(at);
        screens.push(still(&terminal, &["replay paused", "Steps"]));
    }
    let (_folder, mut terminal) = replay("1000");
    screens.push(still(&terminal, &["end of the replay", "Nodes"]));
    terminal.types("o");
    screens.push(still(&terminal, &["right certificate and password"]));
    kept(
        "walk",
        &svg::film(&screens, "From the answers to the cluster"),
    );
}
