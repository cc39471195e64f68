//! A way to Redis that is long, or that a connection is lost on without a word.

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

/// Hands bytes on between whoever connects and one port, until it is dropped.
pub(super) struct Detour {
    port: u16,
    frozen: Frozen,
    astray: Astray,
    _tasks: JoinSet<()>,
}

/// Connections, by their number from 0, on which nothing comes back.
type Frozen = Arc<Mutex<HashSet<usize>>>;

/// Connections, by their number from 0, that lead to another port.
type Astray = Arc<Mutex<HashMap<usize, u16>>>;

impl Detour {
    /// `delay` is for one way.
    pub(super) async fn to(target: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a port");
        let port = listener.local_addr().expect("it is bound").port();
        let (frozen, astray) = (Frozen::default(), Astray::default());
        let mut tasks = JoinSet::new();
        let led = Arc::clone(&astray);
        tasks.spawn(accept(listener, target, delay, Arc::clone(&frozen), led));
        Self { port, frozen, astray, _tasks: tasks }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection that is still to be made will lead there.
    pub(super) fn lead_astray(&self, connection: usize, port: u16) {
        self.astray.lock().expect("nobody panics here").insert(connection, port);
    }

    pub(super) fn freeze(&self, connection: usize) {
        self.frozen.lock().expect("nobody panics here").insert(connection);
    }

    pub(super) fn thaw(&self, connection: usize) {
        self.frozen.lock().expect("nobody panics here").remove(&connection);
    }
}

async fn accept(
    listener: TcpListener,
    target: u16,
    delay: Duration,
    frozen: Frozen,
    astray: Astray,
) {
    let mut ways = JoinSet::new();
    for number in 0.. {
        let Ok((near, _)) = listener.accept().await else { return };
        let led = astray.lock().expect("nobody panics here").remove(&number);
        let target = led.unwrap_or(target);
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { continue };
        let ((near_read, near_write), (far_read, far_write)) =
            (near.into_split(), far.into_split());
        ways.spawn(carry(near_read, far_write, delay, None));
        ways.spawn(carry(far_read, near_write, delay, Some((number, Arc::clone(&frozen)))));
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    frozen: Option<(usize, Frozen)>,
) {
    let (sender, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(1_000);
    let read = async move {
        let mut bytes = vec![0; 65_536];
        loop {
            let Ok(len @ 1..) = from.read(&mut bytes).await else { return };
            while frozen.as_ref().is_some_and(|(number, frozen)| {
                frozen.lock().expect("nobody panics here").contains(number)
            }) {
                sleep(Duration::from_millis(5)).await;
            }
            if sender.send((Instant::now() + delay, bytes[..len].to_vec())).await.is_err() {
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
