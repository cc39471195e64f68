//! What a bus must offer to be put to the test, and what every test asks of it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use adapter::{Arrival, CatchUp, Config, Gap, Interest, Link, PublishError, Published, Since};
use notice::{Audience, Draft, Notice, NoticeId, Position};
use tokio::time::timeout;

use crate::{
    drafts::{audience, text_of, user},
    uplink::Fields,
};

/// How long a test waits for what must come.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// One kind of bus.
pub(crate) trait Subject: Sized {
    /// Limits and ages that a test on this bus can live through, with `live_age` < `ended_age` =
    /// `finals_age`, and an `interest_linger` far below them.
    fn config() -> Config;

    /// A running bus.
    async fn start(config: Config) -> Self;

    /// One more node on it, under this name.
    async fn link_as(&self, name: &str) -> Node;

    /// One more node on it.
    async fn link(&self) -> Node {
        self.link_as("node").await
    }

    /// What clients said, oldest first.
    async fn uplinked(&self) -> Vec<Fields>;

    /// Lets time pass.
    async fn pass(&self, time: Duration);

    /// A running bus with one node.
    async fn one() -> (Self, Node) {
        Self::one_with(Self::config()).await
    }

    async fn one_with(config: Config) -> (Self, Node) {
        let bus = Self::start(config).await;
        let node = bus.link().await;
        (bus, node)
    }
}

/// A node on a bus, with the questions that tests ask.
pub(crate) struct Node {
    pub(crate) link: Link,
    /// What came together, when an audience was counted anew.
    again: VecDeque<Arc<Notice>>,
}

impl From<Link> for Node {
    fn from(link: Link) -> Self {
        Self { link, again: VecDeque::new() }
    }
}

impl Node {
    pub(crate) async fn try_publish(&self, draft: Draft) -> Result<Published, PublishError> {
        self.link.publisher.publish(draft).await
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Published {
        self.try_publish(draft).await.expect("the bus takes it or says why it is not needed")
    }

    /// Publishes what must be accepted.
    pub(crate) async fn accepted(&self, draft: Draft) -> NoticeId {
        self.accepted_by(draft).await.0
    }

    /// Publishes what must be accepted, and says how many nodes heard it.
    pub(crate) async fn accepted_by(&self, draft: Draft) -> (NoticeId, usize) {
        match self.publish(draft).await {
            Published::Accepted { id, nodes } => (id, nodes),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn enter(&self, audience: &Audience) {
        self.interest().enter(audience).await.expect("there is room to listen");
    }

    pub(crate) fn interest(&self) -> &Interest {
        &self.link.interest
    }

    /// What arrives next, which must come; of what came together, one after the other.
    pub(crate) async fn arrival(&mut self) -> Arrival {
        loop {
            if let Some(notice) = self.again.pop_front() {
                return Arrival::Notice(notice);
            }
            let arrival = timeout(DEADLINE, self.link.inbox.next()).await;
            match arrival.expect("something comes").expect("the bus is there") {
                Arrival::Renumbered { notices, .. } => self.again.extend(notices),
                arrival => return arrival,
            }
        }
    }

    /// The next notice, which must come.
    pub(crate) async fn hear(&mut self) -> Arc<Notice> {
        match self.arrival().await {
            Arrival::Notice(notice) => notice,
            other => panic!("a notice was to come, not {other:?}"),
        }
    }

    /// The texts of the next `count` notices.
    pub(crate) async fn hear_texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let notice = self.hear().await;
            texts.push(text_of(&notice));
        }
        texts
    }

    pub(crate) async fn catch_up_on(&self, audience: &Audience, since: Since<'_>) -> CatchUp {
        self.link.store.catch_up(audience, since).await.expect("the bus answers")
    }

    /// What a client of user 5 gets with this cursor.
    pub(crate) async fn after(&self, position: &Position) -> CatchUp {
        self.catch_up_on(&audience(), Since::Position(position)).await
    }

    /// What a client of user 5 gets with this window.
    pub(crate) async fn within(&self, window: Duration) -> CatchUp {
        self.catch_up_on(&audience(), Since::Window(window)).await
    }

    /// The texts of the live tasks of user 5.
    pub(crate) async fn live(&self) -> Vec<String> {
        texts(&self.within(Duration::ZERO).await.live)
    }

    /// The texts of the tasks of user 5, live and ended.
    pub(crate) async fn tasks(&self) -> Vec<String> {
        texts(&self.link.store.tasks(&user()).await.expect("the bus answers"))
    }

    pub(crate) async fn forget(&self, identity: &str) -> bool {
        self.link.store.forget(&user(), identity).await.expect("the bus answers")
    }
}

pub(crate) fn texts(notices: &[Arc<Notice>]) -> Vec<String> {
    notices.iter().map(|notice| text_of(notice)).collect()
}

/// The gap of a client of user 5.
pub(crate) fn gap(since: &Position, oldest: Option<&NoticeId>) -> Gap {
    let since = NoticeId { audience: audience(), position: since.clone() };
    Gap { since, oldest: oldest.cloned() }
}
