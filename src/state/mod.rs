//! What is remembered on the jump host.
