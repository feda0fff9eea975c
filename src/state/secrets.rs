//! The secrets of a cluster: from the answers, from an earlier run, or generated.

use std::path::PathBuf;

use openssl::error::ErrorStack;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::answers::{
    Answers, Secret, SecretError, external_password_problem, password_problem, token_problem,
};
use crate::secrets::{SecretText, Secrets};

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("{key}: {source}")]
    Unavailable { key: String, source: SecretError },
    #[error("{key} {why}")]
    Unfit {
        key: &'static str,
        why: &'static str,
    },
    #[error(
        "k3s.token is not this cluster's token. The token encrypts the cluster's CA keys in \
         Postgres, so servers with another one cannot start. Remove k3s.token from the answers: \
         the state folder has the right one. The wizard cannot change it yet"
    )]
    OtherToken,
    #[error(
        "k3s.agent_token is the same as k3s.token: agents would hold the key to the cluster's CA. \
         Leave it out to have one generated"
    )]
    SameTokens,
    #[error(
        "secrets.json is missing in {}. It has the cluster's token, without which no server starts \
         and no backup can be read: restore it from your copy",
        .0.display()
    )]
    Lost(PathBuf),
    #[error("no random numbers available for a new secret: {0}")]
    Random(#[from] ErrorStack),
}

/// Every secret of the cluster: from the answers, else from an earlier run, else new. `begun`:
/// whether servers may have been started with the stored token; then another one is an error.
/// `verifier` computes what Postgres stores of a password.
pub fn complete_secrets(
    kept: Option<&Secrets>,
    answers: &Answers,
    begun: bool,
    verifier: impl Fn(&str) -> String,
) -> Result<Secrets, SecretsError> {
    let k3s = &answers.k3s;
    let kept_token = kept.map(|kept| &kept.token);
    let token = one("k3s.token", k3s.token.as_ref(), kept_token, token_problem)?;
    if begun && kept_token.is_some_and(|kept| *kept != token) {
        return Err(SecretsError::OtherToken);
    }
    let agent_token = one(
        "k3s.agent_token",
        k3s.agent_token.as_ref(),
        kept.map(|kept| &kept.agent_token),
        token_problem,
    )?;
    if agent_token == token {
        return Err(SecretsError::SameTokens);
    }
    let db_password = one(
        "postgres.password",
        answers.postgres.password.as_ref(),
        kept.map(|kept| &kept.db_password),
        if answers.postgres.is_external() {
            external_password_problem
        } else {
            password_problem
        },
    )?;
    let db_verifier = match kept {
        Some(kept) if kept.db_password == db_password => kept.db_verifier.clone(),
        _ => verifier(db_password.expose()).into(),
    };
    Ok(Secrets {
        token,
        agent_token,
        db_password,
        db_verifier,
    })
}

/// As they are written into `secrets.json`: **the texts themselves**.
pub(super) fn expose_json(secrets: &Secrets) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // Large enough never to grow: growing would leave copies in memory.
    let mut json = Zeroizing::new(Vec::with_capacity(8192));
    let exposed = Exposed {
        schema: super::SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        token: secrets.token.expose(),
        agent_token: secrets.agent_token.expose(),
        db_password: secrets.db_password.expose(),
        db_verifier: secrets.db_verifier.expose(),
    };
    serde_json::to_writer_pretty(&mut *json, &exposed)?;
    json.push(b'\n');
    Ok(json)
}

pub(super) fn from_json(json: &[u8]) -> serde_json::Result<Secrets> {
    let SecretsFile {
        token,
        agent_token,
        db_password,
        db_verifier,
    } = serde_json::from_slice(json)?;
    Ok(Secrets {
        token: token.into(),
        agent_token: agent_token.into(),
        db_password: db_password.into(),
        db_verifier: db_verifier.into(),
    })
}

#[derive(Serialize)]
struct Exposed<'a> {
    schema: u32,
    version: &'a str,
    token: &'a str,
    agent_token: &'a str,
    db_password: &'a str,
    db_verifier: &'a str,
}

#[derive(Deserialize)]
struct SecretsFile {
    token: String,
    agent_token: String,
    db_password: String,
    db_verifier: String,
}

fn one(
    key: &'static str,
    given: Option<&Secret>,
    kept: Option<&SecretText>,
    problem: fn(&str) -> Option<&'static str>,
) -> Result<SecretText, SecretsError> {
    let Some(given) = given else {
        return match kept {
            Some(kept) => Ok(kept.clone()),
            None => Ok(SecretText::random()?),
        };
    };
    let text = given.reveal().map_err(|source| SecretsError::Unavailable {
        key: key.to_owned(),
        source,
    })?;
    match problem(text.expose()) {
        None => Ok(text),
        Some(why) => Err(SecretsError::Unfit { key, why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier(password: &str) -> String {
        format!("verifier of {password}")
    }

    fn complete(
        kept: Option<&Secrets>,
        answers: &Answers,
        begun: bool,
    ) -> Result<Secrets, SecretsError> {
        complete_secrets(kept, answers, begun, verifier)
    }

    fn inline(text: &str) -> Secret {
        Secret::Inline(text.to_owned().into())
    }

    #[test]
    fn what_is_not_given_is_made_once() {
        let answers = Answers::default();
        let made = complete(None, &answers, false).unwrap();
        assert_ne!(made.token, made.agent_token);
        assert_eq!(token_problem(made.token.expose()), None);
        assert_eq!(password_problem(made.db_password.expose()), None);
        let again = complete_secrets(Some(&made), &answers, true, |_| {
            panic!("the verifier is kept")
        });
        assert_eq!(again.unwrap(), made);
    }

    #[test]
    fn what_is_given_is_taken() {
        let mut answers = Answers::default();
        answers.k3s.token = Some(inline("a-token-of-the-operator"));
        answers.postgres.password = Some(inline("a-password"));
        let unfit = complete(None, &answers, false).unwrap_err();
        assert!(
            unfit.to_string().starts_with("postgres.password must"),
            "{unfit}"
        );

        answers.postgres.password = Some(inline("a-good-password"));
        let secrets = complete(None, &answers, false).unwrap();
        assert_eq!(secrets.token.expose(), "a-token-of-the-operator");
        assert_eq!(secrets.db_verifier.expose(), "verifier of a-good-password");

        answers.postgres.password = Some(inline("another-password"));
        let secrets = complete(Some(&secrets), &answers, true).unwrap();
        assert_eq!(secrets.db_verifier.expose(), "verifier of another-password");
    }

    #[test]
    fn the_token_of_a_cluster_does_not_change() {
        let mut answers = Answers::default();
        let kept = complete(None, &answers, false).unwrap();
        answers.k3s.token = Some(inline("another-token-than-kept"));
        let error = complete(Some(&kept), &answers, true).unwrap_err();
        assert!(matches!(error, SecretsError::OtherToken));
        assert!(!error.to_string().contains("another-token-than-kept"));
        // Nothing is encrypted with it yet.
        let secrets = complete(Some(&kept), &answers, false).unwrap();
        assert_eq!(secrets.token.expose(), "another-token-than-kept");
        // The same one may stay in the answers.
        answers.k3s.token = Some(Secret::Inline(kept.token.clone()));
        assert_eq!(complete(Some(&kept), &answers, true).unwrap(), kept);
    }

    #[test]
    fn agents_do_not_get_the_token_of_the_servers() {
        let mut answers = Answers::default();
        let kept = complete(None, &answers, false).unwrap();
        answers.k3s.agent_token = Some(Secret::Inline(kept.token.clone()));
        let error = complete(Some(&kept), &answers, true).unwrap_err();
        assert!(matches!(error, SecretsError::SameTokens));
    }

    #[test]
    fn a_secret_that_cannot_be_had_is_named() {
        let mut answers = Answers::default();
        answers.k3s.agent_token = Some(Secret::File("/nowhere/at/all".into()));
        let error = complete(None, &answers, false).unwrap_err().to_string();
        assert!(error.starts_with("k3s.agent_token: cannot read"), "{error}");
    }

    #[test]
    fn debug_shows_nothing() {
        let secrets = complete(None, &Answers::default(), false).unwrap();
        let shown = format!("{secrets:?}");
        for secret in secrets.all() {
            assert!(!shown.contains(secret.expose()));
        }
    }
}
