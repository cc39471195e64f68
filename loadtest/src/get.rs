//! One GET over HTTP on a connection of its own: what a server says of itself.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::answer::Answer;

const WAIT: Duration = Duration::from_secs(2);
/// Longest answer that is read.
const BYTES_MAX: u64 = 4 << 20;

/// The body of a 2xx answer. Anything else is an error.
pub(crate) fn text(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let other = || io::Error::other(format!("GET {path}: no whole answer"));
    let head = Answer::read(&bytes).map_err(|_| other())?.ok_or_else(other)?;
    if !(200..300).contains(&head.status) {
        return Err(io::Error::other(format!("GET {path}: {}", head.status)));
    }
    let end = head.end(&bytes).ok().flatten().ok_or_else(other)?;
    let body = &bytes[head.head_len..end];
    Ok(String::from_utf8_lossy(body).into_owned())
}

/// The highest value of the metric `name` over its labels, in Prometheus's text form.
pub(crate) fn highest(metrics: &str, name: &str) -> Option<f64> {
    let of_name =
        |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let values = metrics.lines().filter(of_name);
    values.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let metrics = "# TYPE lag gauge\nlag_bytes 9\nlag{source=\"a\"} 3\nlag{source=\"b\"} 4\n";
        assert_eq!(highest(metrics, "lag"), Some(4.0));
        assert_eq!(highest(metrics, "la"), None);
    }
}
