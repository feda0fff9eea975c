//! HTTPS over a stream that someone else opened, such as a relay through a host. Nothing here waits
//! by a clock: the stream gives up by itself when nothing comes.
//!
//! * [`tls`]: to a server that one authority alone vouches for
//! * [`http`]: one question after another on a connection

pub(crate) mod http;
pub(crate) mod tls;
