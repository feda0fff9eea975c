//! Printed failures and their meaning on a family of distributions. Signs that are the same
//! everywhere are in `engine::hints`.

/// A printed text and its meaning.
#[derive(Debug)]
pub struct Sign {
    /// The prefix of the step's name. Empty: any step.
    pub at: &'static str,
    /// All of these texts must be in one line.
    pub says: &'static [&'static str],
    /// What it means and what to do: one or two sentences. Commands are for root on the step's
    /// host, unless they name another one.
    pub hint: &'static str,
}

pub const fn sign(says: &'static [&'static str], hint: &'static str) -> Sign {
    at("", says, hint)
}

pub const fn at(at: &'static str, says: &'static [&'static str], hint: &'static str) -> Sign {
    Sign { at, says, hint }
}

/// What a family adds: each table goes from the specific to the general.
#[derive(Debug)]
pub struct Hints {
    /// Signs that name a cause.
    pub causes: &'static [Sign],
    /// Signs that are only symptoms.
    pub symptoms: &'static [Sign],
    /// Where to look, by step, when no sign matches.
    pub general: &'static [Sign],
}
