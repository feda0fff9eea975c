//! A password that several hosts share is tested on one of them first: a wrong one counts towards a
//! lock-out on every host that it is sent to.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Cancel, RemoteError};
use crate::secrets::SecretText;

/// The results of passwords, in a run or in a process. A clone shares it.
#[derive(Debug, Clone, Default)]
pub struct Trials(Arc<SharedTrials>);

#[derive(Debug, Default)]
struct SharedTrials {
    passwords: Mutex<Vec<TriedPassword>>,
    changed: Condvar,
    /// The user whose password sudo asks for, by login and host.
    whose: Mutex<BTreeMap<String, String>>,
}

#[derive(Debug)]
struct TriedPassword {
    purpose: PasswordPurpose,
    password: SecretText,
    state: PasswordState,
}

#[derive(Debug)]
enum PasswordState {
    /// A test is in progress.
    Tried,
    Right,
    Wrong {
        host: String,
    },
}

/// The same text may be right for one purpose and wrong for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPurpose {
    Login,
    Sudo,
}

/// What may be done with a password.
pub enum Turn<'a> {
    /// It may be sent, and its result must be reported.
    Try(Trial<'a>),
    /// It was wrong on this host: it is sent to no other.
    WrongOn(String),
}

/// A password that is being tested. Dropped without a result, it is untested again.
pub struct Trial<'a> {
    trials: &'a Trials,
    host: &'a str,
    purpose: PasswordPurpose,
    password: &'a SecretText,
}

impl Trials {
    /// Waits for as long as another host tries the same password.
    pub fn turn<'a>(
        &'a self,
        host: &'a str,
        purpose: PasswordPurpose,
        password: &'a SecretText,
        cancel: &Cancel,
    ) -> Result<Turn<'a>, RemoteError> {
        let mut passwords = self
            .0
            .passwords
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            let known = passwords.iter().find(|entry| entry.is(purpose, password));
            match known.map(|entry| &entry.state) {
                None => {
                    passwords.push(TriedPassword {
                        purpose,
                        password: password.clone(),
                        state: PasswordState::Tried,
                    });
                    break;
                }
                Some(PasswordState::Right) => break,
                Some(PasswordState::Wrong { host }) => return Ok(Turn::WrongOn(host.clone())),
                Some(PasswordState::Tried) if cancel.is_cancelled() => {
                    let host = host.to_owned();
                    return Err(RemoteError::Cancelled { host });
                }
                Some(PasswordState::Tried) => {
                    let tick = Duration::from_millis(50);
                    let waited = self.0.changed.wait_timeout(passwords, tick);
                    passwords = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        Ok(Turn::Try(Trial {
            trials: self,
            host,
            purpose,
            password,
        }))
    }
}

impl Trials {
    /// Forgets wrong passwords at the operator's request: this one, or all.
    pub fn forgive(&self, password: Option<&SecretText>) {
        let mut passwords = self
            .0
            .passwords
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        passwords.retain(|entry| {
            let meant = password.is_none_or(|password| entry.password == *password);
            !(meant && matches!(entry.state, PasswordState::Wrong { .. }))
        });
    }

    /// The user whose password sudo asked for at a login.
    pub(super) fn whose(&self, login: &str) -> Option<String> {
        let whose = self.0.whose.lock();
        let whose = whose.unwrap_or_else(PoisonError::into_inner);
        whose.get(login).cloned()
    }

    pub(super) fn asks_for(&self, login: &str, whose: &str) {
        let known = self.0.whose.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(login.to_owned(), whose.to_owned());
    }
}

impl TriedPassword {
    fn is(&self, purpose: PasswordPurpose, password: &SecretText) -> bool {
        self.purpose == purpose && self.password == *password
    }
}

impl Trial<'_> {
    pub fn was_right(self) {
        self.settle(Some(PasswordState::Right));
    }

    pub fn was_wrong(self) {
        let host = self.host.to_owned();
        self.settle(Some(PasswordState::Wrong { host }));
    }

    fn settle(&self, state: Option<PasswordState>) {
        let shared = &self.trials.0;
        let mut passwords = shared
            .passwords
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let at = passwords
            .iter()
            .position(|entry| entry.is(self.purpose, self.password));
        if let Some(at) = at {
            match (&passwords[at].state, state) {
                // It may be right on one host only: then wrong wins.
                (PasswordState::Wrong { .. }, _) | (PasswordState::Right, None) => {}
                (_, Some(state)) => passwords[at].state = state,
                // The next one tries it.
                (PasswordState::Tried, None) => {
                    passwords.swap_remove(at);
                }
            }
        }
        shared.changed.notify_all();
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.settle(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn secret(text: &str) -> SecretText {
        text.to_owned().into()
    }

    /// Ten hosts with one password, all at once; the first ones lose their connections. Returns how
    /// many received it, and how many learned where it was wrong.
    fn ten_hosts(lost: usize, right: bool) -> (usize, usize) {
        let trials = Trials::default();
        let (sent, at_once, told) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let password = secret("p");
        std::thread::scope(|scope| {
            for number in 0..10 {
                let (trials, password) = (trials.clone(), &password);
                let (sent, at_once, told) = (&sent, &at_once, &told);
                scope.spawn(move || {
                    let host = format!("host-{number}");
                    let cancel = Cancel::new().unwrap();
                    let turn = trials.turn(&host, PasswordPurpose::Sudo, password, &cancel);
                    let trial = match turn.unwrap() {
                        Turn::Try(trial) => trial,
                        Turn::WrongOn(host) => {
                            assert!(host.starts_with("host-"));
                            told.fetch_add(1, Ordering::SeqCst);
                            return;
                        }
                    };
                    let before = sent.fetch_add(1, Ordering::SeqCst);
                    let proven = right && before > lost;
                    assert!(at_once.fetch_add(1, Ordering::SeqCst) == 0 || proven);
                    std::thread::sleep(Duration::from_millis(20));
                    at_once.fetch_sub(1, Ordering::SeqCst);
                    match before {
                        before if before < lost => drop(trial),
                        _ if right => trial.was_right(),
                        _ => trial.was_wrong(),
                    }
                });
            }
        });
        (sent.into_inner(), told.into_inner())
    }

    #[test]
    fn one_host_proves_a_password_for_all() {
        assert_eq!(ten_hosts(0, true), (10, 0));
        assert_eq!(ten_hosts(2, true), (10, 0));
    }

    #[test]
    fn a_wrong_password_is_sent_to_one_host() {
        assert_eq!(ten_hosts(0, false), (1, 9));
        assert_eq!(ten_hosts(3, false), (4, 6));
    }

    #[test]
    fn another_password_or_another_purpose_is_another_trial() {
        let trials = Trials::default();
        let (one, other) = (secret("one"), secret("other"));
        let cancel = Cancel::new().unwrap();
        let turn = |host, purpose, password| trials.turn(host, purpose, password, &cancel).unwrap();
        let Turn::Try(trial) = turn("a", PasswordPurpose::Login, &one) else {
            panic!("it has not been tried");
        };
        assert!(matches!(
            turn("b", PasswordPurpose::Login, &other),
            Turn::Try(_)
        ));
        assert!(matches!(
            turn("b", PasswordPurpose::Sudo, &one),
            Turn::Try(_)
        ));
        trial.was_wrong();
        let Turn::WrongOn(host) = turn("b", PasswordPurpose::Login, &one) else {
            panic!("it is known to be wrong");
        };
        assert_eq!(host, "a");
        assert!(matches!(
            turn("b", PasswordPurpose::Sudo, &one),
            Turn::Try(_)
        ));
    }

    #[test]
    fn a_wrong_password_is_tried_again_on_somebodys_word_alone() {
        let trials = Trials::default();
        let (wrong, other) = (secret("wrong"), secret("other"));
        let cancel = Cancel::new().unwrap();
        let turn = |password| {
            trials
                .turn("a", PasswordPurpose::Sudo, password, &cancel)
                .unwrap()
        };
        for password in [&wrong, &other] {
            let Turn::Try(trial) = turn(password) else {
                panic!("it has not been tried");
            };
            trial.was_wrong();
        }
        trials.forgive(Some(&wrong));
        assert!(matches!(turn(&wrong), Turn::Try(_)));
        assert!(matches!(turn(&other), Turn::WrongOn(_)));
        trials.forgive(None);
        assert!(matches!(turn(&other), Turn::Try(_)));
    }

    #[test]
    fn who_waits_can_be_cancelled() {
        let trials = Trials::default();
        let password = secret("p");
        let cancel = Cancel::new().unwrap();
        let turn = |host| trials.turn(host, PasswordPurpose::Login, &password, &cancel);
        let first = turn("a").unwrap();
        cancel.cancel();
        assert!(matches!(turn("b"), Err(RemoteError::Cancelled { .. })));
        drop(first);
        assert!(turn("b").is_ok());
    }
}
