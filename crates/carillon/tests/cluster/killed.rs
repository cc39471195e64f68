//! Rooms over three processes: one holder, however the last one went. A short form, and the long one for
//! `cargo xtask soak`.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::{Instant, sleep, timeout},
};

use crate::{
    page::{DEADLINE, Page},
    rooms::send,
    server::Server,
};

const LEASE: Duration = Duration::from_secs(2);
/// How long Redis stands still: longer than a lease.
const STALL: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_room_has_one_holder_however_the_last_one_went() {
    let mut hall = Hall::open(60).await;
    for round in 0..6 {
        hall.play(round).await;
    }
}

#[tokio::test]
#[ignore = "many minutes: cargo xtask soak"]
async fn soak_a_room_has_one_holder_however_the_last_one_went() {
    let mut hall = Hall::open(200).await;
    for round in 0..100 {
        hall.play(round).await;
    }
}

/// Three processes on one Redis, and their clients.
struct Hall {
    redis: Server,
    nodes: Vec<Process>,
    guests: Vec<Guest>,
}

struct Process {
    child: Child,
    addr: String,
    /// Read, so that the process never waits for its log.
    _log: Lines<BufReader<ChildStderr>>,
}

struct Guest {
    node: usize,
    page: Page,
}

impl Process {
    async fn start(redis: &Server) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_carillon"))
            .args(["serve", "--public-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0"])
            .args(["--set", &format!("redis.url={}", redis.url())])
            .args(["--set", &format!("leases.login={}s", LEASE.as_secs())])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut started = Value::Null;
        while started["message"] != "node started" {
            let line = timeout(DEADLINE, log.next_line()).await.expect("it starts in time");
            started = serde_json::from_str(&line.unwrap().expect("it starts")).unwrap();
        }
        let addr = started["public.addr"].as_str().unwrap().to_owned();
        Self { child, addr, _log: log }
    }
}

impl Guest {
    async fn of(nodes: &[Process], node: usize) -> Self {
        let mut page = Page::open(&nodes[node].addr, "namespace=/").await;
        assert_eq!(page.code().await, "2001");
        Self { node, page }
    }
}

impl Hall {
    async fn open(guests: usize) -> Self {
        let redis = Server::start(&[]).await;
        redis.settle("carillon").await;
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(Process::start(&redis).await);
        }
        let mut hall = Self { redis, nodes, guests: Vec::new() };
        while hall.guests.len() < guests {
            let node = hall.guests.len() % 3;
            hall.guests.push(Guest::of(&hall.nodes, node).await);
        }
        hall
    }

    /// One room: a rush, an end of its holder, and one holder again.
    async fn play(&mut self, round: usize) {
        let room = format!("round {round}");
        let kinds: &[&str] = match round / 3 % 3 {
            0 => &["loginWhenFirst"],
            1 => &["loginWhenLast"],
            _ => &["loginWhenFirst", "loginWhenLast", "loginWhenLast"],
        };
        let told = self.rush(&room, kinds).await;
        let holders: Vec<_> = (0..told.len()).filter(|at| told[*at] == ["2002"]).collect();
        let [holder] = holders[..] else { panic!("{room} {kinds:?}: {told:?}") };
        for codes in &told {
            let is_known = [vec!["2002"], vec!["2004"], vec!["2002", "2005"]].contains(codes);
            assert!(is_known, "{room} {kinds:?}: {codes:?}");
        }
        self.end(holder, round).await;
        let next = self.first_of_all(&room).await;
        let next = next.unwrap_or_else(|| panic!("{room}: nobody got in"));
        // Or it would be put out of this room in the midst of another.
        self.guests[next].page.say("leaveRoom", &json!([room])).await;
        self.refill().await;
    }

    /// Everybody logs in at once. What each is told, until all is quiet.
    async fn rush(&mut self, room: &str, kinds: &[&'static str]) -> Vec<Vec<&'static str>> {
        for (at, guest) in self.guests.iter_mut().enumerate() {
            guest.page.say("loginRoom", &json!([room, kinds[at % kinds.len()]])).await;
        }
        let mut told = Vec::new();
        for guest in &mut self.guests {
            told.push(vec![known(&guest.page.code().await)]);
        }
        sleep(Duration::from_millis(500)).await;
        for (codes, guest) in told.iter_mut().zip(&mut self.guests) {
            while let Ok(code) = timeout(Duration::from_millis(5), guest.page.code()).await {
                codes.push(known(&code));
            }
        }
        told
    }

    /// Ends the holder's stay: its process is killed, it vanishes, or Redis stands still for too long.
    async fn end(&mut self, holder: usize, round: usize) {
        match round % 3 {
            0 => {
                let node = self.guests[holder].node;
                self.nodes[node].child.kill().await.unwrap();
                self.guests.retain(|guest| guest.node != node);
                self.nodes[node] = Process::start(&self.redis).await;
            }
            1 => drop(self.guests.swap_remove(holder)),
            _ => {
                let since = Instant::now();
                send("-STOP", self.redis.pid()).await;
                assert_eq!(self.guests[holder].page.code().await, "2005");
                let took = since.elapsed();
                assert!(took < LEASE, "round {round}: it was told after {took:?}");
                sleep(STALL.saturating_sub(took)).await;
                send("-CONT", self.redis.pid()).await;
            }
        }
    }

    /// Everybody tries to be the first until one is. `None`: nobody was in time.
    async fn first_of_all(&mut self, room: &str) -> Option<usize> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            let mut told = Vec::new();
            for guest in &mut self.guests {
                guest.page.say("loginRoom", &json!([room])).await;
            }
            for guest in &mut self.guests {
                told.push(known(&guest.page.code().await));
            }
            let holders: Vec<_> = (0..told.len()).filter(|at| told[*at] == "2002").collect();
            assert!(holders.len() <= 1, "{room}: {told:?}");
            if let Some(holder) = holders.first() {
                return Some(*holder);
            }
            sleep(LEASE / 10).await;
        }
        None
    }

    /// As many guests on each node as in the beginning.
    async fn refill(&mut self) {
        let most = (0..3).map(|node| self.count(node)).max().unwrap_or_default();
        for node in 0..3 {
            while self.count(node) < most {
                self.guests.push(Guest::of(&self.nodes, node).await);
            }
        }
    }

    fn count(&self, node: usize) -> usize {
        self.guests.iter().filter(|guest| guest.node == node).count()
    }
}

fn known(code: &str) -> &'static str {
    let codes = ["2002", "2003", "2004", "2005"];
    codes.into_iter().find(|known| *known == code).expect("no other code is told here")
}
