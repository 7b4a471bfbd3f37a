//! The contexts' traits over HTTP: the same answers as in one process, and what both sides do when something is wrong.

#[cfg(test)]
mod support;

#[cfg(test)]
mod caller;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod door;
#[cfg(test)]
mod log;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod remote_keys;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod verify;
