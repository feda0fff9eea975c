//! The fuzz targets of this room.

use std::path::Path;

use super::Answers;
use super::ssh_config::SshConfig;

pub(crate) fn answers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Answers::from_toml(&text) {
        Ok(mut answers) => {
            let written = answers.to_toml();
            let again = Answers::from_toml(&written);
            answers.notices.clear();
            assert!(again.is_ok_and(|again| again == answers), "{written}");
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// The first line is a host.
pub(crate) fn ssh_config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (host, text) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(config) = SshConfig::of_text(text, Path::new("/home")) else {
        return;
    };
    let Ok(settings) = config.of(host) else {
        return;
    };
    for key in &settings.identity_files {
        let _ = config.path(key, |token| (token == 'h').then(|| host.to_owned()));
    }
}
