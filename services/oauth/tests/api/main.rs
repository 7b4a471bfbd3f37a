//! The token endpoint and what is published, as their callers see them. One binary; a file for each path.

#[cfg(test)]
mod discovery;
#[cfg(test)]
mod first_party;
#[cfg(test)]
mod jwks;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
