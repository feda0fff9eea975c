//! What will be done: phases made of steps, a pure function of answers, facts and certificates.

mod outline;

pub use outline::{Outline, OutlinePhase, OutlineStep, StepId};
