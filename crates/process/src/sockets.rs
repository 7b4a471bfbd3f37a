//! Binding addresses, with messages that name the setting.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, bail};

/// Binds an address; a loopback one for both IP versions, for `localhost` may mean either. `setting` is the port's.
///
/// # Errors
/// When the port is taken or the address cannot be listened on.
pub fn bind(address: IpAddr, port: u16, setting: &str) -> anyhow::Result<Vec<TcpListener>> {
    let first = match TcpListener::bind(SocketAddr::new(address, port)) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken: stop what uses it, or set `{setting}` to another one")
        }
        bound => bound.with_context(|| format!("{address}:{port} cannot be listened on (setting `bind`)"))?,
    };
    let mut sockets = vec![first];
    if address.is_loopback() && address.is_ipv4() {
        // A machine without IPv6 is served by IPv4 alone.
        sockets.extend(TcpListener::bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)));
    }
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    Ok(sockets)
}
