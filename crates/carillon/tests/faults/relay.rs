//! A road to Redis that takes its time.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// What may be on the road at once, in reads.
const READS_MAX: usize = 1024;

/// What each way takes, in milliseconds.
type Delay = Arc<AtomicU64>;

/// Passes bytes on, each a while after it came. It ends with its handle.
pub(crate) struct Relay {
    addr: SocketAddr,
    delay: Delay,
    _running: JoinSet<()>,
}

impl Relay {
    /// To the Redis at `to` (`redis://host:port`), `delay` in each direction.
    pub(crate) async fn to(to: &str, delay: Duration) -> Self {
        let to = to.strip_prefix("redis://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut running = JoinSet::new();
        let relay = Delay::default();
        let of_roads = Arc::clone(&relay);
        running.spawn(async move {
            let mut roads = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                roads.spawn(join(near, to.clone(), Arc::clone(&of_roads)));
            }
        });
        let relay = Self { addr, delay: relay, _running: running };
        relay.takes(delay);
        relay
    }

    /// Changes what each way takes from now on.
    pub(crate) fn takes(&self, delay: Duration) {
        self.delay.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }
}

async fn join(near: TcpStream, to: String, delay: Delay) {
    let Ok(far) = TcpStream::connect(to).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(pass(near_in, far_out, &delay), pass(far_in, near_out, &delay));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: &Delay) {
    let (sender, mut on_the_road) = mpsc::channel::<(Instant, Vec<u8>)>(READS_MAX);
    let read = async {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(len @ 1..) = from.read(&mut bytes).await {
            let arrives = Instant::now() + Duration::from_millis(delay.load(Ordering::Relaxed));
            if sender.send((arrives, bytes[..len].to_vec())).await.is_err() {
                return;
            }
        }
        drop(sender);
    };
    let write = async {
        while let Some((arrives, bytes)) = on_the_road.recv().await {
            sleep_until(arrives).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
