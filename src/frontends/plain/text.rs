//! The texts of this frontend only; the others are shared with the screens.

use crate::interview::text::counted;

/// A choice and its meaning.
pub type Choice<'a> = (&'a str, &'a str);

/// The command that starts the wizard again.
pub const AGAIN: &str = "k3s-ha-wizard --plain";
pub const GUIDE: &str = "At every question: ? explains, back returns to the previous question, \
                         save writes the answers to a file, quit leaves. Enter keeps the \
                         value in brackets, - clears it. An = before an answer takes it literally: =back \
                         is the text back. Your answers are kept as a draft.";
/// The same after the help of a question.
pub const GUIDE_IN_SHORT: &str = "Also: back, save, quit. Enter keeps the value in brackets, - clears it, = takes an answer literally.";
pub const UNREADABLE: &str = "That is not valid text. Try again:";
/// What `?` says at each list, before the way to answer.
pub mod help {
    pub const WELCOME: &str = "Where to begin. Nothing is changed on any host before you have seen the plan and started it.";
    pub const HOSTS: &str = "The list of hosts is changed here, one change at a time. Continue opens the \
                             settings.";
    pub const WHICH_HOST: &str = "The host that this is for.";
    pub const REVIEW: &str = "Continue connects to the hosts. Every other number opens that part of the answers again, prints \
                              them, or saves them.";
    pub const NOT_REACHED: &str =
        "Fix what the lines above report, then try again. The answers are kept.";
    pub const PLAN: &str = "The plan is what the run will do, step by step. Printing it changes nothing. Run everything asks \
                            again only if a step fails.";
    pub const FAILED: &str = "Retry repeats this step: fix its cause first. Continue without it skips the steps \
                              that need it. Edit the answers and Stop end the run; a later one continues from here.";
    pub const HELD: &str = "The run waits before this phase. Printing its scripts changes nothing.";
    pub const OVER: &str =
        "The run is over. A new one checks every step first, and repeats only what is not done.";
}
pub const YES_OR_NO: &str = "Answer yes or no.";
pub const KEPT: &str = "Your answers are kept: the wizard offers them the next time.";
pub const KEEPS_ANYWAY: &str = "Enter keeps it anyway, to be fixed later.";
pub const ADD: Choice<'static> = ("Add a host", "");
pub const MORE_LINES: &str = "Enter more lines, or an empty one to finish.";
pub const PASTE: Choice<'static> = ("Add several", "typed or pasted, one per line");
pub const EDIT: Choice<'static> = ("Edit a host", "");
pub const REMOVE: Choice<'static> = ("Remove a host", "");
pub const MOVE_UP: Choice<'static> = (
    "Move a host up",
    "the first server in the list creates the \
                                                         cluster",
);
pub const LOSSES: &str = "The cluster, and what survives the loss of a machine";
pub const GO_ON: Choice<'static> = ("Continue", "");
pub const PASTE_HOW: &str = "One host per line: name, address and role in any order, user@ before \
                             the address if needed. Finish with an empty line.";
pub const START_ANEW_HELP: &str = "The wizard keeps one draft. yes: the answers of the draft are lost with the first answer that you give. no: back to the \
                                   list.";
pub const REMOVE_HELP: &str =
    "yes: the host is no longer in the answers. Nothing is changed on the host itself.";
pub const NO_HOST_ADDED: &str = "No host was added: a host needs a name and an address.";
pub const NO_HOSTS: &str = "No hosts yet.";
pub const ALL_HOSTS_WELL: &str = "No problems found.";
pub const WHICH_HOST: &str = "Which host?";
pub const WHICH_PART: &str = "Change something, or continue?";
pub const REACH: Choice<'static> = (
    "Continue",
    "connects to the hosts and checks them; nothing is changed before you have seen the plan",
);
pub const PRINT_ANSWERS: Choice<'static> = ("Print the answers", "");
pub const SAVE: Choice<'static> = (
    "Save the answers",
    "install --answers FILE then runs without questions",
);
pub const TRY_AGAIN: Choice<'static> = ("Try again", "");
pub const TO_REVIEW: Choice<'static> = ("Back to the answers", "");
pub const LEAVE: Choice<'static> = ("Leave", "");
pub const TRUST: &str = "Is this the right key?";
pub const TRUST_HELP: &str = "This is the fingerprint that the host has just presented. Compare \
                                it with the one on the host itself: an attacker in between would \
                                present another. If they match, answer yes: it is stored in the \
                                answers.";
pub const REACHING: &str = "Connecting to all hosts at once. This may take a minute.";
pub const UNFIT: &str = "The preflight failed: see above for what to do. Nothing was changed. To override a \
                         check, name it in an answers file: override = [\"NAME\"] under [cluster], or in the \
                         [[hosts]] section of that host.";
pub const NOTHING_CHANGED: &str = "Nothing was changed.";
pub const NEXT: &str = "What now?";
pub const PRINT_PLAN: Choice<'static> = ("Print the plan", "");
pub const PRINT_SCRIPTS: Choice<'static> = (
    "Print it with scripts",
    "what is sent to each host, secrets masked",
);
pub const BY_PHASE: Choice<'static> = ("Run it phase by phase", "asks before each phase");
pub const RUN_ALL: Choice<'static> = ("Run everything", "");
pub const TO_ANSWERS: Choice<'static> = ("Back to the answers", "nothing is changed");
pub const CTRL_C: &str = "Ctrl-C stops the run after the running steps; a second Ctrl-C kills \
                          them.";
pub const RETRY: Choice<'static> = ("Retry", "");
pub const SKIP: Choice<'static> = ("Skip", "it only checks; the steps that need it still run");
pub const WITHOUT: Choice<'static> = ("Continue without it", "the steps that need it are skipped");
pub const EDIT_ANSWERS: Choice<'static> = (
    "Edit the answers",
    "the run stops first; finished steps stay done",
);
pub const STOP: Choice<'static> = (
    "Stop",
    "everything is kept, and a later run continues from here",
);
pub const RUN_PHASE: Choice<'static> = ("Run this phase", "asks again before the next one");
pub const RUN_REST: Choice<'static> = ("Run all remaining phases", "");
pub const HELD_SCRIPTS: Choice<'static> = ("Print its scripts", "");
pub const NO_WAY_BACK: &str = "A run cannot go back: edit the answers, or stop.";
pub const RUN_AGAIN: Choice<'static> = (
    "Run again",
    "checks the hosts first; finished steps are not repeated",
);
pub const PASSPHRASE: &str = "Passphrase of the key";
pub const PASSWORD: &str = "Password";
pub const SUDO_PASSWORD: &str = "Password for sudo";
pub const SECRET_HELP: &str =
    "It is not shown, is sent only to these hosts, and is never written to a file.";

pub fn number(default: Option<usize>) -> String {
    match default {
        Some(number) => format!("Number [{number}]:"),
        None => "Number:".into(),
    }
}

pub fn not_a_number(of: usize) -> String {
    format!("Enter a number from 1 to {of}.")
}

/// A question for a field, with the current value in brackets.
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
        .map(|(number, choice)| format!("{number} for {choice}"))
        .collect();
    format!("Enter {}.", listed.join(", "))
}

pub const NO_NAME: &str = "(no name)";

pub fn host(
    name: &str,
    role: &str,
    address: &str,
    node_ip: &str,
    user: &str,
    port: &str,
) -> String {
    let node_ip = if node_ip.is_empty() {
        String::new()
    } else {
        format!(", node IP {node_ip}")
    };
    format!("{name}: {role}, {address}{node_ip}, user {user}, port {port}")
}

pub fn option(label: &str, value: &str) -> String {
    format!("{label}: {value}")
}

pub fn unknown_key(host: &str, address: &str, fingerprint: &str, kind: &str) -> String {
    format!(
        "{host}: the host key of {address} is not known yet: {fingerprint}. Compare it with the \
         output of `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` on the host itself."
    )
}

/// The user whose secret is asked for.
pub fn secret(what: &str, user: &str, hosts: &[String]) -> String {
    let of = if user.is_empty() {
        String::new()
    } else {
        format!(" of {user}")
    };
    let empty = if hosts.len() > 1 {
        "; leave empty if each has its own"
    } else {
        "; leave empty to skip"
    };
    format!("{what}{of}, for {} (not shown{empty}):", hosts.join(", "))
}

pub fn planned(steps: usize, phases: &[(&str, usize)]) -> String {
    let phases: Vec<_> = phases
        .iter()
        .map(|(title, steps)| format!("{title} ({steps})"))
        .collect();
    let verb = if steps == 1 { "is" } else { "are" };
    format!(
        "{} {verb} planned: {}.",
        counted(steps, "step"),
        phases.join(", ")
    )
}

pub fn asked(step: &str, needing: usize) -> String {
    let needing = match needing {
        0 => String::new(),
        number => format!(" {} will be skipped without it.", counted(number, "step")),
    };
    format!("{step} failed.{needing} What next?")
}
