//! Who sent a request, as far as an address and a user agent tell.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, USER_AGENT};
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

    /// Whether every address of its kind is in it.
    #[must_use]
    pub const fn is_everyone(&self) -> bool {
        self.prefix == 0
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address or a network such as 10.0.0.0/8");
        let (base, prefix) = text.split_once('/').map_or((text.as_str(), None), |(base, prefix)| (base, Some(prefix)));
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        if base.to_canonical() != base {
            return Err(format!("`{text}` is an IPv4 network written as IPv6: write it as 10.0.0.0/8"));
        }
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
        let forwarded = request.headers().get_all("x-forwarded-for").map(HeaderValue::as_bytes);
        let trusted = request.app_data::<web::Data<EdgeSettings>>().map(|edge| edge.trusted_proxies.as_slice());
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let address = client_address(peer, forwarded, trusted.unwrap_or_default());
        ready(Ok(Self { address, user_agent }))
    }
}

/// Walks the chain of `X-Forwarded-For`, a header or several, from the right for as long as trusted proxies speak. What cannot be
/// read ends the walk: what stands before it was written by somebody else.
fn client_address<'a>(peer: IpAddr, forwarded: impl Iterator<Item = &'a [u8]>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    if !is_trusted(address) {
        return address;
    }
    let hops: Vec<&[u8]> = forwarded.flat_map(|line| line.split(|byte| *byte == b',')).collect();
    for hop in hops.into_iter().rev() {
        let Some(named) = hop_address(hop) else { break };
        address = named.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    address
}

/// The address of a hop. Some proxies put it in brackets, and some write the port behind it.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(bracketed).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

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
    fn a_network_has_one_spelling_and_may_be_everyone() {
        assert!(Network::try_from("::ffff:10.0.0.0/104".to_owned()).is_err());
        assert!(network("0.0.0.0/0").is_everyone() && network("::/0").is_everyone());
        assert!(!network("10.0.0.0/8").is_everyone() && !network("::1").is_everyone());
    }

    /// Where a request came from, sent by `peer` with these headers, when 10.0.0.0/8 and fd00::/8 are proxies.
    fn seen(peer: &str, headers: &[(&'static str, &[u8])]) -> IpAddr {
        let mut request = TestRequest::default().peer_addr(SocketAddr::new(ip(peer), 50_000));
        let origin = crate::server::Origin::try_from("https://id.example".to_owned()).expect("an origin");
        request = request.app_data(web::Data::new(EdgeSettings {
            origin,
            allowed_origins: vec![],
            allow_loopback_origins: false,
            trusted_proxies: vec![network("10.0.0.0/8"), network("fd00::/8")],
            callers_are_ours: false,
        }));
        for (name, value) in headers {
            request = request.append_header((*name, HeaderValue::from_bytes(value).expect("a value")));
        }
        let request = request.to_http_request();
        Caller::from_request(&request, &mut Payload::None).into_inner().expect("a caller").address
    }

    fn chain(peer: &str, line: &str) -> IpAddr {
        seen(peer, &[("x-forwarded-for", line.as_bytes())])
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        assert_eq!(chain("203.0.113.9", "1.1.1.1"), ip("203.0.113.9"));
        assert_eq!(chain("2001:db8::9", "1.1.1.1"), ip("2001:db8::9"));
        assert_eq!(chain("10.0.0.1", "203.0.113.9"), ip("203.0.113.9"));
        assert_eq!(chain("::ffff:10.0.0.1", "203.0.113.9"), ip("203.0.113.9"));
    }

    #[test]
    fn the_right_most_hop_that_is_no_proxy_is_the_caller() {
        assert_eq!(chain("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2"), ip("203.0.113.9"));
        assert_eq!(chain("10.0.0.1", "6.6.6.6,2001:db8::9 , fd00::2"), ip("2001:db8::9"));
        assert_eq!(chain("fd00::1", "10.0.0.3, ::ffff:10.0.0.2"), ip("10.0.0.3"));
        let lines = [("x-forwarded-for", b"6.6.6.6".as_slice()), ("x-forwarded-for", b"203.0.113.9")];
        assert_eq!(seen("10.0.0.1", &lines), ip("203.0.113.9"));
    }

    #[test]
    fn a_hop_may_have_a_port_or_brackets() {
        assert_eq!(chain("10.0.0.1", "203.0.113.9:4711"), ip("203.0.113.9"));
        assert_eq!(chain("10.0.0.1", "[2001:db8::9]:4711"), ip("2001:db8::9"));
        assert_eq!(chain("10.0.0.1", "[2001:db8::9]"), ip("2001:db8::9"));
    }

    #[test]
    fn what_cannot_be_read_hides_what_stands_before_it() {
        for line in ["6.6.6.6, unknown", "6.6.6.6, ", "6.6.6.6, 300.1.1.1", "6.6.6.6, [::1", "6.6.6.6, _secret"] {
            assert_eq!(chain("10.0.0.1", line), ip("10.0.0.1"), "{line}");
            assert_eq!(chain("10.0.0.1", &format!("{line}, 10.0.0.2")), ip("10.0.0.2"), "{line}");
        }
        let lines = [("x-forwarded-for", b"6.6.6.6".as_slice()), ("x-forwarded-for", b"\xff, 203.0.113.9, 10.0.0.2")];
        assert_eq!(seen("10.0.0.1", &lines), ip("203.0.113.9"));
        let lines = [("x-forwarded-for", b"6.6.6.6".as_slice()), ("x-forwarded-for", b"\xff")];
        assert_eq!(seen("10.0.0.1", &lines), ip("10.0.0.1"));
    }

    #[test]
    fn other_headers_are_not_believed_from_anybody() {
        for name in ["forwarded", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"] {
            assert_eq!(seen("10.0.0.1", &[(name, b"6.6.6.6")]), ip("10.0.0.1"), "{name}");
        }
        assert_eq!(seen("10.0.0.1", &[("forwarded", b"for=6.6.6.6")]), ip("10.0.0.1"));
    }

    #[test]
    fn one_subscriber_is_counted_once() {
        let caller = |address| Caller { address: ip(address), user_agent: None }.counted_as();
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::ffff"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:1.2.3.4"), ip("1.2.3.4"));
    }
}
