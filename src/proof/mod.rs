//! Checks that must pass, or must fail, to show a claim.
