//! What this context says to others.

pub mod published;
