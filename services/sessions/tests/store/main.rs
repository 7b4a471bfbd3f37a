//! What must hold in whatever order things reach the store. One binary; a file for each rule.

#[cfg(test)]
mod cuts;
#[cfg(test)]
mod support;
