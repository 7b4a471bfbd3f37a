//! Ports of the loopback address.

use std::net::TcpListener;

use rand::RngExt as _;

/// A free port below those that the system gives to outgoing connections, so that it is still free after a restart.
///
/// # Panics
/// When there is none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests that run at the same time must draw different ports")]
pub fn free_port() -> u16 {
    let mut random = rand::rng();
    let is_free = |port: &u16| {
        let here = TcpListener::bind(("127.0.0.1", *port));
        // The gateway listens on both; a machine without IPv6 refuses for another reason than a taken port.
        let there = TcpListener::bind(("::1", *port));
        here.is_ok() && there.map_or_else(|error| error.kind() != std::io::ErrorKind::AddrInUse, |_| true)
    };
    let mut drawn = std::iter::repeat_with(|| random.random_range(15_000..32_000)).take(1000);
    drawn.find(is_free).expect("one of a thousand ports is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_and_is_not_one_that_is_taken() {
        let taken: Vec<TcpListener> =
            (0..50).map(|_| TcpListener::bind(("127.0.0.1", free_port())).expect("free")).collect();
        let mut ports: Vec<u16> = taken.iter().map(|socket| socket.local_addr().expect("bound").port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), taken.len());
    }
}
