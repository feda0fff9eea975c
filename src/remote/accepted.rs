//! Host keys that were trusted on first use since this process began.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by all connections of a session: a probe stores no key, and the run after it must not
/// trust another one.
#[derive(Debug, Clone, Default)]
pub struct AcceptedKeys(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl AcceptedKeys {
    /// The first key that was accepted from an address: this one, if none was before.
    pub(super) fn first(&self, address: &str, key: &[u8]) -> Vec<u8> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = keys.entry(address.to_owned());
        first.or_insert_with(|| key.to_owned()).clone()
    }
}
