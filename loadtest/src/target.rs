//! A server under test: what kind it is, how it is started, and how one speaks to it.

mod process;

mod entrance;
mod kind;
mod place;

mod centrifugo;
mod npm;
mod pair;
mod redis;
mod server;

mod probe;
mod traffic;

use std::{ffi::OsString, path::Path, str::FromStr, sync::Arc};

pub(crate) use crate::target::{
    entrance::{Certificate, Entrance},
    kind::{Kind, still_packet, stuffing},
    pair::Pair,
    place::{Addresses, Place},
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

/// One server of the comparison, as the command line names it: `NAME=BIN` or `NAME=PUBLIC,PUBLISH,PID`.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The kind, with `:label` where there are several of it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    /// More of its environment, as a scenario needs it.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// What it shows its clients. None: it speaks to them in the clear.
    certificate: Option<Arc<Certificate>>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, place) = text.split_once('=').ok_or("write it as NAME=BIN")?;
        let label = name.split(':').next().unwrap_or_default();
        let kind = Kind::named(label).ok_or_else(|| {
            format!("the name begins with {}", Kind::NAMES.map(|(name, _)| name).join(", "))
        })?;
        let place = place.parse()?;
        Ok(Self { name: name.to_owned(), kind, place, settings: Vec::new(), certificate: None })
    }
}

impl Target {
    /// Does what must be done once before it can be started.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        match (self.kind, &self.place) {
            (Kind::Node | Kind::Ws, Place::Path(folder)) => npm::install(folder),
            _ => Ok(()),
        }
    }

    /// How its clients come in.
    pub(crate) fn entrance(&self) -> Entrance {
        Entrance::new(self.kind, self.certificate.as_deref())
    }

    /// The same for a run in which all are to hear the same.
    pub(crate) fn shared(&self) -> Self {
        Self { kind: self.kind.shared(), ..self.clone() }
    }

    /// The same over TLS. Fails if it is not started here, or of a kind that has none.
    pub(crate) fn secure(&self) -> Result<Self, Failure> {
        match (self.kind, &self.place) {
            (Kind::Carillon | Kind::Node, Place::Path(_)) => {
                Ok(Self { certificate: Some(Arc::new(Certificate::make()?)), ..self.clone() })
            }
            _ => Err(Failure::NoTls { target: self.name.clone() }),
        }
    }

    /// The same with settings of the scenario's own. Fails if its kind is not ours, whose settings they are.
    pub(crate) fn set(&self, settings: &[(&'static str, String)]) -> Result<Self, Failure> {
        match (self.kind, &self.place) {
            (Kind::Carillon, Place::Path(_)) => {
                Ok(Self { settings: settings.to_vec(), ..self.clone() })
            }
            _ => Err(Failure::NoLimits { target: self.name.clone() }),
        }
    }

    /// Fails if its kind does not work in pairs.
    pub(crate) fn pairs(&self) -> Result<(), Failure> {
        match (self.kind, &self.place) {
            (Kind::Carillon | Kind::Node | Kind::Centrifugo { .. }, Place::Path(_)) => Ok(()),
            _ => Err(Failure::NoPair { target: self.name.clone() }),
        }
    }

    /// Fails if its kind has no users.
    pub(crate) fn is_for_users(&self) -> Result<(), Failure> {
        match self.kind {
            Kind::Carillon | Kind::Node | Kind::Centrifugo { .. } | Kind::Floor => Ok(()),
            Kind::Stock | Kind::Ws => Err(Failure::NoUsers { target: self.name.clone() }),
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
            Kind::Node | Kind::Ws => {
                let script = if self.kind == Kind::Ws { "plain.js" } else { "server.js" };
                program = "node".into();
                arguments.extend([path.join(script).into(), public.into(), publish.into()]);
                arguments.extend(redis.map(Into::into));
                if let Some(it) = &self.certificate {
                    environment = vec![("TLS_CERT", it.cert()), ("TLS_KEY", it.key())];
                }
            }
            Kind::Centrifugo { .. } => environment = centrifugo::environment(at, redis),
            Kind::Carillon => {
                arguments.push("serve".into());
                environment = vec![
                    ("CARILLON_PUBLIC__ADDR", public),
                    ("CARILLON_INTERNAL__ADDR", publish),
                    // The swarm comes all at once, which is what this limit is there to slow down.
                    ("CARILLON_LIMITS__ACCEPTS_PER_SECOND", "100000".to_owned()),
                ];
                environment.extend(redis.map(|url| ("CARILLON_REDIS__URL", url.to_owned())));
                if let Some(it) = &self.certificate {
                    environment.push(("CARILLON_PUBLIC__TLS__CERT", it.cert()));
                    environment.push(("CARILLON_PUBLIC__TLS__KEY", it.key()));
                }
                environment.extend(self.settings.iter().cloned());
            }
        }
        Recipe { name: self.name.clone(), program, arguments, environment }
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
        assert_eq!(target.place, Place::Path("/tmp/a=b".into()));
    }

    #[test]
    fn a_running_target_is_two_addresses_and_a_process() {
        let target: Target = "ws=127.0.0.1:80,127.0.0.2:81,4711".parse().unwrap();
        let Place::Running(running) = target.place else { panic!("no path") };
        let Addresses { public, publish } = running.at;
        assert_eq!((public.port(), publish.port(), running.pid), (80, 81, 4711));
        for away in ["ws=192.0.2.1:80,127.0.0.1:81,1", "ws=127.0.0.1:80,127.0.0.1:81,me"] {
            assert!(away.parse::<Target>().is_err(), "{away}");
        }
    }

    #[test]
    fn a_target_of_no_known_kind_or_without_a_path_is_refused() {
        assert!("nginx=/usr/sbin/nginx".parse::<Target>().is_err());
        assert!("stock=".parse::<Target>().is_err());
        assert!("stock".parse::<Target>().is_err());
    }
}
