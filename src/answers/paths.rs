//! `~` in paths, as a shell would read it.

use std::path::{Path, PathBuf};

/// Replaces a leading `~/` by the operator's home. Other paths stay as they are; a relative path
/// counts from the working directory.
pub fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), directories::BaseDirs::new()) {
        (Ok(rest), Some(dirs)) if rest.as_os_str().is_empty() => dirs.home_dir().to_owned(),
        (Ok(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => path.to_owned(),
    }
}
