//! The questions of the plain frontend when it logs in to a real sshd: a host key to trust, a
//! passphrase, and the right one after a wrong one. Needs to be run by root.

use crate::WIZARD;
use support::sshd::Sshd;
use support::terminal::Terminal;

const SIZE: (u16, u16) = (80, 24);

#[test]
fn what_is_missing_to_log_in_is_asked_for() {
    let sshd = Sshd::start();
    let (port, key) = (sshd.port, sshd.path("locked"));
    // Nothing listens where the others are: there will be no run.
    let answers = format!(
        "[cluster]\nname = \"locked\"\n[ssh]\nuser = \"root\"\nport = 9\nkey = \"{}\"\n\
         config = \"none\"\n\
         [[hosts]]\nname = \"db\"\nrole = \"postgres\"\naddress = \"127.0.0.1\"\nport = {port}\n\
         node_ip = \"10.0.0.5\"\n\
         [[hosts]]\nname = \"s1\"\nrole = \"server\"\naddress = \"127.0.0.3\"\n\
         node_ip = \"10.0.0.11\"\n\
         [[hosts]]\nname = \"lb\"\nrole = \"load-balancer\"\naddress = \"127.0.0.4\"\n\
         node_ip = \"10.0.0.2\"\n",
        key.display()
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("locked.toml"), answers).unwrap();
    let home = folder.path().display().to_string();
    let variables = [("TERM", "dumb"), ("HOME", &home), ("SSH_AUTH_SOCK", "")];
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--plain"], &variables, folder.path());
    terminal.answers("Number [1]:", "2");
    terminal.answers("File:", "locked.toml");
    terminal.hears("there are no agents");
    terminal.answers("Number [1]:", "");
    terminal.hears(&sshd.fingerprint("ed25519"));
    terminal.answers("Is this the right key? (yes/no)", "yes");
    let question = "Passphrase of the key of root, for db (not shown; leave empty to skip):";
    terminal.answers(question, "a wrong one");
    terminal.hears("does not open it");
    terminal.answers(question, "open sesame");
    terminal.hears("MiB of memory");
    terminal.hears("Nothing was changed.");
    terminal.answers("Number:", "quit");
    assert_eq!(terminal.ends(), 0);
    let said = terminal.said();
    for secret in ["a wrong one", "open sesame"] {
        assert!(!said.contains(secret), "{said}");
    }
    // Nor is it in any file.
    let kept = folder.path().join("state");
    for file in [kept.join("draft.toml"), kept.join("locked/state.json")] {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("sesame"), "{text}");
    }
}
