//! What the screens say at fields, beside what the fields say themselves.

pub const GENERATED: &str = "Generated: 43 letters and digits. Ctrl-R shows it for 5 seconds.";
pub const ONLY_DIGITS: &str = "Only digits go in here.";
