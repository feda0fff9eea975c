//! Text into shell scripts, without a way out of its quotes.

/// A text that holds a NUL, which no shell can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it holds a NUL byte")]
pub struct Nul;

/// One word of a shell, whatever `text` holds: between single quotes everything stands for itself,
/// so only the single quote needs care.
pub fn quote(text: &str) -> Result<String, Nul> {
    if text.contains('\0') {
        return Err(Nul);
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// The shells of the distributions: Debian's, SUSE's and Red Hat's (also as `sh`), Alpine's.
    const SHELLS: [&[&str]; 4] = [
        &["dash"],
        &["bash"],
        &["bash", "--posix"],
        &["busybox", "sh"],
    ];

    /// What a shell makes of a script with a quoted text, with nothing added or taken away.
    fn through(shell: &[&str], text: &str) -> String {
        let script = format!("x={}\nprintf %s \"$x\"", quote(text).unwrap());
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{}: {why}: apt-get install busybox", shell[0]));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(script.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn every_byte_passes_through_every_shell() {
        let ascii: String = (1u8..=127).map(char::from).collect();
        // Every byte that UTF-8 can hold: as the first of a character, and as a further one.
        let further: String = (0x80u32..0x800).filter_map(char::from_u32).collect();
        let long = "\u{800}\u{ffff}\u{10000}\u{10ffff}";
        for text in [&ascii, &further, long, "", "'", "''", "\n", "\n\n", "-n"] {
            for shell in SHELLS {
                assert_eq!(through(shell, text), text, "{shell:?}");
            }
        }
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(quote("a\0b"), Err(Nul));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_text_passes(text in "[^\0]*", spiky in r#"['"\\$`!\n\r\t ;&|(){}*?~#=-]*"#) {
            for shell in SHELLS {
                prop_assert_eq!(&through(shell, &text), &text);
                prop_assert_eq!(&through(shell, &spiky), &spiky);
            }
        }
    }
}
