//! The fuzz target of this room.

use super::login;
use crate::fuzz::Says;
use crate::secrets::SecretText;

/// A Postgres that says these bytes: it has never proved that it knows the password.
pub(crate) fn postgres(bytes: &[u8]) {
    let _ = login::ask_for_tls(&mut Says(bytes));
    let password = SecretText::from("the password of the datastore");
    let session = login::log_in(&mut Says(bytes), "kubernetes", "k3s", &password);
    assert!(!session.is_ok_and(|session| session.password_asked));
}
