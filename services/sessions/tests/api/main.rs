//! The client API and the accounts API's session routes as their callers see them. One binary; a file for each path.

#[cfg(test)]
mod account_sessions;
#[cfg(test)]
mod client;
#[cfg(test)]
mod client_sessions;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod me;
#[cfg(test)]
mod support;
#[cfg(test)]
mod version;
