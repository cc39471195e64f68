//! Whom a request is from that came through proxies: their header read from its end, for as long as who wrote an
//! entry is believed.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};

use super::{ForwardedHeader, Proxies};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A trusted proxy wrote something that names nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

/// One entry of the header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hop {
    At(IpAddr),
    /// The proxy does not know, or does not say.
    Hidden,
}

impl Proxies {
    /// The client of a request that `peer` sent: `peer` itself, unless it is believed and names another.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Malformed> {
        let mut client = peer.to_canonical();
        // Several lines are one list (RFC 9110 §5.3).
        let lines = headers.get_all(self.header.name()).iter().rev();
        for entry in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            if !self.trust(client) {
                break;
            }
            match self.header.read(entry)? {
                Hop::At(address) => client = address,
                Hop::Hidden => break,
            }
        }
        Ok(client)
    }
}

impl ForwardedHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => header::FORWARDED,
        }
    }

    fn read(self, entry: &[u8]) -> Result<Hop, Malformed> {
        let entry = std::str::from_utf8(entry).map_err(|_| Malformed)?.trim();
        match self {
            Self::XForwardedFor => node(entry),
            Self::Forwarded => element(entry),
        }
    }
}

/// `for=192.0.2.60;proto=https;by=203.0.113.43` (RFC 7239 §4).
fn element(element: &str) -> Result<Hop, Malformed> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let Some((_, value)) = named.next() else { return Ok(Hop::Hidden) };
    if named.next().is_some() {
        return Err(Malformed);
    }
    let value = value.trim();
    let quoted = value.strip_prefix('"').map(|rest| rest.strip_suffix('"').ok_or(Malformed));
    node(quoted.transpose()?.unwrap_or(value))
}

/// An address, perhaps with a port, `unknown`, or a word of the proxy's own (RFC 7239 §6).
fn node(node: &str) -> Result<Hop, Malformed> {
    if node.eq_ignore_ascii_case("unknown") || node.starts_with('_') {
        return Ok(Hop::Hidden);
    }
    let bare = node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(node);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| node.parse::<SocketAddr>().ok().map(|at| at.ip()));
    address.map(|address| Hop::At(address.to_canonical())).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    //! Whom headers name, and who is believed.

    use super::*;
    use crate::proxies::read_network;

    fn proxies(header: ForwardedHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|net| read_network(net).unwrap());
        Proxies { trusted: trusted.into(), header, introduce: false }
    }

    fn client(peer: &str, lines: &[&'static str]) -> Result<String, Malformed> {
        by(ForwardedHeader::XForwardedFor, peer, "x-forwarded-for", lines)
    }

    fn forwarded(lines: &[&'static str]) -> Result<String, Malformed> {
        by(ForwardedHeader::Forwarded, "10.0.0.1", "forwarded", lines)
    }

    fn by(
        header: ForwardedHeader,
        peer: &str,
        name: &'static str,
        lines: &[&'static str],
    ) -> Result<String, Malformed> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, http::HeaderValue::from_static(line));
        }
        let client = proxies(header).client(peer.parse().unwrap(), &headers);
        client.map(|address| address.to_string())
    }

    #[test]
    fn a_listed_proxy_names_the_client() {
        assert_eq!(client("10.0.0.1", &["192.0.2.7"]).unwrap(), "192.0.2.7");
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"]).unwrap(), "192.0.2.7");
        assert_eq!(client("2001:db8::1", &["192.0.2.7:1234"]).unwrap(), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["2001:470::1"]).unwrap(), "2001:470::1");
        assert_eq!(client("10.0.0.1", &["[2001:470::1]:99"]).unwrap(), "2001:470::1");
    }

    #[test]
    fn nobody_else_does() {
        assert_eq!(client("192.0.2.1", &["192.0.2.7"]).unwrap(), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &["no address"]).unwrap(), "192.0.2.1");
        assert_eq!(client("127.0.0.1", &["192.0.2.7"]).unwrap(), "127.0.0.1");
    }

    #[test]
    fn of_a_chain_the_first_from_its_end_who_is_not_listed_is_the_client() {
        let chain = ["1.1.1.1, 192.0.2.7, 10.9.9.9"];
        assert_eq!(client("10.0.0.1", &chain).unwrap(), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "192.0.2.7", "10.1.1.1"]).unwrap(), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["10.1.1.1, 10.2.2.2"]).unwrap(), "10.1.1.1");
        assert_eq!(client("10.0.0.1", &["rubbish, 192.0.2.7"]).unwrap(), "192.0.2.7");
    }

    #[test]
    fn without_the_header_the_proxy_is_the_client() {
        assert_eq!(client("10.0.0.1", &[]).unwrap(), "10.0.0.1");
        assert_eq!(forwarded(&["proto=https"]).unwrap(), "10.0.0.1");
        assert_eq!(forwarded(&["for=unknown"]).unwrap(), "10.0.0.1");
        assert_eq!(forwarded(&["for=_hidden"]).unwrap(), "10.0.0.1");
    }

    #[test]
    fn the_standards_header_is_read_with_its_quotes_and_other_words() {
        let first = r#"For="[2001:470::1]:4711";proto=https;by=203.0.113.43"#;
        assert_eq!(forwarded(&[first]).unwrap(), "2001:470::1");
        assert_eq!(forwarded(&["for=1.1.1.1, for=192.0.2.60;proto=http"]).unwrap(), "192.0.2.60");
    }

    #[test]
    fn the_other_header_is_not_looked_at() {
        let read = by(ForwardedHeader::Forwarded, "10.0.0.1", "x-forwarded-for", &["192.0.2.7"]);
        assert_eq!(read.unwrap(), "10.0.0.1");
    }

    #[test]
    fn what_a_listed_proxy_writes_and_is_no_address_is_malformed() {
        for bad in ["", "localhost", "192.0.2.7, ", "192.0.2", "1.1.1.1:x", "[::1", "256.0.0.1"] {
            assert_eq!(client("10.0.0.1", &[bad]), Err(Malformed), "{bad}");
        }
        for bad in [r#"for="1.1.1.1"#, "for=1.1.1.1;for=2.2.2.2", "for=", "for=a"] {
            assert_eq!(forwarded(&[bad]), Err(Malformed), "{bad}");
        }
    }
}
