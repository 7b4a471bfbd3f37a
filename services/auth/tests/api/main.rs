//! The accounts and identity APIs as their callers see them. One binary; a file for each path.

#[cfg(test)]
mod account_events;
#[cfg(test)]
mod address_limits;
#[cfg(test)]
mod email_verification;
#[cfg(test)]
mod login;
#[cfg(test)]
mod password;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod sign_up;
#[cfg(test)]
mod support;
