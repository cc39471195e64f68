//! A server under test: what kind it is, how it is started, and how one speaks to it.

mod probe;
mod server;

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

pub(crate) use crate::target::{
    probe::{Memory, Probe},
    server::Server,
};

/// One server of the comparison, as the command line names it: `NAME=BIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The kind, with `:label` where there are several of it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) binary: PathBuf,
}

/// What kinds of server there are. They differ in a few strings and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Carillon: a user each, in `/notice`.
    Carillon,
    /// The example server on stock socketioxide: everyone in `/`.
    Stock,
    /// The example server that does a bare `write(2)` for each socket.
    Floor,
}

/// Where a started server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) public: SocketAddr,
    pub(crate) publish: SocketAddr,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, binary) = text.split_once('=').ok_or("write it as NAME=BIN")?;
        let kind = match name.split(':').next() {
            Some("carillon") => Kind::Carillon,
            Some("stock") => Kind::Stock,
            Some("floor") => Kind::Floor,
            _ => return Err("the name begins with carillon, stock or floor".to_owned()),
        };
        if binary.is_empty() {
            return Err("the path of the binary is missing".to_owned());
        }
        Ok(Self { name: name.to_owned(), kind, binary: binary.into() })
    }
}

impl Kind {
    /// Arguments and environment that make the server listen where it should and admit the swarm.
    fn start(self, at: Addresses) -> (Vec<String>, Vec<(&'static str, String)>) {
        let public = at.public.to_string();
        let publish = at.publish.to_string();
        match self {
            Self::Stock | Self::Floor => (vec![public, publish], Vec::new()),
            Self::Carillon => (
                vec!["serve".to_owned()],
                vec![
                    ("CARILLON_PUBLIC__ADDR", public),
                    ("CARILLON_INTERNAL__ADDR", publish),
                    // The swarm comes all at once, which is what this limit is there to slow down.
                    ("CARILLON_LIMITS__ACCEPTS_PER_SECOND", "100000".to_owned()),
                ],
            ),
        }
    }

    /// What the client says once the Engine.IO session is open.
    pub(crate) fn connect_packet(self, user: usize) -> String {
        match self {
            Self::Carillon => format!(r#"40/notice,{{"user":"{user}"}}"#),
            Self::Stock | Self::Floor => "40".to_owned(),
        }
    }

    /// Path and body of a request that sends `data` (JSON) to every socket.
    pub(crate) fn publish(self, data: &str) -> (&'static str, String) {
        match self {
            Self::Carillon => {
                ("/v1/emit", format!(r#"{{"namespace":"/notice","event":"load","data":{data}}}"#))
            }
            Self::Stock | Self::Floor => ("/emit", data.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_kind_an_optional_label_and_a_path() {
        let target: Target = "carillon:old=/tmp/a=b".parse().unwrap();
        assert_eq!(target.kind, Kind::Carillon);
        assert_eq!(target.name, "carillon:old");
        assert_eq!(target.binary, PathBuf::from("/tmp/a=b"));
    }

    #[test]
    fn a_target_of_no_known_kind_or_without_a_path_is_refused() {
        assert!("nginx=/usr/sbin/nginx".parse::<Target>().is_err());
        assert!("stock=".parse::<Target>().is_err());
        assert!("stock".parse::<Target>().is_err());
    }
}
