//! `carillon publish`: hands in worker messages, over a node's internal API or into the stream in Redis,
//! in calls of a size that is taken.
//!
//! Promise: messages go in their order and unchanged. When one cannot be taken now, it is sent again
//! from there; what was taken is not.

mod batch;
mod client;
mod road;
mod stream;
mod taken;

use std::{
    fs,
    io::{self, Write},
    ops::ControlFlow,
    path::Path,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::{sync::mpsc, task::JoinError};

use self::{
    batch::{Batch, Batches},
    road::{Address, Road},
    taken::Taken,
};
use crate::{
    cli::{Console, arguments::PublishArgs, block_on, input},
    exit::{Exit, Failure},
};

/// Messages that wait between the reader and the sender; the reader waits when they are so many.
const WAITING_LEN_MAX: usize = 64;
/// How often in a row nothing may be taken before this gives up.
const TRIES_MAX: usize = 5;
/// From this size on, a person is shown how far it is.
const BAR_BYTES_MIN: u64 = 1024 * 1024;

/// What became of all messages so far.
#[derive(Debug, Default)]
struct Totals {
    accepted: usize,
    superseded: usize,
    after_final: usize,
    rejected: usize,
}

pub(super) fn publish(args: &PublishArgs, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let address = Address::read(args, console)?;
    let source = input::open(&args.file)?;
    let bar = if console.watched { bar(&args.file) } else { ProgressBar::hidden() };
    let is_stream = address.is_stream();
    let totals = block_on(async {
        let road = address.connect().await?;
        let (sender, messages) = mpsc::channel(WAITING_LEN_MAX);
        let reading = tokio::task::spawn_blocking(move || {
            input::read(source, &mut |form, message| match sender.blocking_send((form, message)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_closed) => ControlFlow::Break(()),
            })
        });
        let mut batches = Batches::new(messages);
        let mut totals = Totals::default();
        while let Some(batch) = batches.next().await {
            let len_bytes = batch.len_bytes() as u64;
            totals.send(batch, &road, console.err).await?;
            bar.inc(len_bytes);
        }
        bar.finish_and_clear();
        road.close().await;
        let ended = reading.await.map_err(|error: JoinError| anyhow::Error::new(error))?;
        Ok((totals, ended))
    });
    let (totals, read) = totals?;
    totals.print(is_stream, console.out)?;
    read?;
    if totals.count() == 0 {
        writeln!(console.err, "hint: the input holds no message")?;
    }
    Ok(if totals.rejected == 0 { Exit::Stopped } else { Exit::Failed })
}

fn bar(file: &Path) -> ProgressBar {
    match fs::metadata(file) {
        Ok(file) if file.is_file() && file.len() >= BAR_BYTES_MIN => {
            let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
            let bar = ProgressBar::new(file.len());
            bar.set_style(style.expect("the template is a constant that indicatif reads"));
            bar
        }
        _ => ProgressBar::hidden(),
    }
}

impl Totals {
    /// Sends a batch until all of it was taken or rejected.
    async fn send(
        &mut self,
        mut batch: Batch,
        road: &Road,
        err: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut tries = 0;
        while !batch.is_empty() {
            let answer = road.hand_in(&batch).await?;
            self.add(&answer, err)?;
            let Some((taken, pause)) = answer.interrupted else { return Ok(()) };
            tries = if taken == 0 { tries + 1 } else { 0 };
            if tries >= TRIES_MAX {
                let first = self.count();
                let error = anyhow::anyhow!("hand in message {first}: {}", answer.message);
                return Err(Failure::hinted(
                    error,
                    "all before it were taken; try it again from there",
                ));
            }
            batch.forget(taken);
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    fn add(&mut self, answer: &Taken, err: &mut dyn Write) -> io::Result<()> {
        let before = self.count();
        for rejection in &answer.rejected {
            writeln!(err, "message {}: {}", before + rejection.index, rejection.error)?;
        }
        self.accepted += answer.accepted;
        self.superseded += answer.superseded;
        self.after_final += answer.after_final;
        self.rejected += answer.rejected.len();
        Ok(())
    }

    /// How many messages have been answered; accepted counts superseded and ended ones too.
    fn count(&self) -> usize {
        self.accepted + self.rejected
    }

    /// A stream says only that it has them; what becomes of them there a node finds out.
    fn print(&self, is_stream: bool, out: &mut dyn Write) -> io::Result<()> {
        let Self { accepted, superseded, after_final, rejected } = self;
        match (is_stream, rejected) {
            (true, 0) => return writeln!(out, "queued {accepted}"),
            (true, _) => return writeln!(out, "queued {accepted}, rejected {rejected}"),
            (false, _) => {}
        }
        writeln!(
            out,
            "accepted {accepted} (superseded {superseded}, after final {after_final}), \
             rejected {rejected}"
        )
    }
}
