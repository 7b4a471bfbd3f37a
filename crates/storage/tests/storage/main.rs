//! What the stores build on, on both engines.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod address_limits;
#[cfg(test)]
mod cancellation;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod files;
#[cfg(test)]
mod lent;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod redis_server;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod values;
#[cfg(test)]
mod wake_ups;
