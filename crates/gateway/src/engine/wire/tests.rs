//! A wire under TLS, with a real client of rustls on loopback.

use std::{
    future::poll_fn,
    io::{Read, Write},
    net::{Shutdown, TcpStream as StdStream},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, ServerConnection, StreamOwned};
use socket2::SockRef;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use super::*;
use crate::tls::papers::Papers;

const DEADLINE: Duration = Duration::from_secs(20);

type Client = StreamOwned<ClientConnection, StdStream>;

/// A wire and the client at its other end, which is moved to a thread to be used.
async fn pair() -> (Wire, Client) {
    let (ours, theirs) = Papers::new().both_sides();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let client = spawn_blocking(move || connect(ours, StdStream::connect(addr).unwrap()));
    let (stream, _) = listener.accept().await.unwrap();
    let wire = Wire::tls(stream, ServerConnection::new(theirs).unwrap()).await.unwrap();
    (wire, client.await.unwrap())
}

fn connect(config: Arc<ClientConfig>, mut stream: StdStream) -> Client {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut tls = ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).unwrap();
    }
    StreamOwned::new(tls, stream)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

/// Writes all of it, as a connection's task does, which says so each time that it has to wait.
async fn write_all(wire: &Wire, bytes: &[u8], waits: Sender<()>) {
    let mut written = 0;
    while written < bytes.len() {
        let taken = wire.try_write(&bytes[written..]).unwrap();
        written += taken;
        if taken == 0 {
            waits.send(()).unwrap();
            poll_fn(|cx| wire.poll_write_ready(cx)).await.unwrap();
            wire.try_flush().unwrap();
        }
    }
    drop(waits);
    poll_fn(|cx| wire.poll_flush(cx)).await.unwrap();
}

fn read_exactly(mut client: Client, len: usize) -> JoinHandle<(Vec<u8>, Client)> {
    spawn_blocking(move || {
        let mut bytes = vec![0; len];
        client.read_exact(&mut bytes).unwrap();
        (bytes, client)
    })
}

/// Reads once something is there.
async fn read(wire: &Wire, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        timeout(DEADLINE, poll_fn(|cx| wire.poll_read_ready(cx))).await.expect("it is woken")?;
        match wire.try_read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

#[tokio::test]
async fn megabytes_through_a_tiny_buffer_arrive_whole_and_in_order() {
    let (wire, mut client) = pair().await;
    SockRef::from(wire.tcp()).set_send_buffer_size(4096).unwrap();
    SockRef::from(&client.sock).set_recv_buffer_size(1 << 16).unwrap();
    let bytes = pattern(3_000_000);
    let (waits, waited) = channel();
    // It reads a part for each wait, however fast it is.
    let reading = spawn_blocking(move || {
        let mut parts = vec![0; 3_000_000];
        let mut waits = 0;
        for part in parts.chunks_mut(1 << 17) {
            waits += usize::from(waited.recv().is_ok());
            client.read_exact(part).unwrap();
        }
        (parts, waits)
    });
    timeout(DEADLINE, write_all(&wire, &bytes, waits)).await.unwrap();
    let (read, waits) = reading.await.unwrap();
    assert!(waits > 10, "the socket took all at once, which shows nothing");
    assert!(read == bytes);
}

#[tokio::test]
async fn a_reader_that_stands_still_costs_one_record() {
    let (wire, client) = pair().await;
    let record = pattern(16 * 1024);
    let mut taken = 0;
    loop {
        match wire.try_write(&record).unwrap() {
            0 => break,
            more => taken += more,
        }
    }
    assert!(wire.holds());
    assert_eq!(wire.try_write(b"more").unwrap(), 0);
    let reading = read_exactly(client, taken);
    timeout(DEADLINE, poll_fn(|cx| wire.poll_flush(cx))).await.unwrap().unwrap();
    assert!(!wire.holds());
    reading.await.unwrap();
}

#[tokio::test]
async fn what_was_opened_and_not_read_is_news_without_the_socket() {
    let (wire, mut client) = pair().await;
    let sent = pattern(3_000);
    client.write_all(&sent).unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 7];
    while heard.len() < sent.len() {
        let read = read(&wire, &mut buffer).await.unwrap();
        heard.extend_from_slice(&buffer[..read]);
    }
    assert!(heard == sent);
    assert_eq!(wire.try_read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn many_small_pieces_leave_together_and_arrive_in_order() {
    let (wire, client) = pair().await;
    let pieces: Vec<Vec<u8>> = (0..32_u8).map(|number| vec![number; 100]).collect();
    let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    assert_eq!(wire.try_write_vectored(&slices).unwrap(), 3_200);
    assert!(read_exactly(client, 3_200).await.unwrap().0 == pieces.concat());
}

#[tokio::test]
async fn an_end_is_said_to_the_client_and_heard_from_it() {
    let (wire, mut client) = pair().await;
    assert_eq!(wire.try_write(b"bye").unwrap(), 3);
    wire.say_end().unwrap();
    let mut heard = Vec::new();
    // Without the alert this would be an error: the end might be somebody else's doing.
    client.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"bye");
    client.conn.send_close_notify();
    client.flush().unwrap();
    assert_eq!(read(&wire, &mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_goes_without_a_word_is_gone() {
    let (wire, client) = pair().await;
    client.sock.shutdown(Shutdown::Both).unwrap();
    assert_eq!(read(&wire, &mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_an_error_and_stays_one() {
    let (wire, mut client) = pair().await;
    client.sock.write_all(&[23, 3, 3, 0, 32]).unwrap();
    client.sock.write_all(&[7; 32]).unwrap();
    for _ in 0..2 {
        let error = read(&wire, &mut [0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
