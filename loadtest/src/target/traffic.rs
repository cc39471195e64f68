//! What one process received from one port, as the kernel counts it for each TCP connection.

use std::{net::SocketAddr, process::Command};

use crate::failure::Failure;

/// Bytes that process `id` has received over its open connections to `from`.
pub(crate) fn bytes_received(id: u32, from: SocketAddr) -> Result<u64, Failure> {
    let filter = format!("dport = :{}", from.port());
    let output = Command::new("ss").args(["-tinpH", &filter]).output().map_err(Failure::Traffic)?;
    Ok(sum(&String::from_utf8_lossy(&output.stdout), id))
}

/// Each connection is a line that names its process, and a line of figures.
fn sum(said: &str, id: u32) -> u64 {
    let process = format!("pid={id},");
    let (mut is_ours, mut bytes) = (false, 0);
    for line in said.lines() {
        if !line.starts_with(char::is_whitespace) {
            is_ours = line.contains(&process);
        }
        let figures = line.split_ascii_whitespace();
        let received = figures.filter_map(|figure| figure.strip_prefix("bytes_received:"));
        let received: u64 = received.filter_map(|text| text.parse::<u64>().ok()).sum();
        bytes += if is_ours { received } else { 0 };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_connections_of_the_process_count() {
        let said = "ESTAB 0 0 127.0.0.1:1 127.0.0.1:9 users:((\"a\",pid=42,fd=9))\n\
                    \t cubic rto:204 bytes_sent:7 bytes_received:100 segs_out:3\n\
                    ESTAB 0 0 127.0.0.1:2 127.0.0.1:9 users:((\"b\",pid=421,fd=9))\n\
                    \t cubic bytes_received:1000\n\
                    ESTAB 0 0 127.0.0.1:3 127.0.0.1:9 users:((\"a\",pid=42,fd=10))\n\
                    \t cubic bytes_sent:8 bytes_received:11\n";
        assert_eq!(sum(said, 42), 111);
        assert_eq!(sum(said, 7), 0);
    }
}
