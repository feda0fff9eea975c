//! Where hosts without internet get everything from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Answers;
use super::forms::is_sha256;
use super::problems::Problem;

/// The bundle that everything is installed from; without one, the internet or mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceSettings {
    /// What `bundle create` wrote.
    pub bundle: Option<PathBuf>,
    /// Its SHA-256: 64 hex digits.
    pub bundle_sha256: Option<String>,
}

impl SourceSettings {
    /// The path of the bundle, and its SHA-256.
    pub fn bundle(&self) -> Option<(PathBuf, &str)> {
        let path = super::paths::expand(self.bundle.as_ref()?);
        Some((path, self.bundle_sha256.as_deref().unwrap_or_default()))
    }
}

/// What is wrong with the sources of these answers.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    let SourceSettings {
        bundle,
        bundle_sha256,
    } = &answers.sources;
    let problem = |key: &str, message: &str| Some(Problem::new(format!("sources.{key}"), message));
    let wrong = match (bundle, bundle_sha256) {
        (Some(_), None) => problem(
            "bundle",
            "needs bundle_sha256, which k3s-ha-wizard bundle create printed: it shows that this is the bundle \
             that was created",
        ),
        (None, Some(_)) => problem("bundle_sha256", "needs bundle, the file that it belongs to"),
        (Some(path), _) if path.as_os_str().is_empty() => {
            problem("bundle", "must be the path of a file")
        }
        (_, Some(sum)) if !is_sha256(sum) => problem(
            "bundle_sha256",
            "must be a SHA-256, 64 hexadecimal digits, as sha256sum prints it",
        ),
        _ => None,
    };
    wrong.into_iter().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As in the example.
    pub fn given() -> SourceSettings {
        SourceSettings {
            bundle: Some("~/k3s.bundle".into()),
            bundle_sha256: Some("0123456789abcdef".repeat(4)),
        }
    }

    fn problems(sources: &str) -> String {
        let lab = include_str!("../../tests/lab/answers.toml");
        match Answers::from_toml(&format!("{lab}\n[sources]\n{sources}")) {
            Ok(answers) => format!("{:?}", answers.sources.bundle()),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn a_bundle_comes_with_its_sum() {
        let sum = "0123456789abcdef".repeat(4);
        let good = problems(&format!("bundle = \"/b\"\nbundle_sha256 = \"{sum}\""));
        assert_eq!(good, format!("Some((\"/b\", \"{sum}\"))"));
        assert!(
            problems("bundle = \"/b\"")
                .contains("bundle_sha256, which k3s-ha-wizard bundle create")
        );
        assert!(problems("bundle = \"/b\"\nbundle_sha256 = \"abc\"").contains("64 hexadecimal"));
        assert!(problems(&format!("bundle_sha256 = \"{sum}\"")).contains("needs bundle"));
        assert!(problems("bundel = \"/b\"").contains("did you mean \"bundle\"?"));
    }
}
