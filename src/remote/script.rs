//! Programs for a host's shell.

use zeroize::Zeroizing;

use crate::secrets::SecretText;

/// A program for a shell, with its inputs in front. Its text is fixed at compile time; everything
/// from answers or hosts can only be an input, and is quoted. There is no other way to build a
/// script for a host.
///
/// ```
/// use k3s_ha_wizard::remote::Script;
///
/// let script = Script::new("printf '%s' \"$NAME\"").input("NAME", "'; reboot");
/// assert_eq!(script.text().unwrap().expose(), "NAME=''\\''; reboot'\nprintf '%s' \"$NAME\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    inputs: Vec<(&'static str, SecretText)>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Program(&'static str),
    Script(Script),
}

/// This input cannot be passed to a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the input {0} contains a NUL byte, which shells do not support")]
pub struct NulInput(pub &'static str);

impl From<&'static str> for Part {
    fn from(program: &'static str) -> Self {
        Self::Program(program)
    }
}

impl From<Script> for Part {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}

impl Script {
    pub fn new(program: &'static str) -> Self {
        Self {
            inputs: Vec::new(),
            parts: vec![Part::Program(program)],
        }
    }

    /// Sets a shell variable in front of the program.
    #[must_use]
    pub fn input(mut self, name: &'static str, value: impl Into<SecretText>) -> Self {
        self.inputs.push((name, value.into()));
        self
    }

    /// Sets several.
    #[must_use]
    pub fn inputs<V: Into<SecretText>>(
        self,
        inputs: impl IntoIterator<Item = (&'static str, V)>,
    ) -> Self {
        inputs
            .into_iter()
            .fold(self, |script, (name, value)| script.input(name, value))
    }

    /// Appends another program, or another script with its inputs, on a new line.
    #[must_use]
    pub fn then(mut self, part: impl Into<Part>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// The text for the shell.
    pub fn text(&self) -> Result<SecretText, NulInput> {
        // The full capacity from the start: a growing text leaves copies of its secrets behind.
        let mut text = Zeroizing::new(String::with_capacity(self.room()));
        self.write_to(&mut text)?;
        Ok(std::mem::take(&mut *text).into())
    }

    /// At least the length of the text.
    fn room(&self) -> usize {
        let quoted = |text: &str| text.len() + 3 * text.matches('\'').count();
        let inputs = self.inputs.iter();
        let inputs =
            inputs.map(|(name, value)| name.len() + quoted(value.expose()) + "=''\n".len());
        let parts = self.parts.iter().map(|part| match part {
            Part::Program(program) => program.len() + 1,
            Part::Script(script) => script.room() + 1,
        });
        inputs.chain(parts).sum()
    }

    fn write_to(&self, text: &mut String) -> Result<(), NulInput> {
        for (name, value) in &self.inputs {
            text.push_str(name);
            text.push('=');
            push_quoted(text, value.expose()).ok_or(NulInput(name))?;
            text.push('\n');
        }
        for (number, part) in self.parts.iter().enumerate() {
            if number > 0 && !text.ends_with('\n') {
                text.push('\n');
            }
            match part {
                Part::Program(program) => text.push_str(program),
                Part::Script(script) => script.write_to(text)?,
            }
        }
        Ok(())
    }
}

/// One quoted word of a shell: between single quotes everything is literal, so only the single
/// quote needs care. `None` for a text with a NUL.
pub fn quoted(text: &str) -> Option<String> {
    let mut word = String::with_capacity(text.len() + 2);
    push_quoted(&mut word, text)?;
    Some(word)
}

fn push_quoted(text: &mut String, word: &str) -> Option<()> {
    if word.contains('\0') {
        return None;
    }
    text.push('\'');
    for (number, piece) in word.split('\'').enumerate() {
        if number > 0 {
            text.push_str(r"'\''");
        }
        text.push_str(piece);
    }
    text.push('\'');
    Some(())
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

    /// What a shell makes of an input.
    fn through(shell: &[&str], input: &str) -> String {
        let script = Script::new("printf %s \"$x\"").input("x", input);
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{}: {why}: apt-get install busybox", shell[0]));
        let mut stdin = child.stdin.take().unwrap();
        let text = script.text().unwrap();
        stdin.write_all(text.expose().as_bytes()).unwrap();
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
    fn a_nul_is_refused_with_the_name_of_its_input() {
        let script = Script::new("true").input("A", "a").input("B", "a\0b");
        assert_eq!(script.text(), Err(NulInput("B")));
        assert_eq!(quoted("a\0b"), None);
    }

    #[test]
    fn scripts_follow_each_other_each_with_its_inputs_in_front() {
        let inner = Script::new("echo \"$A\"\n").input("A", "in");
        let script = Script::new("(")
            .then(inner)
            .then(") &\nwait")
            .input("A", "out");
        let text = script.text().unwrap();
        assert_eq!(text.expose(), "A='out'\n(\nA='in'\necho \"$A\"\n) &\nwait");
        assert!(script.room() >= text.expose().len());
        let masked = format!("{script:?}");
        assert!(!masked.contains("out"), "{masked}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_text_passes(text in "[^\0]*", spiky in r#"['"\\$`!\n\r\t ;&|(){}*?~#=-]*"#) {
            for shell in SHELLS {
                prop_assert_eq!(&through(shell, &text), &text);
                prop_assert_eq!(&through(shell, &spiky), &spiky);
            }
            let script = Script::new("true").input("x", spiky);
            prop_assert!(script.room() >= script.text().unwrap().expose().len());
        }
    }
}
