//! A worker that writes to the stream in Redis, and knows what Redis has taken.

use std::{
    collections::VecDeque,
    io,
    net::Ipv4Addr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::sleep,
};

use crate::trial::{Work, end_of};

/// Messages written before the first answer is read.
const PIPELINE_LEN: usize = 200;
/// Before a further try where Redis does not answer.
const PAUSE: Duration = Duration::from_millis(20);

/// Progress of all tasks of user 5, round by round, and then their ends.
pub(crate) fn messages(name: &str, tasks: usize, progress: usize) -> VecDeque<Value> {
    let identity = |task: usize| format!("{name}-{task}");
    let rounds = (0..progress).flat_map(|round| (0..tasks).map(move |task| (round, task)));
    let progress = rounds.map(|(round, task)| progress_of(&identity(task), round));
    progress.chain((0..tasks).map(|task| end_of(&identity(task)))).collect()
}

fn progress_of(identity: &str, percent: usize) -> Value {
    json!({ "identity": identity, "userIdentity": 5, "status": 100, "progress": percent })
}

/// Writes them in their order. What was not answered is written again: Redis may have it or not.
pub(crate) async fn write(port: u16, mut messages: VecDeque<Value>, work: Arc<Work>) {
    while !messages.is_empty() {
        if write_while_it_answers(port, &mut messages, &work).await.is_err() {
            work.refused.fetch_add(1, Ordering::Relaxed);
            sleep(PAUSE).await;
        }
    }
    work.writing.fetch_sub(1, Ordering::Relaxed);
}

async fn write_while_it_answers(
    port: u16,
    messages: &mut VecDeque<Value>,
    work: &Work,
) -> io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?);
    while !messages.is_empty() {
        let written: Vec<_> = messages.iter().take(PIPELINE_LEN).map(Value::to_string).collect();
        let commands =
            written.iter().map(|json| format!("XADD carillon:tasks * json '{json}'\r\n"));
        stream.write_all(commands.collect::<String>().as_bytes()).await?;
        for _ in &written {
            answered(&mut stream).await?;
            let taken = messages.pop_front().unwrap();
            if taken["status"] == 1000 {
                work.accepted.lock().insert(taken["identity"].as_str().unwrap().to_owned());
            }
        }
    }
    Ok(())
}

/// An id is a length and itself; anything else is an error.
async fn answered(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let (mut len, mut id) = (String::new(), String::new());
    stream.read_line(&mut len).await?;
    if !len.starts_with('$') {
        return Err(io::Error::other(len));
    }
    stream.read_line(&mut id).await?;
    if id.ends_with('\n') { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
