//! What the screens are for: the wizard, or a recorded run.

use super::replay::ReplaySession;
use super::wizard::WizardSession;

#[derive(Debug)]
pub enum Mode {
    Wizard(Box<WizardSession>),
    Replay(ReplaySession),
}

impl Mode {
    pub fn wizard(&self) -> Option<&WizardSession> {
        match self {
            Self::Wizard(wizard) => Some(wizard),
            Self::Replay(_) => None,
        }
    }

    pub fn wizard_mut(&mut self) -> Option<&mut WizardSession> {
        match self {
            Self::Wizard(wizard) => Some(wizard),
            Self::Replay(_) => None,
        }
    }

    pub fn replay(&self) -> Option<&ReplaySession> {
        match self {
            Self::Wizard(_) => None,
            Self::Replay(replay) => Some(replay),
        }
    }

    pub fn replay_mut(&mut self) -> Option<&mut ReplaySession> {
        match self {
            Self::Wizard(_) => None,
            Self::Replay(replay) => Some(replay),
        }
    }
}
