//! Typed texts that cannot be parsed.

use std::collections::BTreeMap;

use super::binding::ParseError;
use super::form::Form;
use super::key_of;
use crate::answers::Problem;

/// Texts by host and key, each with the reason. They are not part of the answers, but stay in their
/// fields until the operator fixes them.
#[derive(Clone, Debug, Default)]
pub struct InvalidInput(BTreeMap<(Option<usize>, &'static str), (String, String)>);

impl InvalidInput {
    pub fn replace(&mut self, host: Option<usize>, form: &Form, with: &[ParseError]) {
        for field in &form.fields {
            self.0.remove(&(host, field.key));
        }
        for error in with {
            let value = (error.text.clone(), error.message.clone());
            self.0.insert((host, error.key), value);
        }
    }

    pub fn put_back(&self, host: Option<usize>, form: &mut Form) {
        for field in &mut form.fields {
            if let Some((text, _)) = self.0.get(&(host, field.key)) {
                field.set(text);
            }
        }
    }

    pub fn problems(&self) -> Vec<Problem> {
        let problem =
            |(&(host, key), (_, message)): (&(Option<usize>, &str), &(String, String))| Problem {
                at: None,
                key: key_of(host, key),
                message: message.clone(),
            };
        self.0.iter().map(problem).collect()
    }

    pub fn remove_host(&mut self, place: usize) {
        self.move_hosts(|host| match host {
            host if host == place => None,
            host if host > place => Some(host - 1),
            host => Some(host),
        });
    }

    pub fn swap_hosts(&mut self, one: usize, other: usize) {
        self.move_hosts(|host| match host {
            host if host == one => Some(other),
            host if host == other => Some(one),
            host => Some(host),
        });
    }

    fn move_hosts(&mut self, to: impl Fn(usize) -> Option<usize>) {
        let all = std::mem::take(&mut self.0).into_iter();
        self.0 = all
            .filter_map(|((host, key), value)| match host {
                None => Some(((None, key), value)),
                Some(host) => Some(((Some(to(host)?), key), value)),
            })
            .collect();
    }
}
