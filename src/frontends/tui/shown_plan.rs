//! The plan, to be read before it is carried out.

use crate::events::StepId;
use crate::interview::planned::PlannedStep;
use crate::run::Remaining;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownPlan {
    pub text: String,
    /// How much of it is left, by what the hosts said.
    pub left: Option<Remaining>,
    pub steps: Vec<PlannedStep>,
}

/// What is shown of each step of a plan, besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    #[default]
    None,
    Script,
    Files,
}

impl ShownPlan {
    pub fn step(&self, id: &StepId) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.id == *id)
    }
}

impl Detail {
    /// Shown where it was not, and the other way round.
    pub fn toggle(&mut self, detail: Self) {
        *self = if *self == detail { Self::None } else { detail };
    }
}
