//! A server under test: what kind it is, how it is started, and how one speaks to it.

mod process;

mod npm;
mod pair;
mod redis;
mod server;

mod probe;
mod traffic;

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

pub(crate) use crate::target::{
    pair::Pair,
    probe::{Memory, Probe},
    process::Placing,
    redis::{Onlooker, Redis},
    server::Server,
    traffic::bytes_received,
};
use crate::{
    failure::Failure,
    target::process::{Process, Recipe},
};

/// The room of those who stand still.
const STILL_ROOM: &str = "still";

/// One server of the comparison, as the command line names it: `NAME=BIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The kind, with `:label` where there are several of it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) binary: PathBuf,
    /// More of its environment, as a scenario needs it.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// What kinds of server there are. They differ in a few strings and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Carillon: a user each, in `/notice`.
    Carillon,
    /// The server on Node in `peers/node`: a user each, in `/notice`.
    Node,
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
            Some("node") => Kind::Node,
            Some("stock") => Kind::Stock,
            Some("floor") => Kind::Floor,
            _ => return Err("the name begins with carillon, node, stock or floor".to_owned()),
        };
        if binary.is_empty() {
            return Err("the path of the binary is missing".to_owned());
        }
        Ok(Self { name: name.to_owned(), kind, binary: binary.into(), settings: Vec::new() })
    }
}

impl Target {
    /// Does what must be done once before it can be started.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        match self.kind {
            Kind::Node => npm::install(&self.binary),
            Kind::Carillon | Kind::Stock | Kind::Floor => Ok(()),
        }
    }

    /// The same with settings of the scenario's own. Fails if its kind is not ours, whose settings they are.
    pub(crate) fn set(&self, settings: &[(&'static str, String)]) -> Result<Self, Failure> {
        if self.kind != Kind::Carillon {
            return Err(Failure::NoLimits { target: self.name.clone() });
        }
        Ok(Self { settings: settings.to_vec(), ..self.clone() })
    }

    /// Fails if its kind does not work in pairs.
    pub(crate) fn pairs(&self) -> Result<(), Failure> {
        match self.kind {
            Kind::Carillon | Kind::Node => Ok(()),
            Kind::Stock | Kind::Floor => Err(Failure::NoPair { target: self.name.clone() }),
        }
    }

    /// Fails if its kind has no users.
    pub(crate) fn is_for_users(&self) -> Result<(), Failure> {
        match self.kind {
            Kind::Carillon | Kind::Node | Kind::Floor => Ok(()),
            Kind::Stock => Err(Failure::NoUsers { target: self.name.clone() }),
        }
    }

    /// What makes the server at `path` listen where it should, admit the swarm, and join the
    /// others on `redis`.
    fn recipe(&self, path: &Path, at: Addresses, redis: Option<&str>) -> Recipe {
        let public = at.public.to_string();
        let publish = at.publish.to_string();
        let (mut program, mut environment) = (path.to_owned(), Vec::new());
        let mut arguments: Vec<OsString> = Vec::new();
        match self.kind {
            Kind::Stock | Kind::Floor => arguments.extend([public.into(), publish.into()]),
            Kind::Node => {
                program = "node".into();
                arguments.extend([path.join("server.js").into(), public.into(), publish.into()]);
                arguments.extend(redis.map(Into::into));
            }
            Kind::Carillon => {
                arguments.push("serve".into());
                environment = vec![
                    ("CARILLON_PUBLIC__ADDR", public),
                    ("CARILLON_INTERNAL__ADDR", publish),
                    // The swarm comes all at once, which is what this limit is there to slow down.
                    ("CARILLON_LIMITS__ACCEPTS_PER_SECOND", "100000".to_owned()),
                ];
                environment.extend(redis.map(|url| ("CARILLON_REDIS__URL", url.to_owned())));
                environment.extend(self.settings.iter().cloned());
            }
        }
        Recipe { name: self.name.clone(), program, arguments, environment }
    }
}

impl Kind {
    /// What the client says once the Engine.IO session is open, with the cursor of what it heard last.
    pub(crate) fn connect_packet(self, user: usize, cursor: Option<&str>) -> String {
        let since = cursor.map(|id| format!(r#","since":"{id}""#)).unwrap_or_default();
        match self {
            Self::Carillon | Self::Node => format!(r#"40/notice,{{"user":"{user}"{since}}}"#),
            Self::Stock | Self::Floor => "40".to_owned(),
        }
    }

    /// Path and body of a request that sends `data` (JSON) to `user`, or to every socket.
    pub(crate) fn publish(self, user: Option<&str>, data: &str) -> (&'static str, String) {
        let path = match self {
            Self::Carillon => "/v1/emit",
            Self::Node => "/emit",
            Self::Stock | Self::Floor => return ("/emit", data.to_owned()),
        };
        let to = user.map(|user| format!(r#""to":{{"user":"{user}"}},"#)).unwrap_or_default();
        (path, format!(r#"{{"namespace":"/notice",{to}"event":"load","data":{data}}}"#))
    }
}

/// What a client says, once the session is open, that will stand still: it is of a room, and of no user who is
/// told anything. Only carillon is asked to bear such ones.
pub(crate) fn still_packet(_kind: Kind, user: usize, _cursor: Option<&str>) -> String {
    format!(r#"40/notice,{{"user":"still{user}","room":"{STILL_ROOM}"}}"#)
}

/// Path and body of a request that stuffs all who stand still.
pub(crate) fn stuffing(data: &str) -> (&'static str, String) {
    let to = format!(r#""to":{{"room":"{STILL_ROOM}"}}"#);
    ("/v1/emit", format!(r#"{{"namespace":"/notice",{to},"event":"load","data":{data}}}"#))
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

    #[test]
    fn a_notice_is_for_one_user_or_for_all() {
        let (path, body) = Kind::Carillon.publish(Some("7"), "{}");
        assert_eq!(path, "/v1/emit");
        assert_eq!(body, r#"{"namespace":"/notice","to":{"user":"7"},"event":"load","data":{}}"#);
        let (_, body) = Kind::Node.publish(None, "{}");
        assert_eq!(body, r#"{"namespace":"/notice","event":"load","data":{}}"#);
    }
}
