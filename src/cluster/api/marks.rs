//! What a drill writes to see that no write is lost: `ConfigMaps` without data, in a namespace that every
//! cluster has. Their names are the wizard's own.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use super::{Api, ApiError, LONGEST_OBJECT, said};
use crate::cluster::objects::ConfigMapJson;

const PATH: &str = "/api/v1/namespaces/default/configmaps";
/// All marks of all drills have this in front.
const PREFIX: &str = "k3s-ha-wizard-drill-";

impl<S: Read + Write> Api<S> {
    /// Writes a mark. It is acknowledged if there is no error.
    pub(crate) fn write_mark(&mut self, mark: &str) -> Result<(), ApiError> {
        let name = format!("{PREFIX}{mark}");
        let map = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }
        });
        let answer = self.asked("POST", PATH, Some(&map.to_string()), LONGEST_OBJECT)?;
        match answer.status {
            201 => Ok(()),
            status => Err(ApiError::Failed(said(status, &answer.body))),
        }
    }

    /// Whether a mark is there.
    pub(crate) fn has_mark(&mut self, mark: &str) -> Result<bool, ApiError> {
        let answer = self.answer(&format!("{PATH}/{PREFIX}{mark}"), LONGEST_OBJECT)?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            status => Err(ApiError::Failed(said(status, &answer.body))),
        }
    }

    /// All marks that are there.
    pub(crate) fn marks(&mut self) -> Result<BTreeSet<String>, ApiError> {
        let maps: Vec<ConfigMapJson> = self.list(PATH)?;
        let names = maps.iter().map(|map| map.metadata.name.as_str());
        let marks = names.filter_map(|name| name.strip_prefix(PREFIX));
        Ok(marks
            .filter(|mark| is_mark(mark))
            .map(str::to_owned)
            .collect())
    }

    /// Removes a mark, if it is there.
    pub(crate) fn remove_mark(&mut self, mark: &str) -> Result<(), ApiError> {
        let path = format!("{PATH}/{PREFIX}{mark}");
        let answer = self.asked("DELETE", &path, None, LONGEST_OBJECT)?;
        match answer.status {
            200 | 404 => Ok(()),
            status => Err(ApiError::Failed(said(status, &answer.body))),
        }
    }
}

/// Names come back from a host: only the wizard's own reach a path.
fn is_mark(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(fits)
}
