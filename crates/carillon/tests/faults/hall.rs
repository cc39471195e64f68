//! Three processes on one Redis, each by a way of its own, and their guests.

use std::{ops::Range, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::{
    detour::Detour,
    guest::{Guest, Told},
    page::DEADLINE,
    process::Process,
    server::Server,
};

const NODES: usize = 3;
/// After this nothing more comes of a rush.
const QUIET: Duration = Duration::from_millis(500);

pub(crate) struct Hall {
    pub(crate) detours: Vec<Detour>,
    pub(crate) guests: Vec<Guest>,
    nodes: Vec<Process>,
    redis: Server,
    settings: Vec<Setting>,
}

pub(crate) type Setting = (&'static str, &'static str);

/// What one guest was told of one login, at least one thing.
#[derive(Debug)]
pub(crate) struct Story(Vec<Told>);

impl Story {
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.0.iter().map(|told| told.code.as_str()).collect()
    }

    pub(crate) fn last(&self) -> &Told {
        self.0.last().expect("it was told something")
    }
}

impl Hall {
    pub(crate) async fn open(guests: usize, settings: &[Setting]) -> Self {
        let redis = Server::start(&[]).await;
        redis.settle("carillon").await;
        let (mut detours, mut nodes) = (Vec::new(), Vec::new());
        for _ in 0..NODES {
            let detour = Detour::to(redis.port(), Duration::ZERO).await;
            nodes.push(start(&detour, settings).await);
            detours.push(detour);
        }
        let mut hall =
            Self { detours, guests: Vec::new(), nodes, redis, settings: settings.to_vec() };
        hall.fill(guests).await;
        hall
    }

    /// Everybody logs in at once. What each is told, until all is quiet.
    pub(crate) async fn rush(&mut self, room: &str, kinds: &[&str]) -> Vec<Story> {
        self.all_say(room, kinds, 0..self.guests.len()).await;
        self.all_hear().await
    }

    /// These guests log in, with one kind after the other.
    pub(crate) async fn all_say(&mut self, room: &str, kinds: &[&str], guests: Range<usize>) {
        for at in guests {
            let unasked: Vec<_> = self.guests[at].rest().collect();
            assert!(unasked.is_empty(), "{room}: guest {at} was told {unasked:?}");
            self.guests[at].log_in(room, kinds[at % kinds.len()]).await;
        }
    }

    pub(crate) async fn all_hear(&mut self) -> Vec<Story> {
        let mut told = Vec::new();
        for guest in &mut self.guests {
            told.push(Story(vec![guest.told().await]));
        }
        sleep(QUIET).await;
        for (story, guest) in told.iter_mut().zip(&mut self.guests) {
            story.0.extend(guest.rest());
        }
        told
    }

    /// Kills a node, whose guests go with it, and starts another in its place.
    pub(crate) async fn kill(&mut self, node: usize) {
        self.nodes[node].kill().await;
        drop(self.dismiss(node));
        self.nodes[node] = start(&self.detours[node], &self.settings).await;
    }

    /// Takes the guests of a node out of what follows.
    pub(crate) fn dismiss(&mut self, node: usize) -> Vec<Guest> {
        self.guests.extract_if(.., |guest| guest.node == node).collect()
    }

    pub(crate) fn signal_redis(&self, signal: Signal) {
        let pid = i32::try_from(self.redis.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// As many guests as before, and every node decides logins again.
    pub(crate) async fn recover(&mut self, guests: usize) {
        self.fill(guests).await;
        for node in 0..NODES {
            let mut guest = Guest::of(&self.nodes[node].public, node).await;
            let until = Instant::now() + DEADLINE;
            loop {
                guest.log_in(&format!("of node {node}"), "loginWhenLast").await;
                match &*guest.told().await.code {
                    "2002" => break,
                    code => assert!(Instant::now() < until, "node {node} goes on with {code}"),
                }
            }
        }
    }

    async fn fill(&mut self, guests: usize) {
        while self.guests.len() < guests {
            let count =
                |node: &usize| self.guests.iter().filter(|guest| guest.node == *node).count();
            let node = (0..NODES).min_by_key(count).expect("there are nodes");
            self.guests.push(Guest::of(&self.nodes[node].public, node).await);
        }
    }
}

async fn start(detour: &Detour, settings: &[Setting]) -> Process {
    let url = detour.url();
    let mut all = vec![("redis.url", url.as_str())];
    all.extend(settings);
    Process::start(&all).await
}
