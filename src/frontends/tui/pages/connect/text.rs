//! What the page of the connections says.

pub const GIVEN: &str = "given; tried again in a moment";

pub const CONNECT_WHY: &str = "Every host is connected to at once, and says what it is.";
pub const CONNECTING: &str = "connecting";
pub const NOT_REACHED: &str = "not reached";
pub const NOT_KNOWN: &str = "not tried to the end";
pub const BELIEVED: &str = "host key believed; r tries again";
