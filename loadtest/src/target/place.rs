//! Where a server is: a binary that is started, or a process that runs already.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Started from this binary, or folder, and ended.
    Path(PathBuf),
    Running(Running),
}

/// Somebody else's process, which is measured and left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) at: Addresses,
    /// Whose CPU and memory are read.
    pub(crate) pid: u32,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) public: SocketAddr,
    pub(crate) publish: SocketAddr,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(',').collect();
        match parts.as_slice() {
            [""] => Err("the path of the binary is missing".to_owned()),
            [public, publish, pid] if public.parse::<SocketAddr>().is_ok() => {
                let at = Addresses { public: loopback(public)?, publish: loopback(publish)? };
                let pid = pid.parse().map_err(|_| "the third part is a process id")?;
                Ok(Self::Running(Running { at, pid }))
            }
            _ => Ok(Self::Path(text.into())),
        }
    }
}

/// Clients come from 127.0.0.0/8, and load is for one's own servers.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let parsed: Option<SocketAddr> = text.parse().ok();
    let address = parsed.filter(|it| it.is_ipv4() && it.ip().is_loopback());
    address.ok_or_else(|| format!("{text} is no 127.x.x.x:PORT"))
}
