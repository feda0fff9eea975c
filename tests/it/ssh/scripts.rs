//! Scripts in the root shell.

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use k3s_ha_wizard::events::Stream;
use k3s_ha_wizard::remote::{MOST_OUTPUT, Remote, RemoteError, Script};
use support::sshd::{self, Sshd};

use super::{LIMIT, run, start};

#[test]
fn a_script_runs_in_a_clean_shell_of_its_own() {
    let sshd = Sshd::with("Banner /etc/os-release");
    let mut ssh = sshd.connect();
    let (status, out, err) = run(&mut ssh, "echo out; echo err >&2; exit 7");
    assert_eq!(
        (status, &out[..], &err[..]),
        (Ok(7), "out\n", "err\n"),
        "outputs stay apart"
    );
    let (_, out, _) = run(
        &mut ssh,
        "pwd; umask; echo $LC_ALL $HOME; id -u; cat; set | grep -c SSH",
    );
    assert_eq!(out, "/\n0077\nC /root\n0\n0\n");
    let (_, out, _) = run(&mut ssh, "x=1; cd /tmp; exec >/dev/null; echo lost");
    assert_eq!(out, "");
    let (_, out, _) = run(&mut ssh, "echo ${x-unset}; pwd # without an end");
    assert_eq!(out, "unset\n/\n");
    assert_eq!(run(&mut ssh, "").0, Ok(0));
    assert_eq!(run(&mut ssh, "if").0, Ok(2), "what is no shell script");
    let (_, out, _) = run(&mut ssh, "printf 'a\\r\\nb\\377\\nno end'");
    assert_eq!(out, "a\nb\u{fffd}\nno end\n");
}

#[test]
fn what_ends_a_script_does_not_end_the_root_shell() {
    let mut ssh = start();
    for (script, want) in [
        ("exit 3", 3),
        ("kill -9 $(sh -c 'echo $PPID')", 137),
        ("kill -TERM $(sh -c 'echo $PPID')", 143),
        ("sh -c 'kill -TERM $$'", 143),
        ("set -e; false; echo not here", 1),
        ("trap 'exit 5' EXIT", 5),
        ("no-such-command", 127),
        ("return 4", 4),
    ] {
        assert_eq!(run(&mut ssh, script).0, Ok(want), "{script}");
    }
}

#[test]
fn what_an_earlier_script_left_behind_is_not_the_next_ones_output() {
    let sshd = Sshd::start();
    let mut ssh = sshd.connect();
    let mark = sshd.path("mark");
    let late = format!(
        "( echo late; echo late >&2; : >{} ) & exit 0",
        mark.display()
    );
    assert_eq!(run(&mut ssh, &late).0, Ok(0));
    while !mark.exists() {
        thread::sleep(Duration::from_millis(10));
    }
    let (_, out, err) = run(&mut ssh, "echo now");
    assert_eq!((&out[..], &err[..]), ("now\n", ""));
}

#[test]
fn output_that_imitates_the_frame_is_output() {
    let mut ssh = start();
    let mark = "0123456789abcdef0123456789abcdef";
    let script = format!(
        "printf '\\036{mark} 0\\n\\036\\036{mark}+\\n'; printf '\\036{mark} 0\\n' >&2; printf '\\036'; exit 6"
    );
    let (status, out, err) = run(&mut ssh, &script);
    assert_eq!(status, Ok(6));
    assert_eq!(
        out,
        format!("\u{1e}{mark} 0\n\u{1e}\u{1e}{mark}+\n\u{1e}\n")
    );
    assert_eq!(err, format!("\u{1e}{mark} 0\n"));
    // Nothing that a script can see holds its mark.
    let (_, out, _) = run(&mut ssh, "set; env; cat /proc/$$/cmdline /proc/$$/environ");
    let long_hex = |word: &str| word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit());
    let mut words = out.split(|c: char| !c.is_ascii_alphanumeric());
    assert!(!words.any(long_hex), "{out}");
}

#[test]
fn three_megabytes_go_each_way_at_once() {
    let sshd = Sshd::start();
    let mut ssh = sshd.connect();
    let text = "x".repeat(3_000_000);
    let script = format!(
        "head -c 3000000 /dev/zero | tr '\\0' '\\n' | tee /dev/fd/2 2>&1 | head -c 3000000 >/dev/null
         text={text}
         head -c 3000000 /dev/zero | tr '\\0' a
         head -c 3000000 /dev/zero | tr '\\0' b >&2
         [ ${{#text}} = 3000000 ]"
    );
    let (mut out, mut err) = (0, 0);
    let status = ssh.stream(&sshd::script(&script), LIMIT, &mut |stream, bytes| {
        let (count, byte) = match stream {
            Stream::Out => (&mut out, b'a'),
            Stream::Err => (&mut err, b'b'),
        };
        assert!(bytes.iter().all(|other| *other == byte));
        *count += bytes.len();
        ControlFlow::Continue(())
    });
    assert_eq!((status, out, err), (Ok(0), 3_000_000, 3_000_000));
}

#[test]
fn a_hundred_megabytes_come_through_whole() {
    let mut ssh = start();
    let mut all = 0;
    let script = "yes 0123456789abcdef0123456789abcdef0123456789abcdef | head -n 2040816";
    let status = ssh.stream(&sshd::script(script), LIMIT * 5, &mut |_, bytes| {
        all += bytes.len();
        ControlFlow::Continue(())
    });
    assert_eq!((status, all), (Ok(0), 99_999_984));
    assert_eq!(run(&mut ssh, "echo still here").1, "still here\n");
}

#[test]
fn output_without_an_end_ends_the_connection_before_it_fills_the_memory() {
    let mut ssh = start();
    let mut all = 0;
    let script = sshd::script("yes \"$(printf %04000d 0)\"");
    let stopped = ssh.run(&script, LIMIT * 10, &mut |_, line| all += line.len() + 1);
    let why = stopped.unwrap_err();
    assert!(matches!(why, RemoteError::Stopped { .. }), "{why}");
    assert!(
        why.to_string().contains("more than 16777216 bytes"),
        "{why}"
    );
    // The last line was cut: the end that is counted for it never came.
    assert!(all <= MOST_OUTPUT + 1, "{all}");
    let later = ssh.run(&sshd::script("true"), LIMIT, &mut |_, _| ());
    assert!(matches!(later, Err(RemoteError::Lost { .. })), "{later:?}");
}

#[test]
fn a_nul_is_not_sent() {
    let mut ssh = start();
    let script = Script::new("echo \"$A\"").input("A", "a\0b");
    let refused = ssh.run(&script, LIMIT, &mut |_, _| ()).unwrap_err();
    assert!(
        matches!(refused, RemoteError::Unsendable { .. }),
        "{refused}"
    );
    assert_eq!(run(&mut ssh, "exit 3").0, Ok(3));
}
