//! The texts of the page that connects to the hosts.

pub const GIVEN: &str = "secret given; retrying in a moment";

pub const CONNECT_WHY: &str = "The wizard connects to all hosts at once and detects their systems.";
pub const CONNECTING: &str = "connecting";
pub const NOT_REACHED: &str = "not reached";
pub const STOPPED: &str = "stopped before it was connected";
pub const TRUSTED: &str = "host key trusted; r: retry";
