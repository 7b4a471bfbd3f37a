//! What every process shows at its edge.

#![cfg(test)]

mod accidents;
mod tls;
