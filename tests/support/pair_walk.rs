//! The hosts of the lab's pair (`lab up --topology pair`), entered on the screens from an empty list.

use std::fmt::Write as _;

use crate::terminal::Terminal;

const KEPT: &str = "/var/lib/k3s-ha-wizard-lab";
/// Ctrl-N: on to the next page.
const NEXT: &str = "\u{e}";
const RIGHT: &str = "\u{1b}[C";
const LEFT: &str = "\u{1b}[D";

/// What an operator would write for these hosts, without the agents after the first: the answers of
/// the lab with what `tests/lab/lab answers` adds.
pub fn answers() -> String {
    let lab = include_str!("../lab/answers.toml");
    let roles = "roles = [\"load-balancer\", \"monitor\"]";
    let mut text = lab.replace("role = \"load-balancer\"", roles);
    let _ = write!(
        text,
        "
[load_balancer]
virtual_ip = \"198.51.100.130\"

[[hosts]]
name = \"k3s-nginx-2\"
role = \"load-balancer\"
address = \"198.51.100.124\"
password = {{ file = \"{KEPT}/password\" }}
sudo_password = {{ file = \"{KEPT}/password\" }}

[[hosts]]
name = \"k3s-postgres-2\"
role = \"postgres\"
address = \"198.51.100.8\"
key = \"{KEPT}/id_ed25519\"
"
    );
    text
}

/// A host as it is typed: its name, the keys from the role that is proposed to its own, the end of its
/// address, and other fields by their labels.
type TypedHost = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static [(&'static str, &'static str)],
);

const HOSTS: [TypedHost; 7] = [
    (
        "k3s-postgres",
        &[],
        "198.51.100.11",
        &[("SSH key file", "id_ed25519")],
    ),
    (
        "k3s-server-1",
        &[],
        "12",
        &[
            ("SSH key file", "id_ed25519"),
            ("sudo password", "file:sudo_password"),
        ],
    ),
    (
        "k3s-server-2",
        &[],
        "13",
        &[
            ("SSH user", "root"),
            ("SSH key file", "id_locked"),
            ("Key passphrase", "file:passphrase"),
        ],
    ),
    (
        "k3s-nginx",
        &[RIGHT],
        "14",
        &[
            ("SSH password", "file:password"),
            ("sudo password", "file:password"),
        ],
    ),
    // Its key is in an ssh-agent.
    ("k3s-agent", &[], "15", &[]),
    (
        "k3s-nginx-2",
        &[LEFT, LEFT],
        "124",
        &[
            ("SSH password", "file:password"),
            ("sudo password", "file:password"),
        ],
    ),
    (
        "k3s-postgres-2",
        &[RIGHT],
        "8",
        &[("SSH key file", "id_ed25519")],
    ),
];

/// Goes to a field of the form that is shown, and types into it.
pub fn fills(terminal: &mut Terminal, label: &str, text: &str) {
    for tried in 0.. {
        assert!(tried < 40, "no field {label}\n{}", terminal.text());
        let focused = focused(terminal);
        if focused == label {
            terminal.types("\u{15}");
            terminal.types(text);
            return;
        }
        terminal.types("\t");
        terminal.waits_until("another field", |terminal| {
            self::focused(terminal) != focused
        });
    }
}

/// The label of the field with focus.
fn focused(terminal: &Terminal) -> String {
    let text = terminal.text();
    let line = text.lines().find_map(|line| line.strip_prefix("▸ "));
    let label = line.unwrap_or_default().chars().take(22);
    label.collect::<String>().trim_end().to_owned()
}

/// Files of the lab are named by their last part.
fn typed(text: &str) -> String {
    match text.strip_prefix("file:") {
        Some(name) => format!("file:{KEPT}/{name}"),
        None if text.starts_with("id_") => format!("{KEPT}/{text}"),
        None => text.to_owned(),
    }
}

fn goes_on(terminal: &mut Terminal, to: &str) {
    terminal.types(NEXT);
    terminal.waits_for(to);
}

/// From the welcome page to the review.
pub fn enters(terminal: &mut Terminal) {
    terminal.waits_for("▸ New cluster");
    terminal.types("\r");
    terminal.waits_for("Step 1/10");
    terminal.types("\u{15}lab");
    fills(terminal, "SSH user", "sles");
    let known_hosts = format!("{KEPT}/known_hosts");
    fills(terminal, "Known hosts files", &known_hosts);
    goes_on(terminal, "No hosts yet");
    for (name, role, address, fields) in HOSTS {
        terminal.types("a");
        terminal.waits_for("▸ Name");
        terminal.types(&format!("{name}\t"));
        terminal.waits_for("▸ Role");
        for key in role {
            terminal.types(key);
        }
        terminal.types(&format!("\t{address}"));
        terminal.waits_for("▸ Address");
        for (label, text) in fields {
            fills(terminal, label, &typed(text));
        }
        goes_on(terminal, "ADDRESS");
        terminal.waits_for(name);
    }
    goes_on(terminal, "Step 3/10");
    terminal.waits_for("k3s-postgres, k3s-postgres-2, k3s-nginx");
    fills(terminal, "Postgres name", "postgres.lab.internal");
    goes_on(terminal, "Step 4/10");
    goes_on(terminal, "Step 5/10");
    let settings = "cluster-cidr = \"198.18.0.0/16\"\rservice-cidr = \"198.19.0.0/16\"\r\
                    cluster-dns = \"198.19.0.10\"";
    fills(terminal, "Server settings", settings);
    let mirror = "http://198.51.100.1:8080";
    fills(terminal, "Install script", &format!("{mirror}/install.sh"));
    fills(terminal, "Releases", &format!("{mirror}/k3s"));
    goes_on(terminal, "Step 6/10");
    fills(terminal, "Virtual address", "198.51.100.130");
    goes_on(terminal, "Step 7/10");
    goes_on(terminal, "fetched without TLS");
}
