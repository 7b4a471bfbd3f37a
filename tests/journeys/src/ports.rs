//! Ports of the loopback address.

use std::fs::File;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use rand::RngExt as _;

/// The locks on the ports that this process has drawn. They end with it.
static DRAWN: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A free port below those that the system gives to outgoing connections. As long as this process lives no test draws it again, so it is
/// still free when whoever listened on it was stopped and starts again.
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
    let mut ours = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let drawn = drawn.find_map(|port| lock(port).filter(|_| is_free(&port)).map(|lock| (port, lock)));
    let (port, lock) = drawn.expect("one of a thousand ports is free");
    ours.push(lock);
    port
}

/// The lock on a port; `None` if somebody has it.
fn lock(port: u16) -> Option<File> {
    let folder = std::env::temp_dir().join("tessera-test-ports");
    std::fs::create_dir_all(&folder).expect("a folder for locks");
    let lock = File::create(folder.join(port.to_string())).expect("a file to lock");
    lock.try_lock().is_ok().then_some(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_and_is_drawn_once() {
        // Those that nobody listens on are the ones that may be drawn again.
        let mut drawn: Vec<u16> = (0..500).map(|_| free_port()).collect();
        for port in &drawn {
            drop(TcpListener::bind(("127.0.0.1", *port)).expect("free"));
        }
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 500);
    }
}
