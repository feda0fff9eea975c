//! Secrets in files of this machine that other users can read.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Answers, Secret, paths};

/// A warning about the answers file, if secrets are written into it.
pub(super) fn answers_file(path: &Path, answers: &Answers) -> Option<String> {
    let inline = answers.secrets().any(Secret::is_inline);
    inline.then(|| warning(path, "the answers")).flatten()
}

/// Warnings about the files that secrets come from.
pub(super) fn secret_files(answers: &Answers) -> Vec<String> {
    let files = answers.secrets().filter_map(|secret| match secret {
        Secret::File(path) => Some(paths::expand(path)),
        Secret::Inline(_) | Secret::Env(_) => None,
    });
    let files: BTreeSet<_> = files.collect();
    let warnings = files.iter().map(|path| warning(path, "a secret"));
    warnings.flatten().collect()
}

/// A group with the number of the owner is the owner's own.
fn warning(path: &Path, what: &str) -> Option<String> {
    let file = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let by_all = file.mode() & 0o004 != 0;
    let by_group = file.mode() & 0o040 != 0 && file.gid() != file.uid();
    let path = path.display();
    (by_all || by_group).then(|| {
        format!("other users can read {path}, which has {what} in the clear: chmod 600 {path}")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_with_secrets_that_others_can_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, mode).unwrap();
            path
        };
        let about = |text: &str, mode: u32| {
            let path = write("answers.toml", text, mode);
            let warnings = Answers::load(&path).unwrap().warnings();
            let ours = warnings
                .iter()
                .filter(|text| text.starts_with("other users"));
            ours.cloned().collect::<Vec<_>>()
        };
        let example = super::super::example();
        assert_eq!(about(example, 0o644), Vec::<String>::new());
        let usual = "password = { env = \"K3S_DB_PASSWORD\" }";
        assert!(example.contains(usual));
        let with = |secret: &str| example.replace(usual, &format!("password = {secret}"));
        let inline = with("\"a-password-of-some-length\"");
        assert_eq!(about(&inline, 0o600), Vec::<String>::new());
        let told = about(&inline, 0o644);
        assert!(
            told.len() == 1 && told[0].contains("answers.toml"),
            "{told:?}"
        );

        let secret = write("password", "a-password-of-some-length\n", 0o604);
        let file = with(&format!("{{ file = {:?} }}", secret.display().to_string()));
        let told = about(&file, 0o644);
        assert!(told.len() == 1 && told[0].contains("/password"), "{told:?}");
        write("password", "a-password-of-some-length\n", 0o400);
        assert_eq!(about(&file, 0o644), Vec::<String>::new());
    }
}
