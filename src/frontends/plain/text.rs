//! The sentences that only the plain walk says; the others are those of the screens.

use crate::interview::text::counted;

/// Something to choose, and what it means.
pub type Choice<'a> = (&'a str, &'a str);

/// How the walk is begun again.
pub const AGAIN: &str = "k3s-ha-wizard --plain";
pub const GUIDE: &str = "At every question: ? explains, back goes one step back, save writes the answers to a file, quit \
     leaves. Enter keeps what stands in brackets, - empties it; = in front takes the rest as it \
     stands (=back is the answer back). What you answer is kept as a draft.";
pub const UNREADABLE: &str = "That is no text. Once more:";
pub const NUMBER_HELP: &str = "One of the numbers above.";
pub const YES_OR_NO: &str = "Say yes or no.";
pub const KEPT: &str = "What you typed is kept: it is offered when you come back.";
pub const KEEPS_ANYWAY: &str = "Enter keeps it all the same, to be mended later.";
pub const ADD: Choice<'static> = ("Add a host", "");
pub const MORE_LINES: &str = "More lines, if there are; an empty one ends them.";
pub const PASTE: Choice<'static> = ("Add several", "typed or pasted, one a line");
pub const EDIT: Choice<'static> = ("Edit a host", "");
pub const REMOVE: Choice<'static> = ("Remove a host", "");
pub const MOVE_UP: Choice<'static> = ("Move a host up", "the first server makes the cluster");
pub const GO_ON: Choice<'static> = ("Go on", "");
pub const PASTE_HOW: &str = "One host a line: name, address and role in any order, user@ in front of the address where there \
     is one. An empty line ends them.";
pub const NO_HOSTS: &str = "No hosts yet.";
pub const ALL_HOSTS_WELL: &str = "Nothing is wrong with them.";
pub const WHICH_HOST: &str = "Which host?";
pub const WHICH_PART: &str = "Change something, or go on?";
pub const REACH: Choice<'static> = (
    "Go on",
    "the hosts are asked what they are; nothing is changed on them before you have seen the plan",
);
pub const PRINT_ANSWERS: Choice<'static> = ("Print the answers", "");
pub const SAVE: Choice<'static> = (
    "Save the answers",
    "the file gives the same plan without questions",
);
pub const TRY_AGAIN: Choice<'static> = ("Try again", "");
pub const TO_REVIEW: Choice<'static> = ("Back to the answers", "");
pub const LEAVE: Choice<'static> = ("Leave", "");
pub const BELIEVE: &str = "Is it this one?";
pub const BELIEVE_HELP: &str = "The fingerprint is what the host showed just now. Somebody in between would show another one \
     than the host itself. If it is the same, say yes: it is written into the answers.";
pub const REACHING: &str = "Every host is connected to at once. This may take a minute.";
pub const UNFIT: &str = "The preflight fails, see above for what to do. Nothing was changed. A check that you know better \
     about is overruled by its name in an answers file: overrule = [\"NAME\"], under [cluster] or at \
     one host.";
pub const NOTHING_CHANGED: &str = "Nothing was changed.";
pub const NEXT: &str = "What now?";
pub const PRINT_PLAN: Choice<'static> = ("Print the plan", "");
pub const PRINT_SCRIPTS: Choice<'static> = (
    "Print it with scripts",
    "what is sent to each host, secrets masked",
);
pub const BY_PHASE: Choice<'static> = ("Run it phase by phase", "each one waits for a word");
pub const RUN_ALL: Choice<'static> = ("Run everything", "");
pub const TO_ANSWERS: Choice<'static> = ("Back to the answers", "nothing is changed");
pub const CTRL_C: &str = "Ctrl-C stops the run after the steps at work; a second one ends them.";
pub const RETRY: Choice<'static> = ("Try it again", "");
pub const SKIP: Choice<'static> = (
    "Leave it out",
    "it only looks; what needs it runs all the same",
);
pub const WITHOUT: Choice<'static> = ("Go on without it", "what needs it will not run");
pub const EDIT_ANSWERS: Choice<'static> = (
    "Edit the answers",
    "the run stops first; what was done stays done",
);
pub const STOP: Choice<'static> = (
    "Stop",
    "everything is kept, and a later run goes on from here",
);
pub const RUN_PHASE: Choice<'static> = ("Run this phase", "the next one waits again");
pub const RUN_REST: Choice<'static> = ("Run everything that is left", "");
pub const HELD_SCRIPTS: Choice<'static> = ("Print its scripts", "");
pub const NO_WAY_BACK: &str = "There is no way back in a run: edit the answers, or stop.";
pub const RUN_AGAIN: Choice<'static> = (
    "Run again",
    "the hosts are asked first: what is done is not done again",
);
pub const PASSPHRASE: &str = "Passphrase of the key";
pub const PASSWORD: &str = "Password";
pub const SUDO_PASSWORD: &str = "Password for sudo";
pub const SECRET_HELP: &str =
    "It is not shown, goes to these hosts alone, and is written into no file.";

pub fn number(default: Option<usize>) -> String {
    match default {
        Some(number) => format!("Number [{number}]:"),
        None => "Number:".into(),
    }
}

pub fn not_a_number(of: usize) -> String {
    format!("A number from 1 to {of}, please.")
}

/// A question for a field; what is kept by Enter stands in brackets.
pub fn field(label: &str, shown: &str) -> String {
    if shown.is_empty() {
        format!("{label}:")
    } else {
        format!("{label} [{shown}]:")
    }
}

pub fn one_of(choices: &[&str]) -> String {
    let listed: Vec<_> = (1..)
        .zip(choices)
        .map(|(number, choice)| format!("{number} {choice}"))
        .collect();
    format!("One of: {}.", listed.join(", "))
}

pub const NO_NAME: &str = "(no name)";

pub fn host(name: &str, role: &str, address: &str, node_ip: &str, user: &str, port: u16) -> String {
    let node_ip = if node_ip.is_empty() {
        String::new()
    } else {
        format!(", in the cluster {node_ip}")
    };
    format!("{name}: {role}, {address}{node_ip}, user {user}, port {port}")
}

pub fn option(label: &str, value: &str) -> String {
    format!("{label}: {value}")
}

pub fn unknown_key(host: &str, address: &str, fingerprint: &str, kind: &str) -> String {
    format!(
        "{host}: nobody vouches for the host key of {address}: {fingerprint}. Compare it with what \
         `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` prints on the host itself."
    )
}

/// Whose secret is asked for.
pub fn secret(what: &str, user: &str, hosts: &[String]) -> String {
    let of = if user.is_empty() {
        String::new()
    } else {
        format!(" of {user}")
    };
    let empty = if hosts.len() > 1 {
        "; Enter alone: each has its own"
    } else {
        "; Enter alone: not now"
    };
    format!("{what}{of}, for {} (not shown{empty}):", hosts.join(", "))
}

pub fn planned(steps: usize, phases: &[(&str, usize)]) -> String {
    let phases: Vec<_> = phases
        .iter()
        .map(|(title, steps)| format!("{title} ({steps})"))
        .collect();
    format!(
        "{} are planned: {}.",
        counted(steps, "step"),
        phases.join(", ")
    )
}

pub fn asked(step: &str, needing: usize) -> String {
    let needing = match needing {
        0 => String::new(),
        number => format!(" {} will not run without it.", counted(number, "step")),
    };
    format!("{step} waits for a word.{needing} What becomes of it?")
}
