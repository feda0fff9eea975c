//! A cluster's kubeconfig merged into the operator's own.
//!
//! Nothing of the operator's is changed but entries of the same cluster, which are recognised by its
//! certificate authority; the current context stays.

use yaml_serde::{Mapping, Value};

/// The lists whose entries have names.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

#[derive(Debug, PartialEq, Eq)]
pub enum Merged {
    /// It has this cluster already, exactly so.
    Same,
    /// The file, as it is to be.
    Changed(String),
}

/// Why two kubeconfigs cannot be merged; quotes neither of them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    #[error("it is not a kubeconfig that can be read: {0}")]
    Unreadable(String),
    #[error(
        "it has the text \"{0}\", which kubectl may read as something else when it is written again"
    )]
    Ambiguous(String),
    #[error(
        "it has an entry {name} in {list} that belongs to another cluster. Rename that one (kubectl config \
         rename-context), or use the kubeconfig of this cluster separately"
    )]
    Taken { list: &'static str, name: String },
}

/// `own` is the operator's file, where there is one; `ours` is the wizard's, with one entry a list.
pub fn merged(own: Option<&str>, ours: &str) -> Result<Merged, MergeError> {
    let Some(own) = own.filter(|own| !own.trim().is_empty()) else {
        return Ok(Merged::Changed(ours.to_owned()));
    };
    let (before, ours) = (read(own)?, read(ours)?);
    let mut after = before.clone();
    let cluster = name_in(&ours, "clusters")?;
    let is_same_cluster = authority(&before, &cluster) == authority(&ours, &cluster);
    for list in LISTS {
        let name = name_in(&ours, list)?;
        let entry = entries(&ours, list).next().cloned().unwrap_or_default();
        let entries = list_mut(&mut after, list)?;
        match entries.iter_mut().find(|entry| is_named(entry, &name)) {
            Some(there) if *there == entry => {}
            Some(there) if is_same_cluster => renew(there, &entry),
            Some(_) => return Err(MergeError::Taken { list, name }),
            None => entries.push(entry),
        }
    }
    let current = after.get("current-context").and_then(Value::as_str);
    if current.is_none_or(str::is_empty) {
        let name = name_in(&ours, "contexts")?;
        after.insert("current-context".into(), name.into());
    }
    if after == before {
        return Ok(Merged::Same);
    }
    if let Some(text) = ambiguous(&Value::Mapping(before)) {
        return Err(MergeError::Ambiguous(text));
    }
    let text = yaml_serde::to_string(&after);
    text.map(Merged::Changed)
        .map_err(|_| MergeError::Unreadable("it cannot be written again".into()))
}

/// What may be newer in the wizard's entry; the rest is the operator's to change.
fn renew(there: &mut Value, ours: &Value) {
    for key in ["client-certificate-data", "client-key-data"] {
        if let (Some(new), Some(user)) = (
            ours.get("user").and_then(|user| user.get(key)),
            there.get_mut("user").and_then(Value::as_mapping_mut),
        ) {
            user.insert(key.into(), new.clone());
        }
    }
}

/// A text that would be written without quotes, and that kubectl then takes for a number or a yes or
/// no: it reads YAML 1.1.
fn ambiguous(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let words = ["y", "n", "yes", "no", "on", "off"];
            let is_number = text.starts_with(|letter: char| letter.is_ascii_digit())
                && text.contains(['_', ':'])
                && text
                    .chars()
                    .all(|letter| letter.is_ascii_digit() || "_:.".contains(letter));
            let is_word = words.contains(&text.to_ascii_lowercase().as_str());
            (is_word || is_number).then(|| text.clone())
        }
        Value::Sequence(values) => values.iter().find_map(ambiguous),
        Value::Mapping(map) => map
            .iter()
            .find_map(|(key, value)| ambiguous(key).or_else(|| ambiguous(value))),
        _ => None,
    }
}

fn read(text: &str) -> Result<Mapping, MergeError> {
    // The error's own text may quote what is there: a secret.
    let place = |error: yaml_serde::Error| match error.location() {
        Some(place) => format!("line {}, column {}", place.line(), place.column()),
        None => "it is not YAML".to_owned(),
    };
    let value = yaml_serde::from_str(text);
    value.map_err(|error| MergeError::Unreadable(place(error)))
}

fn entries<'a>(file: &'a Mapping, list: &str) -> impl Iterator<Item = &'a Value> {
    let entries = file.get(list).and_then(Value::as_sequence);
    entries.into_iter().flatten()
}

fn list_mut<'a>(
    file: &'a mut Mapping,
    list: &'static str,
) -> Result<&'a mut Vec<Value>, MergeError> {
    let value = file.entry(list.into()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Sequence(Vec::new());
    }
    value
        .as_sequence_mut()
        .ok_or_else(|| MergeError::Unreadable(format!("{list} is not a list")))
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}

/// The name of the wizard's own entry.
fn name_in(ours: &Mapping, list: &'static str) -> Result<String, MergeError> {
    let name = entries(ours, list)
        .next()
        .and_then(|entry| entry.get("name"));
    let name = name.and_then(Value::as_str).map(str::to_owned);
    name.ok_or_else(|| MergeError::Unreadable(format!("{list} has no entry with a name")))
}

fn authority<'a>(file: &'a Mapping, cluster: &str) -> Option<&'a str> {
    let entry = entries(file, "clusters").find(|entry| is_named(entry, cluster))?;
    entry
        .get("cluster")?
        .get("certificate-authority-data")?
        .as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(authority: &str, key: &str) -> String {
        format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {authority}\n    \
             server: https://198.51.100.14:6443\n  name: \"lab\"\ncontexts:\n- context:\n    \
             cluster: \"lab\"\n    user: \"lab\"\n  name: \"lab\"\ncurrent-context: \"lab\"\n\
             kind: Config\npreferences: {{}}\nusers:\n- name: \"lab\"\n  user:\n    \
             client-key-data: {key}\n"
        )
    }

    const OWN: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: home\n  cluster:\n    \
        server: https://home:6443\ncontexts:\n- name: home\n  context: {cluster: home, user: me}\n\
        current-context: home\nusers:\n- name: me\n  user:\n    exec: {command: aws, \
        args: [eks, get-token]}\nextensions: [{name: x}]\n";

    fn changed(own: Option<&str>, ours: &str) -> String {
        match merged(own, ours).unwrap() {
            Merged::Changed(text) => text,
            Merged::Same => panic!("the same"),
        }
    }

    #[test]
    fn a_cluster_is_added_and_the_rest_stays() {
        let text = changed(Some(OWN), &ours("Q0E=", "S0VZ"));
        let (after, own) = (read(&text).unwrap(), read(OWN).unwrap());
        assert_eq!(after["current-context"], own["current-context"]);
        assert_eq!(after["extensions"], own["extensions"]);
        for list in LISTS {
            let names: Vec<_> = entries(&after, list).map(|entry| &entry["name"]).collect();
            assert_eq!(names.len(), 2, "{list}: {names:?}");
            assert_eq!(after[list][0], own[list][0], "{list}");
            assert_eq!(after[list][1]["name"], "lab", "{list}");
        }
        assert_eq!(merged(Some(&text), &ours("Q0E=", "S0VZ")), Ok(Merged::Same));
    }

    #[test]
    fn a_renewed_key_replaces_the_old_one_of_the_same_cluster() {
        let before = changed(Some(OWN), &ours("Q0E=", "S0VZ"));
        let after = changed(Some(&before), &ours("Q0E=", "TkVX"));
        assert!(after.contains("TkVX") && !after.contains("S0VZ"), "{after}");
        assert_eq!(
            read(&after).unwrap()["users"].as_sequence().unwrap().len(),
            2
        );
    }

    #[test]
    fn what_the_operator_changed_in_the_entries_stays() {
        let own = changed(Some(OWN), &ours("Q0E=", "S0VZ"));
        let own = own.replace(
            "server: https://198.51.100.14:6443",
            "server: https://k3s.example:443",
        );
        let after = changed(Some(&own), &ours("Q0E=", "TkVX"));
        assert!(after.contains("https://k3s.example:443"), "{after}");
        assert!(after.contains("TkVX"), "{after}");
    }

    #[test]
    fn a_text_that_kubectl_would_read_as_something_else_is_refused() {
        let own = OWN.replace("user: me}", "user: me, namespace: \"on\"}");
        assert_ne!(own, OWN);
        let error = merged(Some(&own), &ours("Q0E=", "S0VZ")).unwrap_err();
        assert_eq!(error, MergeError::Ambiguous("on".into()));
    }

    #[test]
    fn another_cluster_of_the_same_name_is_not_replaced() {
        let own = changed(Some(OWN), &ours("Q0E=", "S0VZ"));
        let taken = merged(Some(&own), &ours("T1RI", "TkVX")).unwrap_err();
        assert!(matches!(
            taken,
            MergeError::Taken {
                list: "clusters",
                ..
            }
        ));
    }

    #[test]
    fn where_there_is_no_file_ours_is_the_file() {
        let ours = ours("Q0E=", "S0VZ");
        for own in [None, Some(""), Some("\n")] {
            assert_eq!(changed(own, &ours), ours);
        }
        // kubectl leaves such a file when the last context is deleted.
        let empty = "apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: \"\"\n\
            kind: Config\npreferences: {}\nusers: null\n";
        let after = read(&changed(Some(empty), &ours)).unwrap();
        assert_eq!(after["current-context"], "lab");
    }

    #[test]
    fn what_is_no_kubeconfig_is_left_alone_and_not_quoted() {
        for own in ["token: [s3cret", "- s3cret", "clusters: s3cret\n"] {
            let error = merged(Some(own), &ours("Q0E=", "S0VZ")).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
