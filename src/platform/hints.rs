//! What is printed when something fails, and what it means on a family of distributions. The signs
//! that are the same everywhere are `engine::hints`.

/// Something that is printed, and what it means.
#[derive(Debug)]
pub struct Sign {
    /// What the step's name begins with. Empty: any step.
    pub at: &'static str,
    /// Everything that must stand in one line.
    pub says: &'static [&'static str],
    /// What it means and what to do: a sentence or two. Commands are for root on the step's host,
    /// unless they say another one.
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
    /// What names a cause.
    pub causes: &'static [Sign],
    /// What is only seen of it.
    pub symptoms: &'static [Sign],
    /// Where to look, by step, when nothing that was printed says more.
    pub general: &'static [Sign],
}
