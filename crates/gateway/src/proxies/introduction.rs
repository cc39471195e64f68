//! The header of the PROXY protocol, version 1 or 2, by which a proxy begins a connection: read to its last byte
//! and no further, since TLS or HTTP follows.

use std::{io, net::IpAddr};

use proxy_header::{ParseConfig, ProxyHeader};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::{Duration, timeout},
};

/// How version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, what the header says of itself, and its length.
const FIXED_LEN: usize = 16;
/// The longest line of version 1, with its end.
const LINE_LEN_MAX: usize = 107;
/// What may follow the addresses is of no use here; a proxy that says more than this means something else.
const BYTES_MAX: usize = 1024;

/// A proxy did not say whom it speaks for.
#[derive(Debug, Error)]
pub(crate) enum NotIntroduced {
    #[error("read the PROXY header")]
    Io(#[from] io::Error),
    #[error("read the PROXY header: it is none")]
    Malformed,
    #[error("read the PROXY header: it is longer than {BYTES_MAX} bytes")]
    TooLong,
    #[error("read the PROXY header: none came in time")]
    Late,
}

/// Whom the proxy speaks for; `None`: for itself, as when it looks whether the node lives.
pub(crate) async fn introduced(
    stream: &mut (impl AsyncRead + Unpin),
    within: Duration,
) -> Result<Option<IpAddr>, NotIntroduced> {
    let header = timeout(within, read(stream)).await.map_err(|_elapsed| NotIntroduced::Late)??;
    client(&header)
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, NotIntroduced> {
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        header.resize(FIXED_LEN, 0);
        stream.read_exact(&mut header[SIGNATURE.len()..]).await?;
        let rest = u16::from_be_bytes([header[FIXED_LEN - 2], header[FIXED_LEN - 1]]);
        let len = FIXED_LEN + usize::from(rest);
        if len > BYTES_MAX {
            return Err(NotIntroduced::TooLong);
        }
        header.resize(len, 0);
        stream.read_exact(&mut header[FIXED_LEN..]).await?;
        return Ok(header);
    }
    if !header.starts_with(b"PROXY ") {
        return Err(NotIntroduced::Malformed);
    }
    while !header.ends_with(b"\n") {
        if header.len() == LINE_LEN_MAX {
            return Err(NotIntroduced::Malformed);
        }
        header.push(stream.read_u8().await?);
    }
    Ok(header)
}

/// The same of bytes that are all here, for the fuzzer.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn introduced_by(mut bytes: &[u8]) -> Result<Option<IpAddr>, NotIntroduced> {
    use futures_util::FutureExt as _;
    let header = read(&mut bytes).now_or_never().expect("nothing is waited for")?;
    client(&header)
}

/// What one whole header says.
fn client(header: &[u8]) -> Result<Option<IpAddr>, NotIntroduced> {
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    match ProxyHeader::parse(header, config) {
        Ok((said, len)) if len == header.len() => {
            Ok(said.proxied_address().map(|address| address.source.ip().to_canonical()))
        }
        Ok(_) | Err(_) => Err(NotIntroduced::Malformed),
    }
}

#[cfg(test)]
mod tests {
    //! Whom a header names, and that nothing behind it is touched.

    use super::*;

    const V2: &[u8] =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x12\x34\x00\x50";
    const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

    /// Whom it names, and what is left to be read.
    async fn heard(bytes: &[u8]) -> Result<(Option<String>, Vec<u8>), NotIntroduced> {
        let mut stream = bytes;
        let client = introduced(&mut stream, Duration::from_secs(1)).await?;
        Ok((client.map(|client| client.to_string()), stream.to_vec()))
    }

    async fn named(bytes: &[u8]) -> Option<String> {
        let (client, rest) = heard(&[bytes, b"GET / HTTP/1.1"].concat()).await.unwrap();
        assert_eq!(rest, b"GET / HTTP/1.1");
        client
    }

    #[tokio::test]
    async fn either_version_names_the_client_and_what_follows_is_left() {
        let line = b"PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\r\n";
        assert_eq!(named(line).await.as_deref(), Some("192.0.2.7"));
        assert_eq!(named(V2).await.as_deref(), Some("192.0.2.7"));
        let line = b"PROXY TCP6 2001:470::1 ::1 4660 80\r\n";
        assert_eq!(named(line).await.as_deref(), Some("2001:470::1"));
    }

    #[tokio::test]
    async fn a_proxy_may_speak_for_itself() {
        assert_eq!(named(LOCAL).await, None);
        assert_eq!(named(b"PROXY UNKNOWN\r\n").await, None);
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let long = [&b"PROXY TCP4 "[..], &[b'1'; 200], b"\r\n"].concat();
        for bad in [
            &b"GET /socket.io/ HTTP/1.1\r\n\r\n"[..],
            b"PROXY TCP4 192.0.2 127.0.0.1 4660 80\r\n",
            b"PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\n",
            b"PROXY UDP4 192.0.2.7 127.0.0.1 4660 80\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x12\x34\x00\x50",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x02\xc0\x00",
            &long,
        ] {
            let heard = heard(bad).await;
            assert!(matches!(heard, Err(NotIntroduced::Malformed)), "{bad:?}: {heard:?}");
        }
        let heard = heard(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff").await;
        assert!(matches!(heard, Err(NotIntroduced::TooLong)), "{heard:?}");
    }

    #[tokio::test]
    async fn who_says_nothing_in_time_or_goes_is_not_introduced() {
        let (mut near, _far) = tokio::io::duplex(64);
        let silent = introduced(&mut near, Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(NotIntroduced::Late)), "{silent:?}");
        let gone = heard(b"PROXY TCP4 192").await;
        assert!(matches!(gone, Err(NotIntroduced::Io(_))), "{gone:?}");
    }
}
