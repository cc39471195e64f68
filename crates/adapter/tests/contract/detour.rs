//! A way to Redis that is long, or on which things are lost without a word.

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// What may be on the way at once, in reads.
const READS_MAX: usize = 1024;

/// Hands bytes on between whoever connects and one port, until it is dropped.
pub(crate) struct Detour {
    port: u16,
    jam: watch::Sender<Jam>,
    _tasks: JoinSet<()>,
}

/// Where nothing is handed on, and how long the way is where it is.
#[derive(Default)]
struct Jam {
    /// Connections, by their number from 0, on which nothing comes back.
    frozen: HashSet<usize>,
    /// Connections that lead to another port.
    astray: HashMap<usize, u16>,
    is_everywhere: bool,
    /// What one way takes.
    delay: Duration,
}

#[derive(Clone, Copy)]
enum Lane {
    There,
    Back { connection: usize },
}

impl Detour {
    /// `delay` is for one way.
    pub(crate) async fn to(target: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a port");
        let port = listener.local_addr().expect("it is bound").port();
        let (jam, watched) = watch::channel(Jam { delay, ..Jam::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, watched));
        Self { port, jam, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection that is still to be made will lead there.
    pub(crate) fn lead_astray(&self, connection: usize, port: u16) {
        self.jam.send_if_modified(|jam| jam.astray.insert(connection, port).is_none());
    }

    /// Changes how long the way is from now on.
    pub(crate) fn takes(&self, delay: Duration) {
        self.jam.send_modify(|jam| jam.delay = delay);
    }

    pub(crate) fn freeze(&self, connection: usize) {
        self.jam.send_if_modified(|jam| jam.frozen.insert(connection));
    }

    pub(crate) fn thaw(&self, connection: usize) {
        self.jam.send_if_modified(|jam| jam.frozen.remove(&connection));
    }

    /// Hands nothing on, either way, for whoever is there or comes.
    pub(crate) fn close(&self) {
        self.jam.send_modify(|jam| jam.is_everywhere = true);
    }

    pub(crate) fn open(&self) {
        self.jam.send_modify(|jam| jam.is_everywhere = false);
    }
}

impl Jam {
    fn lets(&self, lane: Lane) -> bool {
        let is_frozen =
            matches!(lane, Lane::Back { connection } if self.frozen.contains(&connection));
        !self.is_everywhere && !is_frozen
    }
}

async fn accept(listener: TcpListener, target: u16, jam: watch::Receiver<Jam>) {
    let mut ways = JoinSet::new();
    for connection in 0.. {
        let Ok((near, _)) = listener.accept().await else { return };
        let target = jam.borrow().astray.get(&connection).copied().unwrap_or(target);
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { continue };
        let ((near_read, near_write), (far_read, far_write)) =
            (near.into_split(), far.into_split());
        ways.spawn(carry(near_read, far_write, Lane::There, jam.clone()));
        ways.spawn(carry(far_read, near_write, Lane::Back { connection }, jam.clone()));
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    lane: Lane,
    mut jam: watch::Receiver<Jam>,
) {
    let (sender, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(READS_MAX);
    let read = async move {
        let mut bytes = vec![0; 65_536];
        loop {
            let Ok(len @ 1..) = from.read(&mut bytes).await else { return };
            if jam.wait_for(|jam| jam.lets(lane)).await.is_err() {
                return;
            }
            let arrives = Instant::now() + jam.borrow().delay;
            if sender.send((arrives, bytes[..len].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some((at, bytes)) = arriving.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        to.shutdown().await.ok();
    };
    tokio::join!(read, write);
}
