//! One question, put to the members of this node at once and to those of the others as far as the bus
//! goes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adapter::{Nodes, RelayDriver};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, select},
};
use notice::{NodeId, Scope};
use socketioxide_core::adapter::{
    AckStreamItem, BroadcastFlags, BroadcastOptions, CoreAdapter as _, CoreLocalAdapter,
};
use socketioxide_redis::{CustomRedisAdapter, RedisAdapterConfig, RedisAdapterCtr};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    members::Members,
    question::Question,
    report::{Missed, Refused},
    tally::{Away, Tally},
    waiters::Waiters,
};
use crate::hub::Hub;

/// How long the bus may take over a question, and a node over its first word.
const HEARD_WITHIN: Duration = Duration::from_secs(2);
/// What an answer may take between nodes, beyond the time that the socket has.
const ON_THE_WAY: Duration = Duration::from_secs(1);
/// The wait after the bus did not let this node listen.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);
/// Messages from other nodes that may wait unread.
const UNREAD_MAX: usize = 8192;

type Adapter = CustomRedisAdapter<Members, RelayDriver>;

/// How far a question goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    ThisNode,
    AllNodes,
}

pub(crate) struct Cluster {
    node: NodeId,
    nodes: Nodes,
    adapter: Arc<Adapter>,
    /// The others can be asked: this node hears what they answer.
    listens: Arc<AtomicBool>,
}

impl Cluster {
    pub(crate) fn new(
        node: &NodeId,
        hub: &Arc<Hub>,
        waiters: &Arc<Waiters>,
        relay: RelayDriver,
        nodes: Nodes,
    ) -> Self {
        let config = RedisAdapterConfig::new()
            .with_prefix("ask")
            .with_request_timeout(ON_THE_WAY)
            .with_ack_response_buffer(UNREAD_MAX)
            .with_stream_buffer(UNREAD_MAX);
        let road = RedisAdapterCtr::new_with_driver(relay, config);
        let members = CoreLocalAdapter::new(Members::new(node, hub, waiters));
        Self {
            node: node.clone(),
            nodes,
            adapter: Arc::new(Adapter::new(&road, members)),
            listens: Arc::default(),
        }
    }

    /// Hears the others until `stop`.
    pub(crate) async fn listen(&self, stop: CancellationToken) {
        while let Err(error) = self.begin().await {
            tracing::debug!(%error, "the bus does not let this node be asked yet");
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LISTEN_AGAIN) => {}
            }
        }
        stop.cancelled().await;
        self.listens.store(false, Ordering::Relaxed);
        if let Err(error) = self.adapter.close().await {
            tracing::debug!(%error, "the bus did not let this node go");
        }
    }

    async fn begin(&self) -> Result<(), impl std::error::Error + use<>> {
        let listens = Arc::clone(&self.listens);
        Arc::clone(&self.adapter).init(move || listens.store(true, Ordering::Relaxed)).await
    }

    /// Puts `question` and gives what comes back within `wait`. Refused, nobody has been asked.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        wait: Duration,
        reach: Reach,
    ) -> Result<Tally, Refused> {
        let mut tally = Tally::default();
        let everyone = options(None);
        let local = self.adapter.get_local();
        let (mut here, _words) = local.broadcast_with_ack(question.packet(), everyone, Some(wait));
        // The first word is there already.
        if let Some((node, said)) = here.next().await {
            tally.take(node, said);
        }
        if let Some(refused) = tally.refused() {
            return Err(refused);
        }
        let is_found = matches!(question.audience.scope, Scope::Socket(_)) && tally.sockets() > 0;
        let (others, there) = match reach {
            Reach::AllNodes if !is_found => self.ask_others(question, wait, &mut tally).await,
            _ => (0, stream::empty().boxed()),
        };
        let reports = std::pin::pin!(select(here, there));
        // What the sockets have, each from when it is asked, is not shortened by a bus that takes its time.
        let asked = Instant::now();
        collect(&mut tally, reports, 1 + others, asked, wait).await;
        self.name_silent(&mut tally, 1 + others).await;
        Ok(tally)
    }

    /// Puts the question to the other nodes, as far as the bus takes it. Gives how many they are.
    async fn ask_others(
        &self,
        question: &Question,
        wait: Duration,
        tally: &mut Tally,
    ) -> (usize, BoxStream<'static, AckStreamItem<Missed>>) {
        let nobody = stream::empty().boxed();
        if !self.listens.load(Ordering::Relaxed) {
            tally.away(None, Away::Unreachable);
            return (0, nobody);
        }
        let asked = timeout(HEARD_WITHIN, async {
            let others = usize::from(self.adapter.server_count().await?).saturating_sub(1);
            if others == 0 {
                return Ok(None);
            }
            let us = *self.adapter.get_local().server_id();
            let question = question.packet();
            let said = self.adapter.broadcast_with_ack(question, options(Some(us)), Some(wait));
            said.await.map(|said| Some((others, said)))
        });
        match asked.await {
            Ok(Ok(Some((others, said)))) => (others, said.boxed()),
            Ok(Ok(None)) => (0, nobody),
            Ok(Err(_)) | Err(_) => {
                tally.away(None, Away::Unreachable);
                (0, nobody)
            }
        }
    }

    /// Says which of so many nodes were never heard, by name where the names are sure.
    async fn name_silent(&self, tally: &mut Tally, nodes: usize) {
        let silent = nodes.saturating_sub(tally.nodes());
        if silent == 0 {
            return;
        }
        let living = timeout(ON_THE_WAY, self.nodes.living()).await;
        let living = living.ok().and_then(Result::ok).unwrap_or_default();
        let living = living.iter().map(|living| &living.node).filter(|node| **node != self.node);
        let unheard: Vec<_> = living.filter(|node| !tally.has_heard(node.as_str())).collect();
        let is_sure = unheard.len() == silent;
        for at in 0..silent {
            let name = unheard.get(at).filter(|_| is_sure).map(|node| node.as_str().to_owned());
            tally.away(name, Away::Silent);
        }
    }
}

/// Takes what is said until all nodes have spoken of all their sockets, or the time is over. A node that
/// has not said a word by then is not waited for once all others are through.
async fn collect(
    tally: &mut Tally,
    mut reports: impl Stream<Item = AckStreamItem<Missed>> + Unpin,
    nodes: usize,
    asked: Instant,
    wait: Duration,
) {
    let end = asked + wait + ON_THE_WAY;
    loop {
        let until = match (tally.is_settled(), tally.nodes() >= nodes) {
            (true, true) => return,
            (true, false) => end.min(asked + HEARD_WITHIN),
            (false, _) => end,
        };
        match timeout_at(until, reports.next()).await {
            Ok(Some((node, said))) => tally.take(node, said),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Every node, but for `us` if it is the one that asks.
fn options(us: Option<socketioxide_core::Sid>) -> BroadcastOptions {
    let mut options = us.map(BroadcastOptions::new).unwrap_or_default();
    options.add_flag(BroadcastFlags::Broadcast);
    options
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({})", self.node)
    }
}
