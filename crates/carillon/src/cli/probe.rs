//! `carillon probe`: hands in a task and waits for its notice by polling and by WebSocket, as stock
//! Socket.IO clients would. What it says of a cluster holds for what stands in front of it, too.

mod packet;
mod polling;
mod websocket;

use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use http::{Method, StatusCode};
use rand::RngExt as _;
use rustls::ClientConfig;
use serde_json::json;
use tokio::time::{self, Instant};

pub(super) use self::polling::Polling;
use self::{packet::Packet, websocket::WebSocket};
use crate::{
    cli::{Console, api::Api, arguments::ProbeArgs, block_on, remote::Remote, trust},
    exit::{Exit, Failure},
    settings::{API_KEY, TOKEN},
};

const NAMESPACE: &str = "/notice";
/// Engine.IO's word for leaving.
const GOODBYE: &str = "1";

/// A way to speak Engine.IO 4.
trait Transport {
    const NAME: &str;

    async fn say(&mut self, packet: String) -> anyhow::Result<()>;

    /// What came next, one packet or several.
    async fn hear(&mut self) -> anyhow::Result<Vec<String>>;
}

pub(super) fn probe(args: &ProbeArgs, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let clients = Remote::parse("--url", &args.url, "http://127.0.0.1:8000")?;
    let rules = trust::rules(&clients, &args.tls)?;
    let workers = Remote::parse("--to", &args.to, "http://127.0.0.1:8001")?;
    let api = Api::new(workers, console.environment.get(API_KEY).cloned(), &args.tls)?;
    let show = match console.environment.get(TOKEN) {
        Some(token) => json!({ "token": token }),
        None => json!({ "user": args.user }),
    }
    .to_string();
    let took = block_on(async {
        let probing = probed(&clients, rules, &api, args, &show);
        time::timeout(args.within, probing).await.map_err(|_elapsed| late(args))?
    })?;
    for (name, took) in took {
        writeln!(console.out, "{name}: the notice came after {} ms", took.as_millis())?;
    }
    Ok(Exit::Stopped)
}

fn late(args: &ProbeArgs) -> Failure {
    let error = anyhow!("wait for the notice of a task: it did not come within {:?}", args.within);
    Failure::hinted(error, "do both addresses lead to nodes that share one Redis?")
}

async fn probed(
    clients: &Remote,
    rules: ClientConfig,
    api: &Api,
    args: &ProbeArgs,
    show: &str,
) -> Result<[(&'static str, Duration); 2], Failure> {
    let mut polling = seated(Polling::open(clients, rules.clone(), &args.path).await, show).await?;
    let mut websocket = seated(WebSocket::open(clients, rules, &args.path).await, show).await?;
    let took = timed(api, &args.user, &mut polling, &mut websocket).await;
    // Who goes without a word counts as a reader that stands still. What was to be found out is known all the same.
    drop(tokio::join!(polling.say(GOODBYE.to_owned()), websocket.say(GOODBYE.to_owned())));
    took
}

/// How long a task's end takes from the hand-in to each of the two.
async fn timed(
    api: &Api,
    user: &str,
    polling: &mut Polling,
    websocket: &mut WebSocket,
) -> Result<[(&'static str, Duration); 2], Failure> {
    let identity = format!("probe-{:016x}", rand::rng().random::<u64>());
    let handed_in = Instant::now();
    hand_in(api, user, &identity).await?;
    let (polled, pushed) =
        tokio::try_join!(noticed(polling, &identity), noticed(websocket, &identity))?;
    Ok([
        (Polling::NAME, polled.duration_since(handed_in)),
        (WebSocket::NAME, pushed.duration_since(handed_in)),
    ])
}

async fn hand_in(api: &Api, user: &str, identity: &str) -> Result<(), Failure> {
    let end = json!({ "identity": identity, "userIdentity": user, "status": 1000 });
    let body = Bytes::from(end.to_string());
    let answer = api.call(Method::POST, "/v1/tasks", "application/json", body).await?;
    match answer.status {
        StatusCode::ACCEPTED => Ok(()),
        _ => Err(api.refused("hand in a task", &answer)),
    }
}

/// Takes a seat in the namespace of tasks.
async fn seated<T: Transport>(opened: anyhow::Result<T>, show: &str) -> Result<T, Failure> {
    let doing = format!("take a seat by {}", T::NAME);
    let failed = |error: anyhow::Error| {
        Failure::hinted(
            error.context(doing.clone()),
            "is --url where clients connect, 8000 by default?",
        )
    };
    let mut transport = opened.map_err(failed)?;
    transport.say(format!("40{NAMESPACE},{show}")).await.map_err(failed)?;
    loop {
        for packet in transport.hear().await.map_err(failed)? {
            match Packet::read(&packet) {
                Packet::Seated => return Ok(transport),
                Packet::Refused(why) => {
                    let hint =
                        "where auth.mode is not none, give a token of --user in CARILLON_TOKEN";
                    return Err(Failure::hinted(anyhow!("{doing}: {why}"), hint));
                }
                Packet::Ping => transport.say("3".to_owned()).await.map_err(failed)?,
                Packet::Ended => return Err(failed(anyhow!("the server closed it"))),
                Packet::Event(_) | Packet::Other => {}
            }
        }
    }
}

/// When the end of that task came.
async fn noticed(transport: &mut impl Transport, identity: &str) -> Result<Instant, Failure> {
    loop {
        for packet in transport.hear().await? {
            match Packet::read(&packet) {
                Packet::Event(task) if task["identity"] == identity => return Ok(Instant::now()),
                Packet::Ping => transport.say("3".to_owned()).await?,
                Packet::Ended => return Err(anyhow!("the server closed a socket").into()),
                _ => {}
            }
        }
    }
}
