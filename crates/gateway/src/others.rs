//! The other gateways: what this one asks of them, and what it lets them know of itself.

use std::time::Duration;

use adapter::{Living, SignalError};
use bytes::Bytes;
use notice::{NodeId, SocketId};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::Ids,
    forwarding::Ticket,
    hearing,
    questions::{self, Answer, Question},
    shared::Shared,
};

/// How long an answer of another node is waited for.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// How often a node looks whether there is news of itself.
const NEWS_EVERY: Duration = Duration::from_secs(1);

/// What a node says of itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct About {
    pub(crate) roles: Vec<String>,
    pub(crate) version: String,
    pub(crate) sockets: usize,
    pub(crate) sockets_max: usize,
    pub(crate) accepts_per_second: usize,
    /// It goes: newcomers had better not be sent there.
    pub(crate) leaving: bool,
    /// It hears nothing of what is published.
    pub(crate) silent: bool,
    /// Where its internal port is, and by what its neighbours come in there.
    pub(crate) address: Option<String>,
    pub(crate) ticket: Ticket,
}

/// What the others say.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub(crate) answers: Vec<Answer>,
    /// Living nodes without an answer.
    pub(crate) missing: Vec<String>,
}

/// What a node without sockets announces of itself, for the lists of the others.
pub fn about(roles: Vec<String>) -> Bytes {
    About { roles, version: version(), ..About::default() }.seal()
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

impl About {
    pub(crate) fn of(shared: &Shared) -> Self {
        Self {
            roles: shared.config.roles.clone(),
            version: version(),
            sockets: shared.sessions.len(),
            sockets_max: shared.config.limits.sockets,
            accepts_per_second: usize::try_from(shared.config.limits.accepts_per_second)
                .unwrap_or(usize::MAX),
            leaving: shared.drain.is_leaving(),
            silent: shared.echo.is_silent(),
            address: shared.forwarding.address.clone(),
            ticket: shared.forwarding.ticket.clone(),
        }
    }

    /// A node that says nothing, or nothing that can be read, lives all the same.
    pub(crate) fn read(living: &Living) -> Self {
        serde_json::from_slice(&living.about).unwrap_or_default()
    }

    /// How many more sockets it takes.
    pub(crate) fn headroom(&self) -> usize {
        self.sockets_max.saturating_sub(self.sockets)
    }

    /// Whether it ends sockets, and goes on doing so.
    pub(crate) fn takes_newcomers(&self) -> bool {
        self.sockets_max > 0 && !self.leaving
    }

    fn seal(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts and numbers are JSON").into()
    }
}

/// Lets the others know what changes here, until `stop`.
pub(crate) async fn announce(shared: &Shared, stop: CancellationToken) {
    let mut looks = interval(NEWS_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut announced = None;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        hearing::look(shared).await;
        let about = Some(About::of(shared));
        if about != announced {
            shared.nodes.announce(about.as_ref().map(About::seal).unwrap_or_default());
            announced = about;
        }
    }
}

/// Asks every other gateway.
pub(crate) async fn ask_all(shared: &Shared, question: &Question) -> Result<Others, SignalError> {
    let asked = shared.nodes.ask_all(questions::seal(question), ANSWER_WAIT).await?;
    let mut others = Others::default();
    others.missing.extend(asked.missing.iter().map(NodeId::to_string));
    for (node, answer) in asked.answers {
        match questions::open(&answer) {
            Some(Answer::Unknown) | None => {
                shared.events.stranger(&node);
                others.missing.push(node.to_string());
            }
            Some(Answer::Unable | Answer::Busy) => others.missing.push(node.to_string()),
            Some(answer) => others.answers.push(answer),
        }
    }
    Ok(others)
}

/// Asks one gateway. `None`: it did not answer, or not so that it is understood.
pub(crate) async fn ask(
    shared: &Shared,
    node: &NodeId,
    question: &Question,
) -> Result<Option<Answer>, SignalError> {
    let answer = shared.nodes.ask(node, questions::seal(question), ANSWER_WAIT).await?;
    Ok(answer.and_then(|answer| questions::open(&answer)))
}

/// Asks the gateway whose socket this is: its name begins the id. `None`: none that lives.
pub(crate) async fn ask_home(
    shared: &Shared,
    id: &SocketId,
    question: &Question,
) -> Result<Option<(NodeId, Option<Answer>)>, SignalError> {
    let me = &shared.config.node;
    let living = shared.nodes.living().await?.into_iter().map(|living| living.node);
    let home = living.filter(|node| node != me).find(|node| Ids::is_of(node, id));
    let answer = match &home {
        Some(home) => ask(shared, home, question).await?,
        None => Some(Answer::NotHere),
    };
    if shared.recovery.is_some() && matches!(answer, Some(Answer::NotHere)) {
        return ask_hosts(shared, question).await;
    }
    Ok(home.map(|home| (home, answer)))
}

/// The same of a socket that is not where its id says: its client has come back to another node, if at all.
async fn ask_hosts(
    shared: &Shared,
    question: &Question,
) -> Result<Option<(NodeId, Option<Answer>)>, SignalError> {
    let asked = shared.nodes.ask_all(questions::seal(question), ANSWER_WAIT).await?;
    let answers = asked.answers.into_iter();
    let mut answers = answers.map(|(node, answer)| (node, questions::open(&answer)));
    Ok(answers.find(|(_, answer)| matches!(answer, Some(Answer::Sent { .. } | Answer::Done(_)))))
}
