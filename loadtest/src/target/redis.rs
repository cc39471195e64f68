//! The Redis between the servers of a pair, and a connection to look at it.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use crate::{
    failure::Failure,
    resp::{self, Reply},
    target::{
        Probe, Process,
        process::{Placing, Recipe},
    },
};

const WAIT: Duration = Duration::from_secs(5);

/// A running redis-server that writes nothing to disk. Dropped, it is killed.
pub(crate) struct Redis {
    process: Process,
    pub(crate) address: SocketAddr,
}

/// A connection that asks one thing at a time.
pub(crate) struct Onlooker {
    stream: TcpStream,
}

// === impl Redis ===

impl Redis {
    /// Starts redis-server from the path on a free port, and returns when it accepts.
    pub(crate) fn start(placing: Placing) -> Result<Self, Failure> {
        let failed = |source| Failure::Start { binary: "redis-server".into(), source };
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
        let address = free.map_err(failed)?;
        let port = address.port().to_string();
        let words = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let recipe = Recipe {
            name: "redis-server".to_owned(),
            program: "redis-server".into(),
            arguments: words.map(Into::into).to_vec(),
            environment: Vec::new(),
        };
        let process = Process::start(recipe, placing)?;
        process.listening(address)?;
        Ok(Self { process, address })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn probe(&self) -> Probe {
        Probe::of(self.process.id())
    }

    pub(crate) fn onlooker(&self) -> Result<Onlooker, Failure> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&self.address, WAIT)?;
            stream.set_read_timeout(Some(WAIT))?;
            stream.set_nodelay(true)?;
            Ok(Onlooker { stream })
        };
        connect().map_err(Failure::Redis)
    }

    /// Asks Redis to stop and waits until it has.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.process.stop()
    }
}

// === impl Onlooker ===

impl Onlooker {
    /// Asks and waits for the answer, which may be an error of Redis's.
    pub(crate) fn ask(&mut self, words: &[&str]) -> Result<Reply, Failure> {
        self.exchange(words).map_err(Failure::Redis)
    }

    /// How many commands it has carried out, those of scripts too.
    pub(crate) fn commands(&mut self) -> Result<f64, Failure> {
        match self.ask(&["INFO", "commandstats"])? {
            Reply::Text(stats) => Ok(calls(&stats)),
            _ => Ok(0.0),
        }
    }

    fn exchange(&mut self, words: &[&str]) -> io::Result<Reply> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.stream.write_all(&resp::command(&words))?;
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let read = self.stream.read(&mut buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&buffer[..read]);
            let reply = Reply::read(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
            if let Some((reply, _)) = reply {
                return Ok(reply);
            }
        }
    }
}

/// Sum of the calls in the answer to `INFO commandstats`.
fn calls(stats: &str) -> f64 {
    let of_line = |line: &str| line.split_once(":calls=")?.1.split(',').next()?.parse::<f64>().ok();
    stats.lines().filter_map(of_line).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_all_commands_are_added_up() {
        let stats = "# Commandstats\r\n\
                     cmdstat_evalsha:calls=21,usec=175,usec_per_call=8.33,rejected_calls=0\r\n\
                     cmdstat_hgetall:calls=20,usec=31,usec_per_call=1.55,rejected_calls=0\r\n";
        assert!((calls(stats) - 41.0).abs() < 1e-9);
    }
}
