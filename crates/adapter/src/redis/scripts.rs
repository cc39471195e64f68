//! The scripts, each with the name by which Redis remembers it.

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value},
};

use crate::redis::primaries::{Owners, at};

/// What fred says of a command that was sent elsewhere and may be written once only.
const REDIRECTED: &str = "Too many failed write attempts.";

/// One script, which Redis may have forgotten.
#[derive(Clone, Debug)]
pub(super) struct Script {
    text: &'static str,
    sha: String,
}

#[derive(Clone, Debug)]
pub(super) struct Scripts {
    pub(super) publish: Script,
    pub(super) catch_up: Script,
    pub(super) tasks: Script,
    pub(super) forget: Script,
    pub(super) renumber: Script,
}

macro_rules! with_life {
    ($file:literal) => {
        concat!(include_str!("life.lua"), "\n", include_str!($file))
    };
}

impl Scripts {
    pub(super) async fn load(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            publish: Script::load(client, with_life!("publish.lua")).await?,
            catch_up: Script::load(client, with_life!("catch_up.lua")).await?,
            tasks: Script::load(client, with_life!("tasks.lua")).await?,
            forget: Script::load(client, with_life!("forget.lua")).await?,
            renumber: Script::load(client, with_life!("renumber.lua")).await?,
        })
    }
}

impl Script {
    /// Hands it to every primary.
    async fn load(client: &Client, text: &'static str) -> Result<Self, Error> {
        let mut sha = String::new();
        for server in Owners::of(client).all() {
            let args = vec![Value::from_static_str("LOAD"), Value::from_static_str(text)];
            let command = CustomCommand::new_static("SCRIPT", ClusterHash::Random, false);
            sha = at(client, server.as_ref()).custom(command, args).await?;
        }
        Ok(Self { text, sha })
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
        client.custom(command("EVALSHA"), call(self.sha.as_str().into(), args)).await
    }

    /// Runs it, and makes it known to this primary.
    pub(super) async fn run_anew<C: ClientLike>(
        &self,
        client: &C,
        args: &[Value],
    ) -> Result<Value, Error> {
        client.custom(command("EVAL"), call(Value::from_static_str(self.text), args)).await
    }
}

/// `args` are the five keys and then the script's own.
fn call(script: Value, args: &[Value]) -> Vec<Value> {
    let mut call = Vec::with_capacity(args.len() + 2);
    call.extend([script, Value::from(5)]);
    call.extend_from_slice(args);
    call
}

fn command(name: &'static str) -> CustomCommand {
    // Where the first key stands in a call.
    CustomCommand::new_static(name, ClusterHash::Offset(2), false)
}
