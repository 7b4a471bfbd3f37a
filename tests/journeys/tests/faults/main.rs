//! Faults under load over four services, each with what it promises: nothing that was acknowledged is lost, nothing has its effect twice, and
//! it works again soon. Each row prints what it has measured.
//!
//! `TESSERA_FAULT_SEEDS=20` runs more seeds, `TESSERA_FAULT_SEED=7` one. `TESSERA_FAULT_SECONDS=60` lets faults last that last.

#![cfg(test)]

mod broker;
mod cache;
mod database;
mod deliveries;
mod figures;
mod guesses;
mod hold;
mod kills;
mod mail;
mod places;
mod queue;
mod rolling;
mod round;
mod row;
