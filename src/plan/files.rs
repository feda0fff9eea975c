//! What steps will write, next to what exists: read from hosts before anything is changed.

use super::script::of_each;
use super::{LateValues, Shell, UnboundInput, Value};
use crate::hash::sha256;
use crate::remote::Script;
use crate::secrets::SecretText;

const PREVIEW: &str = include_str!("../../assets/remote/preview.sh");

/// A file of a step. Either content may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    pub path: String,
    /// Mode and owner, `600 root:root`, and content; `None` if there is no file.
    pub now: Option<(String, SecretText)>,
    pub wanted: (String, SecretText),
}

impl PlannedFile {
    pub fn is_so_already(&self) -> bool {
        self.now.as_ref() == Some(&self.wanted)
    }
}

/// The script that reads the files of steps on one host; [`read_previews`] parses its output.
pub fn preview_script(
    mark: &str,
    steps: &[&Shell],
    late: &LateValues,
) -> Result<Script, UnboundInput> {
    of_each(steps, mark, |step| {
        let previewed = step.with_inputs(Script::new(step.source), late)?;
        Ok(Script::new("(")
            .then(previewed)
            .then(PREVIEW)
            .then("preview\n)")
            .then("printf '\\n%s step\\n' \"$MARK\""))
    })
}

/// The files of each step, in the order of the steps; fewer if the host stopped answering.
pub fn read_previews(
    mark: &str,
    lines: &[String],
    steps: &[&Shell],
    late: &LateValues,
) -> Vec<Vec<PlannedFile>> {
    let mut previews = Vec::new();
    let mut files: Vec<FileRecord> = Vec::new();
    for line in lines {
        let Some(rest) = line.strip_prefix(mark).map(str::trim_start) else {
            if let Some(file) = files.last_mut() {
                file.more(line);
            }
            continue;
        };
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match (word, files.last_mut()) {
            ("step", _) => {
                let Some(step) = steps.get(previews.len()) else {
                    break;
                };
                let told = std::mem::take(&mut files);
                let known = told.into_iter().filter_map(|file| file.of(step, late));
                previews.push(known.collect());
            }
            ("file", _) => files.push(FileRecord {
                path: rest.to_owned(),
                ..FileRecord::default()
            }),
            ("now", Some(file)) => file.now = Some((rest.to_owned(), String::new())),
            ("wanted", Some(file)) => file.wanted = rest.rsplit_once(' ').map(FileRecord::pair),
            ("becomes", Some(file)) => file.becomes = Some(String::new()),
            _ => {}
        }
    }
    previews
}

/// A file as reported by the host; contents are base64.
#[derive(Default)]
struct FileRecord {
    path: String,
    now: Option<(String, String)>,
    /// Mode and owner, and the hash of the wanted content.
    wanted: Option<(String, String)>,
    becomes: Option<String>,
}

impl FileRecord {
    fn pair((one, other): (&str, &str)) -> (String, String) {
        (one.to_owned(), other.to_owned())
    }

    fn more(&mut self, line: &str) {
        if let Some(text) = &mut self.becomes {
            text.push_str(line.trim());
        } else if let Some((_, text)) = &mut self.now {
            text.push_str(line.trim());
        }
    }

    fn of(self, step: &Shell, late: &LateValues) -> Option<PlannedFile> {
        let now = match self.now {
            Some((how, text)) => Some((how, decoded(&text)?)),
            None => None,
        };
        let wanted = match (self.wanted, self.becomes) {
            (Some((how, hash)), _) => (how, step.input_with(&hash, late)?),
            // The file keeps its owner and mode.
            (None, Some(text)) => (now.as_ref()?.0.clone(), decoded(&text)?),
            (None, None) => return None,
        };
        Some(PlannedFile {
            path: self.path,
            now,
            wanted,
        })
    }
}

/// `None` if it is not text.
fn decoded(base64: &str) -> Option<SecretText> {
    if base64.is_empty() {
        return Some(String::new().into());
    }
    let bytes = openssl::base64::decode_block(base64).ok()?;
    String::from_utf8(bytes).ok().map(SecretText::from)
}

impl Shell {
    /// The input whose text has this SHA-256.
    fn input_with(&self, hash: &str, late: &LateValues) -> Option<SecretText> {
        let mut texts = self.inputs.iter().filter_map(|(_, value)| match value {
            Value::Plain(text) => Some(SecretText::from(text.clone())),
            Value::Secret(text) => Some(text.clone()),
            Value::Late(name) => late.get(name).cloned(),
        });
        texts.find(|text| sha256(text.expose().as_bytes()) == hash)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::plan::Late;
    use crate::platform::{Facts, Platform};
    use crate::steps::step_file;

    fn shell(source: &'static str, inputs: Vec<(&'static str, Value)>) -> Shell {
        let facts = Facts {
            os_id: "debian".into(),
            systemd: true,
            ..Facts::default()
        };
        Shell {
            file: "of a test",
            source,
            platform: Platform::of(&facts).unwrap(),
            inputs,
            ready_nodes: Vec::new(),
        }
    }

    /// What a shell says to the script, as a host would.
    fn previews(steps: &[&Shell]) -> Vec<Vec<PlannedFile>> {
        let late = LateValues::new();
        let script = preview_script("m4rk", steps, &late).unwrap();
        let said = Command::new("sh")
            .args(["-c", script.text().unwrap().expose()])
            .output()
            .unwrap();
        assert!(said.stderr.is_empty(), "{said:?}");
        let lines: Vec<String> = String::from_utf8(said.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        assert!(!lines.iter().any(|line| line.contains("a new secret")));
        read_previews("m4rk", &lines, steps, &late)
    }

    #[test]
    fn files_are_told_with_what_they_hold_and_will_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, "old\n").unwrap();
        let is = |path: &std::path::Path, text: &str| {
            let path = path.display().to_string();
            let inputs = vec![
                ("FILE", Value::from(path)),
                ("CONTENT", Value::Secret(text.to_owned().into())),
            ];
            shell(
                "files() { echo noise; file \"$FILE\" 0600 root:root \"$CONTENT\"; }",
                inputs,
            )
        };
        let there = is(&path, "a new secret\n");
        let new = is(&folder.path().join("new file"), "a new secret\n");
        let silent = shell("satisfied() { return 2; }", Vec::new());
        let found = previews(&[&there, &silent, &new]);
        assert_eq!(found.len(), 3);
        let file = &found[0][0];
        assert_eq!(file.path, path.display().to_string());
        assert_eq!(file.now.as_ref().unwrap().1.expose(), "old\n");
        assert_eq!(file.wanted.0, "600 root:root");
        assert_eq!(file.wanted.1.expose(), "a new secret\n");
        assert!(found[1].is_empty());
        assert_eq!(found[2][0].now, None);
        // Nothing was changed.
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old\n");
        assert!(!folder.path().join("new file").exists());
    }

    #[test]
    fn what_a_step_compares_first_hides_no_file() {
        let step = |refuses: &'static str, satisfied: &'static str| {
            let files = "files() { file /nowhere/one 0600 root:root one
                file_set /nowhere two 0644 root:root two; }";
            let source = format!("{refuses}\n{satisfied}\n{files}").leak();
            shell(source, vec![("ONE", "one".into()), ("TWO", "two".into())])
        };
        let early = step("", "satisfied() { return 1; }");
        let unknown = step("refuses() { return 2; }", "");
        let refused = step("refuses() { return 3; }", "");
        let found = previews(&[&early, &unknown, &refused]);
        let paths = |of: &[PlannedFile]| of.iter().map(|f| f.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&found[0]), ["/nowhere/one", "/nowhere/two"]);
        assert_eq!(paths(&found[1]), ["/nowhere/one", "/nowhere/two"]);
        assert_eq!(paths(&found[2]), [""; 0]);
    }

    #[test]
    fn a_block_of_ours_is_told_within_the_file_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pg_hba.conf");
        std::fs::write(&path, "# BEGIN\nold\n# END\ntheirs\n").unwrap();
        let inputs = vec![("FILE", Value::from(path.display().to_string()))];
        let step = shell(
            "files() { block \"$FILE\" '# BEGIN' '# END' 'new\n'; }",
            inputs,
        );
        let found = previews(&[&step]);
        let wanted = found[0][0].wanted.1.expose();
        assert!(wanted.ends_with("# END\ntheirs\n"), "{wanted}");
        assert!(wanted.starts_with("# BEGIN\nnew"), "{wanted}");
    }

    #[test]
    fn what_is_not_known_yet_is_not_told() {
        let (_, source) = step_file!("k3s/token");
        let step = shell(source, vec![("JOIN_TOKEN", Value::Late(Late::JoinToken))]);
        assert!(preview_script("m", &[&step], &LateValues::new()).is_err());
    }
}
