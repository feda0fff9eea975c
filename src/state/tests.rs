use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::answers::Secret;

fn folder(dir: &tempfile::TempDir) -> Folder {
    Folder::open(Some(dir.path().to_owned()), "prod").unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn secrets() -> Secrets {
    complete_secrets(None, &Answers::default(), false, str::to_uppercase).unwrap()
}

fn state() -> State {
    let answers = Answers::from_toml(crate::answers::example()).unwrap();
    State {
        made: vec![Made {
            host: Some("k3s-postgres".into()),
            step: "postgres/install".into(),
            what: "the package postgresql".into(),
            when: "2026-11-24T21:54:40Z".into(),
        }],
        last_run: Some(LastRun {
            run: "20261124T215440Z-3f2a".into(),
            when: "2026-11-24T21:54:40Z".into(),
            end: Some(End::Aborted {
                why: "SIGINT".into(),
            }),
        }),
        cluster_ca: Some("-----BEGIN CERTIFICATE-----".into()),
        ..State::new(&answers).unwrap()
    }
}

#[test]
fn what_is_saved_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    assert_eq!(folder.state().unwrap(), None);
    assert_eq!(folder.secrets().unwrap(), None);
    assert_eq!(folder.install_script().unwrap(), None);

    let (state, secrets) = (state(), secrets());
    folder.save(&state).unwrap();
    folder.save_secrets(&secrets).unwrap();
    folder.save_install_script(b"#!/bin/sh\n").unwrap();
    folder.save_kubeconfig("apiVersion: v1\n").unwrap();

    let folder = super::Folder::open(Some(dir.path().to_owned()), "prod").unwrap();
    assert_eq!(folder.state().unwrap(), Some(state));
    assert_eq!(folder.secrets().unwrap(), Some(secrets));
    assert_eq!(folder.install_script().unwrap().unwrap(), b"#!/bin/sh\n");
    assert_eq!(clusters(dir.path()).unwrap(), ["prod"]);
}

#[test]
fn everything_is_for_the_operator_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    folder.save(&state()).unwrap();
    folder.save_secrets(&secrets()).unwrap();
    folder.save_install_script(b"x").unwrap();
    folder.save_kubeconfig("x").unwrap();
    let _lock = folder.lock().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let folder = super::Folder::open(Some(dir.path().to_owned()), "prod").unwrap();
    assert_eq!(mode(folder.path()), 0o700);
}

#[test]
fn inline_secrets_stay_out_of_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    let mut state = state();
    state.answers.k3s.token = Some(Secret::Inline("a-token-given-inline".to_owned().into()));
    state.answers.postgres.password = Some(Secret::Env("DB_PASSWORD".into()));
    state.applied = Some(Applied {
        run: "20261124T215440Z-3f2a".into(),
        when: "2026-11-24T21:54:40Z".into(),
        answers: state.answers.clone(),
        marks: None,
    });
    folder.save(&state).unwrap();
    let text = std::fs::read_to_string(folder.path().join("state.json")).unwrap();
    assert!(!text.contains("a-token-given-inline"));
    assert!(text.contains("DB_PASSWORD"));
    assert_eq!(folder.state().unwrap().unwrap().answers.k3s.token, None);
}

#[test]
fn a_state_without_applied_is_carried_over_where_its_last_run_was_done() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    let path = folder.path().join("state.json");
    for (end, carried) in [
        (None, false),
        (Some(End::Failed), false),
        (Some(End::Done), true),
    ] {
        let mut state = state();
        state.last_run.as_mut().unwrap().end = end;
        folder.save(&state).unwrap();
        let mut old: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        old.as_object_mut().unwrap().remove("applied").unwrap();
        std::fs::write(&path, old.to_string()).unwrap();
        let applied = folder.state().unwrap().unwrap().applied;
        assert_eq!(applied.is_some(), carried);
        if let Some(applied) = applied {
            assert_eq!(applied.answers, state.answers);
            assert_eq!(applied.run, state.last_run.unwrap().run);
        }
    }
}

#[test]
fn a_second_run_is_told_who_has_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    let lock = folder.lock().unwrap();
    let error = folder.lock().unwrap_err();
    assert!(matches!(error, StateError::Locked { .. }));
    let expected = format!("process {} since 20", std::process::id());
    assert!(error.to_string().starts_with(&expected), "{error}");
    drop(lock);
    folder.lock().unwrap();
}

#[test]
fn a_lock_removes_what_was_left_unfinished() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    let left = folder.path().join(".unfinished-a1b2");
    std::fs::write(&left, "half").unwrap();
    let _lock = folder.lock().unwrap();
    assert!(!left.exists());
}

#[test]
fn what_cannot_be_understood_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    let whole = {
        folder.save(&state()).unwrap();
        std::fs::read(folder.path().join("state.json")).unwrap()
    };
    let torn = &whole[..whole.len() / 2];
    for bytes in [torn, b"", b"[]", br#"{"schema": 1, "version": "0.1.0"}"#] {
        for name in ["state.json", "secrets.json"] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let (read, saved) = if name == "state.json" {
                (folder.state().map(drop), folder.save(&state()))
            } else {
                (folder.secrets().map(drop), folder.save_secrets(&secrets()))
            };
            for result in [read, saved] {
                let error = result.unwrap_err();
                assert!(matches!(error, StateError::Invalid { .. }), "{error}");
                assert!(error.to_string().contains(name), "{error}");
            }
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }
}

#[test]
fn what_a_newer_version_wrote_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    // With fields of another kind, too.
    let newer = r#"{"schema": 3, "version": "7.0.0", "owner": {"id": "x"}}"#;
    let path = folder.path().join("state.json");
    std::fs::write(&path, newer).unwrap();
    for result in [folder.state().map(drop), folder.save(&state())] {
        let error = result.unwrap_err();
        assert!(
            error.to_string().contains("written by version 7.0.0"),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn an_error_about_secrets_quotes_none() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    let path = folder.path().join("secrets.json");
    let wrong = r#"{"schema": "hunter2", "version": "0.1.0", "token": "hunter2"}"#;
    std::fs::write(&path, wrong).unwrap();
    let error = folder.secrets().unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn only_names_of_clusters_name_folders() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["", "../up", "a/b", ".", "Prod"] {
        let error = Folder::open(Some(dir.path().to_owned()), name).unwrap_err();
        assert!(matches!(error, StateError::Name(_)), "{name}");
    }
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("prod");
    std::fs::create_dir(&theirs).unwrap();
    if std::os::unix::fs::chown(&theirs, Some(12_345), None).is_err() {
        // Without root the owner cannot be changed: a folder that cannot be written is used
        // instead.
        std::fs::set_permissions(&theirs, Permissions::from_mode(0o500)).unwrap();
    }
    let error = Folder::open(Some(dir.path().to_owned()), "prod").unwrap_err();
    assert!(matches!(error, StateError::NotOurs { .. }), "{error}");
}

#[test]
fn logs_of_runs_are_found_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir);
    for run in ["20261124T215440Z-3f2a", "20261101T000000Z-ffff"] {
        std::fs::write(folder.run_log(run), "").unwrap();
    }
    std::fs::write(folder.runs_dir().join("notes.txt"), "").unwrap();
    let logs = folder.run_logs().unwrap();
    let names: Vec<_> = logs.iter().map(|log| log.file_stem().unwrap()).collect();
    assert_eq!(names, ["20261101T000000Z-ffff", "20261124T215440Z-3f2a"]);
}

#[test]
fn owners_differ() {
    let answers = Answers::default();
    let owner = || State::new(&answers).unwrap().owner;
    assert_eq!(owner().len(), 32);
    assert_ne!(owner(), owner());
}
