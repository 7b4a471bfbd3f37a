//! What every process shows at its edge.

#![cfg(test)]

mod accidents;
mod cors;
mod stop;
mod tls;
