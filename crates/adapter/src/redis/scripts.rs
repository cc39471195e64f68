//! The scripts, each with the name by which Redis remembers it.

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value},
};

use crate::redis::primaries::{Owners, at, slot};

/// What fred says of a command that was sent elsewhere and may be written once only.
pub(super) const REDIRECTED: &str = "Too many failed write attempts.";

/// One script, which Redis may have forgotten.
#[derive(Clone, Debug)]
pub(super) struct Script {
    text: &'static str,
    sha: String,
    /// How many of the arguments are keys.
    keys_len: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Scripts {
    pub(super) publish: Script,
    pub(super) catch_up: Script,
    pub(super) tasks: Script,
    pub(super) forget: Script,
    pub(super) renumber: Script,
    pub(super) lease: Script,
    pub(super) leave: Script,
    pub(super) living: Script,
    pub(super) ask: Script,
    pub(super) login: Script,
    pub(super) renew: Script,
    pub(super) logout: Script,
    pub(super) era: Script,
}

/// The keys that `life.lua` names.
const LIFE_KEYS_LEN: i64 = 5;
/// The keys that `room.lua` names.
const ROOM_KEYS_LEN: i64 = 3;

macro_rules! with_room {
    ($file:literal) => {
        concat!(include_str!("room.lua"), "\n", include_str!($file))
    };
}

macro_rules! with_life {
    ($file:literal) => {
        concat!(include_str!("life.lua"), "\n", include_str!($file))
    };
}

impl Scripts {
    pub(super) async fn load(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            publish: Script::load(client, with_life!("publish.lua"), LIFE_KEYS_LEN).await?,
            catch_up: Script::load(client, with_life!("catch_up.lua"), LIFE_KEYS_LEN).await?,
            tasks: Script::load(client, with_life!("tasks.lua"), LIFE_KEYS_LEN).await?,
            forget: Script::load(client, with_life!("forget.lua"), LIFE_KEYS_LEN).await?,
            renumber: Script::load(client, with_life!("renumber.lua"), LIFE_KEYS_LEN).await?,
            lease: Script::load(client, include_str!("lease.lua"), 1).await?,
            leave: Script::load(client, include_str!("leave.lua"), 1).await?,
            living: Script::load(client, include_str!("living.lua"), 1).await?,
            ask: Script::load(client, include_str!("ask.lua"), 1).await?,
            login: Script::load(client, with_room!("login.lua"), ROOM_KEYS_LEN).await?,
            renew: Script::load(client, with_room!("renew.lua"), ROOM_KEYS_LEN).await?,
            logout: Script::load(client, with_room!("logout.lua"), ROOM_KEYS_LEN).await?,
            era: Script::load(client, include_str!("era.lua"), 1).await?,
        })
    }
}

impl Script {
    /// Hands it to every primary.
    async fn load(client: &Client, text: &'static str, keys_len: i64) -> Result<Self, Error> {
        let mut sha = String::new();
        for server in Owners::of(client).all() {
            let args = vec![Value::from_static_str("LOAD"), Value::from_static_str(text)];
            let command = CustomCommand::new_static("SCRIPT", ClusterHash::Random, false);
            sha = at(client, server.as_ref()).custom(command, args).await?;
        }
        Ok(Self { text, sha, keys_len })
    }

    /// Runs it, and hands it to Redis once more if Redis has forgotten it.
    pub(super) async fn run<C: ClientLike>(
        &self,
        client: &C,
        args: &[Value],
    ) -> Result<Value, Error> {
        match self.run_known(client, args).await {
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                self.run_anew(client, args).await
            }
            // The slot has moved, and fred has looked where to; nothing was run.
            Err(error) if error.details() == REDIRECTED => self.run_anew(client, args).await,
            answer => answer,
        }
    }

    /// Runs it if Redis knows it. Several at once are pipelined, which fred does not do with its own
    /// commands for scripts.
    pub(super) async fn run_known<C: ClientLike>(
        &self,
        client: &C,
        args: &[Value],
    ) -> Result<Value, Error> {
        client.custom(command("EVALSHA", args), self.call(self.sha.as_str().into(), args)).await
    }

    /// Runs it, and makes it known to this primary.
    pub(super) async fn run_anew<C: ClientLike>(
        &self,
        client: &C,
        args: &[Value],
    ) -> Result<Value, Error> {
        let call = self.call(Value::from_static_str(self.text), args);
        client.custom(command("EVAL", args), call).await
    }

    /// `args` are the keys and then the script's own.
    fn call(&self, script: Value, args: &[Value]) -> Vec<Value> {
        let mut call = Vec::with_capacity(args.len() + 2);
        call.extend([script, Value::from(self.keys_len)]);
        call.extend_from_slice(args);
        call
    }
}

/// fred goes by the first word of a command that it does not know, unless it is told the slot.
fn command(name: &'static str, args: &[Value]) -> CustomCommand {
    let slot = args.first().and_then(Value::as_str).map(|key| slot(&key)).unwrap_or_default();
    CustomCommand::new_static(name, ClusterHash::Custom(slot), false)
}
