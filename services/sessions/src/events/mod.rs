//! What this context says to others, and what it hears of them.

pub mod consumed;
pub mod published;
