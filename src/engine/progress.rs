//! The fold of the events: the state of every phase and step.
