//! Frontends without an operator: what they print is for people, or for programs.

pub mod printed;
