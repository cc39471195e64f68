//! What a node asks of others over Redis, and how it is asked: a channel of its own for each, letters
//! with the asker's name, and leases that say who lives.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::{
    error::{Error, ErrorKind},
    types::Value,
};
use notice::NodeId;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    asking::{Asked, Said},
    error::SignalError,
    limits::{NODES_MAX, QUESTIONS_MAX},
    nodes::{Answers, Living},
    redis::{
        bus::{count, millis},
        events::{lease_kept, unreadable, waits_for_replica},
        letter::Letter,
        refusal::lacks_replica,
        station::{Station, refused, whole},
    },
    requests::Request,
    signals::Watch,
};

/// How long a node that starts waits for a replica, and how often it looks.
const REPLICA_WITHIN: Duration = Duration::from_secs(20);
const REPLICA_RETRY: Duration = Duration::from_millis(250);

/// A question under way, until dropped.
struct Open<'a> {
    station: &'a Station,
    id: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.station.questions.lock().remove(&self.id);
    }
}

// What is asked.
impl Station {
    pub(crate) async fn living(&self) -> Result<Vec<Living>, SignalError> {
        self.connected()?;
        let args = [self.bus.prefix.leases().into()];
        let answer = self.bus.scripts.living.run(&self.client, &args).await;
        let parts = answer.map_err(|error| refused(&error))?.into_array();
        let living = parts.chunks_exact(2).filter_map(|pair| {
            let about = pair[1].clone().into_bytes().unwrap_or_default();
            Some(Living { node: node(&pair[0])?, about })
        });
        Ok(living.collect())
    }

    pub(crate) async fn ask_all(
        &self,
        question: Bytes,
        wait: Duration,
    ) -> Result<Answers, SignalError> {
        self.connected()?;
        let (open, asked) = self.open(wait)?;
        let letter = self.question(open.id, wait, question);
        let me = self.node.as_str().into();
        let channels = self.bus.prefix.channels_of_nodes().into();
        let args = [self.bus.prefix.leases().into(), me, channels, Value::Bytes(letter)];
        let asking = self.bus.scripts.ask.run(&self.client, &args);
        let heard = timeout_at(asked.until, asking).await.map_err(|_| SignalError::Unreachable)?;
        let heard = heard.map_err(|error| refused(&error))?.into_array();
        let pairs = heard.chunks_exact(2);
        let nodes = pairs.filter_map(|pair| Some((node(&pair[0])?, whole(pair.get(1)) > 0)));
        Ok(asked.gather(nodes.collect(), &self.bus.traffic).await)
    }

    pub(crate) async fn ask(
        &self,
        node: &NodeId,
        question: Bytes,
        wait: Duration,
    ) -> Result<Answers, SignalError> {
        let (open, asked) = self.open(wait)?;
        let letter = self.question(open.id, wait, question);
        let publishing = self.publish(self.bus.prefix.channel_of_node(node), letter);
        let heard = timeout_at(asked.until, publishing).await;
        let heard = heard.map_err(|_| SignalError::Unreachable)??;
        Ok(asked.gather(vec![(node.clone(), heard > 0)], &self.bus.traffic).await)
    }

    fn open(&self, wait: Duration) -> Result<(Open<'_>, Asked), SignalError> {
        let questions = &mut *self.questions.lock();
        if questions.len() >= QUESTIONS_MAX {
            return Err(SignalError::Full { what: "questions", len_max: QUESTIONS_MAX });
        }
        let (sender, replies) = mpsc::channel(NODES_MAX);
        // By chance, so that no answer to a process of the same name before this one is taken for one to
        // this.
        let id = rand::random();
        questions.insert(id, sender);
        Ok((Open { station: self, id }, Asked::until(replies, wait)))
    }

    fn question(&self, id: u64, wait: Duration, question: Bytes) -> Bytes {
        Letter::Question { from: self.node.clone(), id, wait, question }.seal()
    }
}

// What is answered.
impl Station {
    /// Sorts the letters to this node, until it is gone.
    pub(super) async fn sort(self: Arc<Self>, mut letters: Watch, requests: mpsc::Sender<Request>) {
        while let Some(letter) = letters.next().await {
            match Letter::open(letter) {
                Ok(Letter::Question { from, id, wait, question }) => {
                    let asker = (from, id);
                    self.pass_on(&requests, asker, question, wait).await;
                }
                Ok(Letter::Answer { from, id, said }) => self.hand_in(id, from, said),
                Err(error) => unreadable(&self.bus.traffic, &error),
            }
        }
    }

    async fn pass_on(
        self: &Arc<Self>,
        requests: &mpsc::Sender<Request>,
        (from, id): (NodeId, u64),
        question: Bytes,
        wait: Duration,
    ) {
        let request = Request::of_redis(Arc::clone(self), (from.clone(), id), question, wait);
        match requests.try_send(request) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.reply(&from, id, Said::Busy).await,
            Err(TrySendError::Closed(_)) => self.reply(&from, id, Said::Deaf).await,
        }
    }

    fn hand_in(&self, id: u64, from: NodeId, said: Said) {
        if let Some(replies) = self.questions.lock().get(&id) {
            // There is a place for everyone who can have been asked.
            replies.try_send((from, said)).ok();
        }
    }

    /// Says something to a question. Should it not arrive, the asker waits for as long as it said.
    pub(crate) async fn reply(&self, to: &NodeId, id: u64, said: Said) {
        let letter = Letter::Answer { from: self.node.clone(), id, said }.seal();
        let channel = self.bus.prefix.channel_of_node(to);
        if let Err(error) = self.publish(channel, letter).await {
            tracing::debug!(%error, node.id = %to, "could not answer a node");
        }
    }
}

// The lease.
impl Station {
    /// Renews the lease. `was_held` and what is answered are whether that works; a change is said once.
    pub(super) async fn keep_lease(&self, was_held: bool) -> bool {
        let renewed = self.renew().await;
        lease_kept(was_held, renewed.as_ref().err());
        renewed.is_ok()
    }

    /// The first lease of a node. A primary that has just lost its replica may take nothing until one follows.
    pub(super) async fn begin(&self) -> Result<(), Error> {
        let (waits_until, mut was_told) = (Instant::now() + REPLICA_WITHIN, false);
        loop {
            match self.renew().await {
                Err(error) if lacks_replica(&error) && Instant::now() < waits_until => {
                    waits_for_replica(mem::replace(&mut was_told, true), &error);
                    sleep(REPLICA_RETRY).await;
                }
                begun => return begun,
            }
        }
    }

    pub(super) async fn renew(&self) -> Result<(), Error> {
        self.there()?;
        let about = self.about.lock().clone();
        let (me, token) = (self.node.as_str().into(), self.token.as_str().into());
        let lease = millis(self.bus.config.node_lease);
        let leases = self.bus.prefix.leases().into();
        let args = [leases, me, token, lease, count(NODES_MAX), Value::Bytes(about)];
        let answer = self.bus.scripts.lease.run(&self.client, &args).await?;
        if answer.as_str().as_deref() == Some("full") {
            let details = format!("all {NODES_MAX} places for nodes are taken");
            return Err(Error::new(ErrorKind::Unknown, details));
        }
        self.bus.traffic.living(whole(Some(&answer)));
        Ok(())
    }

    pub(super) async fn leave(&self) -> Result<(), Error> {
        let (me, token) = (self.node.as_str().into(), self.token.as_str().into());
        let args = [self.bus.prefix.leases().into(), me, token];
        self.bus.scripts.leave.run(&self.client, &args).await.map(drop)
    }
}

fn node(value: &Value) -> Option<NodeId> {
    NodeId::new(&value.as_str()?).ok()
}
