//! Who sent a request, as far as an address and a user agent tell.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Deserialize;

use super::EdgeSettings;

/// A range of addresses, written `10.0.0.0/8` or as one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    base: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether `address` is in it. An IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= self.prefix
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address or a network such as 10.0.0.0/8");
        let (base, prefix) = text.split_once('/').map_or((text.as_str(), None), |(base, prefix)| (base, Some(prefix)));
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| wrong())?;
        if prefix > longest { Err(wrong()) } else { Ok(Self { base, prefix }) }
    }
}

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address: the peer's, or what trusted proxies say stood before them.
    pub address: IpAddr,
    /// The `User-Agent` header, if it is text.
    pub user_agent: Option<String>,
}

impl Caller {
    /// The key under which a caller is counted: IPv6 by its /64, which one subscriber has whole.
    #[must_use]
    pub fn counted_as(&self) -> IpAddr {
        match self.address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
            v4 @ IpAddr::V4(_) => v4,
        }
    }
}

impl FromRequest for Caller {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = request.peer_addr().map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let trusted = request.app_data::<web::Data<EdgeSettings>>().map(|edge| edge.trusted_proxies.as_slice());
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let address = client_address(peer, forwarded, trusted.unwrap_or_default());
        ready(Ok(Self { address, user_agent }))
    }
}

/// Walks the chain of `X-Forwarded-For` from the right for as long as trusted proxies speak. What cannot be read ends the walk.
fn client_address<'a>(peer: IpAddr, forwarded: impl Iterator<Item = &'a str>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    if !is_trusted(address) {
        return address;
    }
    let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        let Ok(named) = hop.parse::<IpAddr>() else { break };
        address = named.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.to_owned().try_into().expect("a network")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn networks_contain_by_prefix() {
        assert!(network("10.0.0.0/8").contains(ip("10.200.0.1")));
        assert!(network("10.0.0.0/8").contains(ip("::ffff:10.200.0.1")));
        assert!(!network("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(network("0.0.0.0/0").contains(ip("1.2.3.4")));
        assert!(network("127.0.0.1").contains(ip("127.0.0.1")));
        assert!(!network("fe80::/10").contains(ip("10.0.0.1")));
        assert!(Network::try_from("10.0.0.0/33".to_owned()).is_err());
        assert!(Network::try_from("proxy.local".to_owned()).is_err());
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let trusted = [network("10.0.0.0/8")];
        let chain = |peer, line| client_address(ip(peer), std::iter::once(line), &trusted);
        assert_eq!(chain("203.0.113.9", "1.1.1.1"), ip("203.0.113.9"));
        assert_eq!(chain("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2"), ip("203.0.113.9"));
        assert_eq!(chain("10.0.0.1", "6.6.6.6, unknown"), ip("10.0.0.1"));
    }

    #[test]
    fn one_subscriber_is_counted_once() {
        let caller = |address| Caller { address: ip(address), user_agent: None }.counted_as();
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::ffff"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:1.2.3.4"), ip("1.2.3.4"));
    }
}
