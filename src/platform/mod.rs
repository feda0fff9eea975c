//! What a host is: its facts, and what we know of its distribution.
