//! The scripts, each with the name by which Redis remembers it.

use std::time::Duration;

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value},
};

use tokio::time::{Instant, sleep};

use crate::{
    config::Config,
    limits::{QUIET_AGE, RECENT_BYTES_MAX, RECENT_LEN_MAX},
    redis::{
        calls::{Call, Calls, Timed},
        primaries::{Owners, at, slot},
    },
};

/// The first and the longest wait for keys that are on their way to another server.
pub(super) const MOVING_WAIT_MIN: Duration = Duration::from_millis(10);
pub(super) const MOVING_WAIT_MAX: Duration = Duration::from_millis(250);

/// How much longer than it must, an audience's count may go on, so that its end need not be moved with
/// every notice; unless that were more than a tenth of its age.
const SLACK: Duration = Duration::from_mins(1);

/// One script, which Redis may have forgotten.
#[derive(Clone, Debug)]
pub(super) struct Script {
    text: Value,
    sha: Value,
    /// How many of the arguments are keys, where a call does not say so itself.
    keys_len: usize,
    pub(super) timed: Timed,
}

#[derive(Clone, Debug)]
pub(super) struct Scripts {
    pub(super) publish: Script,
    pub(super) plain: Script,
    pub(super) catch_up: Script,
    pub(super) missed: Script,
    pub(super) seat: Script,
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
    pub(super) revoke: Script,
    pub(super) revoked: Script,
}

/// The keys that `life.lua` names.
pub(super) const LIFE_KEYS_LEN: usize = 6;
/// The keys that `room.lua` names.
const ROOM_KEYS_LEN: usize = 3;
/// The keys of what is revoked.
const REVOKED_KEYS_LEN: usize = 3;

macro_rules! with_room {
    ($file:literal) => {
        concat!(include_str!("room.lua"), "\n", include_str!($file))
    };
}

macro_rules! with_recent {
    ($file:expr) => {
        concat!(include_str!("recent.lua"), "\n", $file)
    };
}

macro_rules! with_life {
    ($file:literal) => {
        concat!(include_str!("life.lua"), "\n", include_str!($file))
    };
}

impl Scripts {
    pub(super) async fn load(
        client: &Client,
        config: &Config,
        calls: &Calls,
    ) -> Result<Self, Error> {
        let settings = settings(config);
        let script = async |call, text: &str, keys_len| {
            let (text, sha) = known(client, text).await?;
            Ok::<_, Error>(Script { text, sha, keys_len, timed: calls.of(call) })
        };
        let over_audience =
            async |call, text: &str| script(call, &[&settings, text].concat(), LIFE_KEYS_LEN).await;
        let over_room = async |text| script(Call::Room, text, ROOM_KEYS_LEN).await;
        let of_node = async |text| script(Call::Node, text, 1).await;
        let of_revoked = async |text| script(Call::Revocation, text, REVOKED_KEYS_LEN).await;
        Ok(Self {
            publish: over_audience(Call::Publish, with_recent!(with_life!("publish.lua"))).await?,
            plain: over_audience(Call::Publish, with_recent!(include_str!("plain.lua"))).await?,
            catch_up: over_audience(Call::Read, with_life!("catch_up.lua")).await?,
            missed: over_audience(Call::Read, with_life!("missed.lua")).await?,
            seat: script(Call::Seat, include_str!("seat.lua"), 1).await?,
            tasks: over_audience(Call::Read, with_life!("tasks.lua")).await?,
            forget: over_audience(Call::Read, with_life!("forget.lua")).await?,
            renumber: over_audience(Call::Read, with_life!("renumber.lua")).await?,
            lease: of_node(include_str!("lease.lua")).await?,
            leave: of_node(include_str!("leave.lua")).await?,
            living: of_node(include_str!("living.lua")).await?,
            ask: of_node(include_str!("ask.lua")).await?,
            login: over_room(with_room!("login.lua")).await?,
            renew: over_room(with_room!("renew.lua")).await?,
            logout: over_room(with_room!("logout.lua")).await?,
            era: script(Call::Room, include_str!("era.lua"), 1).await?,
            revoke: of_revoked(include_str!("revoke.lua")).await?,
            revoked: of_revoked(include_str!("revoked.lua")).await?,
        })
    }
}

/// Hands a script to every primary. Gives its text, and the name by which they remember it.
async fn known(client: &Client, text: &str) -> Result<(Value, Value), Error> {
    let (text, mut sha) = (Value::from(text), Value::Null);
    for server in Owners::of(client).all() {
        let args = vec![Value::from_static_str("LOAD"), text.clone()];
        let command = CustomCommand::new_static("SCRIPT", ClusterHash::Random, false);
        sha = at(client, server.as_ref()).custom(command, args).await?;
    }
    Ok((text, sha))
}

/// A script's call: which script is put in when it is sent, and behind that stand how many keys there are, the keys,
/// and what it takes beside them.
#[derive(Clone, Debug)]
pub(super) struct ScriptCall(Vec<Value>);

impl Script {
    /// Runs it, and hands it to Redis once more if Redis has forgotten it. `args` are the keys and then the script's
    /// own.
    pub(super) fn run<C: ClientLike>(
        &self,
        client: &C,
        args: &[Value],
    ) -> impl Future<Output = Result<Value, Error>> {
        self.run_made(client, move || {
            let mut call = ScriptCall::new(self.keys_len, args.len());
            call.extend(args.iter().cloned());
            call
        })
    }

    /// The same with a call that is made for every try, and waits for so long if the keys are on their way to another
    /// server.
    pub(super) async fn run_patiently<C: ClientLike>(
        &self,
        client: &C,
        call: impl Fn() -> ScriptCall,
        patience: Duration,
    ) -> Result<Value, Error> {
        let (until, mut wait) = (Instant::now() + patience, MOVING_WAIT_MIN);
        loop {
            match self.run_made(client, &call).await {
                Err(error) if is_moving(&error) && Instant::now() + wait < until => {
                    sleep(wait).await;
                    wait = (wait * 2).min(MOVING_WAIT_MAX);
                }
                answer => return answer,
            }
        }
    }

    async fn run_made<C: ClientLike>(
        &self,
        client: &C,
        call: impl Fn() -> ScriptCall,
    ) -> Result<Value, Error> {
        let since = Instant::now();
        let answer = match self.run_known(client, call()).await {
            Err(error) if was_not_run(&error) => self.run_anew(client, call()).await,
            answer => answer,
        };
        self.timed.took(since, answer.is_ok());
        answer
    }

    /// Runs it if Redis knows it. Several at once are pipelined, which fred does not do with its own
    /// commands for scripts.
    pub(super) fn run_known<C: ClientLike>(
        &self,
        client: &C,
        call: ScriptCall,
    ) -> impl Future<Output = Result<Value, Error>> {
        call.send(client, "EVALSHA", &self.sha)
    }

    /// Runs it, and makes it known to this primary.
    pub(super) fn run_anew<C: ClientLike>(
        &self,
        client: &C,
        call: ScriptCall,
    ) -> impl Future<Output = Result<Value, Error>> {
        call.send(client, "EVAL", &self.text)
    }
}

impl ScriptCall {
    /// One with room for so many arguments, keys among them.
    pub(super) fn new(keys_len: usize, args_len: usize) -> Self {
        let keys_len = i64::try_from(keys_len).expect("a call has a few hundred keys at most");
        let mut call = Vec::with_capacity(args_len + 2);
        call.extend([Value::Null, Value::from(keys_len)]);
        Self(call)
    }

    pub(super) fn extend(&mut self, args: impl IntoIterator<Item = Value>) {
        self.0.extend(args);
    }

    /// fred goes by the first word of a command that it does not know, unless it is told the slot.
    fn send<C: ClientLike>(
        mut self,
        client: &C,
        name: &'static str,
        script: &Value,
    ) -> impl Future<Output = Result<Value, Error>> {
        let key = self.0.get(2).and_then(Value::as_str);
        let slot = key.map(|key| slot(&key)).unwrap_or_default();
        self.0[0] = script.clone();
        client.custom(CustomCommand::new_static(name, ClusterHash::Custom(slot), false), self.0)
    }
}

/// Whether Redis does not know the script, or its keys are elsewhere.
pub(super) fn was_not_run(error: &Error) -> bool {
    error.details().starts_with("NOSCRIPT") || is_moving(error)
}

/// Whether nothing was done, because the slot is on its way, or has moved: then fred has looked where to.
pub(super) fn is_moving(error: &Error) -> bool {
    // What fred says of a command that was sent elsewhere, which it may not follow.
    error.details() == "Too many redirections." || error.details().starts_with("TRYAGAIN")
}

/// What no call changes stands in the scripts themselves: handed in with every call, it would cost as much
/// as a good part of the work. Ages are in milliseconds.
fn settings(config: &Config) -> String {
    let Config { finals_keep, finals_age, live_age, ended_age, .. } = config;
    let (tasks_max, pace) = (config.tasks_per_user_max, config.progress_pace.as_millis());
    let recent_age = config.recent_age();
    format!(
        "local finals_keep, finals_age, live_age, ended_age = {finals_keep}, {}, {}, {}\n\
         local quiet_age, tasks_max, pace, slack = {}, {tasks_max}, {pace}, {}\n\
         local recent_age, recent_len_max, recent_bytes_max = {}, {RECENT_LEN_MAX}, {RECENT_BYTES_MAX}\n",
        finals_age.as_millis(),
        live_age.as_millis(),
        ended_age.as_millis(),
        QUIET_AGE.max(recent_age).as_millis(),
        SLACK.as_millis(),
        recent_age.as_millis(),
    )
}
