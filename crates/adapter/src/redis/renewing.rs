//! How one node's leases on rooms are renewed: each primary by itself, so that one that does not answer costs the
//! rooms on others nothing.

use std::{collections::HashMap, pin::pin, time::Duration};

use fred::{
    error::{Error, ErrorKind},
    types::{Value, config::Server},
};
use futures_util::{
    future::join_all,
    stream::{self, StreamExt as _},
};
use notice::Audience;
use rand::distr::{Alphanumeric, SampleString};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::{
    limits::EPOCH_LEN,
    redis::{
        events,
        held::{Due, Stand},
        leases::Leases,
        primaries::{Owners, at, field, info},
    },
};

/// Calls to one primary that are on the way at once.
const CALLS_MAX: usize = 128;
/// Members of one room renewed by one call of the script, which nobody else gets in between.
const CALL_LEN: usize = 500;

impl Leases {
    pub(super) async fn renew_all(&self) {
        let mut ticks = interval(self.turn());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_kept = true;
        loop {
            ticks.tick().await;
            // A store's age counts from when it is met, and not from the first login. That holds up no renewal.
            let (met, renewed) = tokio::join!(self.meet_all(), self.renew_each());
            let is_kept = met && renewed;
            events::leases_kept(was_kept, is_kept);
            was_kept = is_kept;
        }
    }

    /// How often everything is renewed, and how long one primary may take to answer.
    fn turn(&self) -> Duration {
        self.lease() / 3
    }

    /// Whether all were renewed. A primary that does not answer costs the rooms on others nothing.
    async fn renew_each(&self) -> bool {
        let owners = Owners::of(&self.bus.client);
        let mut calls: HashMap<_, Vec<_>> = HashMap::new();
        for (room, due) in self.held.due() {
            let primary = owners.of_key(&self.bus.prefix.channel(&room));
            let parts = due.chunks(CALL_LEN).map(|due| (room.clone(), due.to_vec()));
            calls.entry(primary).or_default().extend(parts);
        }
        let renewed = join_all(calls.into_values().map(|calls| self.renew_at_one(calls))).await;
        renewed.into_iter().all(|renewed| renewed)
    }

    /// Whether a primary's rooms were renewed. It is not asked on once it has not answered.
    async fn renew_at_one(&self, calls: Vec<(Audience, Vec<Due>)>) -> bool {
        let renewals = calls.into_iter().map(|(room, due)| self.renew(room, due));
        let mut renewals = pin!(stream::iter(renewals).buffer_unordered(CALLS_MAX));
        let mut all_renewed = true;
        while let Some(renewed) = renewals.next().await {
            match renewed {
                Ok(()) => {}
                Err(error) if *error.kind() == ErrorKind::Timeout => return false,
                // One room's trouble is not that of those behind it.
                Err(_) => all_renewed = false,
            }
        }
        all_renewed
    }

    async fn renew(&self, room: Audience, due: Vec<Due>) -> Result<(), Error> {
        let (since, args) = (Instant::now(), self.renewal(&room, &due));
        let asking = self.bus.scripts.renew.run(&self.bus.client, &args);
        let answer = timeout(self.turn(), asking).await.map_err(|_elapsed| late())??;
        self.renewed(&room, &due, answer, since);
        Ok(())
    }

    fn renewal(&self, room: &Audience, due: &[Due]) -> Vec<Value> {
        let mut args = self.args(room);
        let next_epoch = Alphanumeric.sample_string(&mut rand::rng(), EPOCH_LEN);
        args.extend([self.node.as_str().into(), next_epoch.into()]);
        for Due { member, stand, resume } in due {
            args.extend([member.as_str().into(), stand.ticket.to_string().into()]);
            let (epoch, generation) = (stand.epoch.as_str(), stand.generation.to_string());
            args.extend([epoch.into(), generation.into(), resume.as_str().into()]);
        }
        args
    }

    fn renewed(&self, room: &Audience, due: &[Due], answer: Value, since: Instant) {
        let Ok([epoch, generation, lost, out]) = <[Value; 4]>::try_from(answer.into_array()) else {
            return;
        };
        let out: Vec<_> = out.into_array().iter().filter_map(Value::as_usize).collect();
        if lost.as_usize().is_some_and(|lost| lost > 0) {
            // What else the store has lost is not known.
            self.settled.lock().clear();
            events::logins_lost(room);
        }
        let (epoch, generation) = (epoch.as_string().unwrap_or_default(), generation.as_u64());
        let mut members = Vec::new();
        for (at, Due { member, stand, .. }) in due.iter().enumerate() {
            if out.contains(&at) {
                let is_ours = self.held.put_out(room, member, stand.ticket);
                members.extend(is_ours.then(|| member.clone()));
                continue;
            }
            let (epoch, generation) = (epoch.clone(), generation.unwrap_or_default());
            let sure_until = self.sure_until(since);
            let renewed = Stand { ticket: stand.ticket, epoch, generation, sure_until };
            self.held.renew(room, member, renewed);
        }
        if !members.is_empty() {
            self.late.lock().push_back((room.clone(), members));
            self.some_late.notify_one();
        }
    }

    /// Lets the cluster know every Redis process there is, and says whether all answered.
    async fn meet_all(&self) -> bool {
        let servers = Owners::of(&self.bus.client).all();
        let each = servers
            .into_iter()
            .map(async |server| matches!(timeout(self.turn(), self.meet(server)).await, Ok(Ok(_))));
        join_all(each).await.into_iter().all(|met| met)
    }

    async fn meet(&self, server: Option<Server>) -> Result<Duration, Error> {
        let primary = at(&self.bus.client, server.as_ref());
        let run = info(&primary, "server").await?;
        let history = info(&primary, "replication").await?;
        let run = format!("{}/{}", field(&run, "run_id"), field(&history, "master_replid"));
        self.era(&run).await
    }
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout, "no answer in time")
}
