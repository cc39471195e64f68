//! The dead letters in Redis: looked through, handed in again, let go.

use bytes::Bytes;
use fred::{clients::Client, error::Error, interfaces::ClientLike, types::Value};
use notice::Stamp;

use crate::{
    dead_letters::DeadLetter,
    redis::{
        graves::letter,
        keys::Keys,
        wire::{RawEntry, call, entries, text_of, words},
    },
};

/// Letters looked at in one trip.
const PAGE_LEN: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct RedisLetters {
    client: Client,
    tasks: String,
    dead: String,
}

impl RedisLetters {
    pub(crate) fn new(client: Client, prefix: &str) -> Self {
        let keys = Keys::new(prefix);
        Self { client, tasks: keys.tasks(), dead: keys.dead() }
    }

    /// Up to `len_max` of them, newest first; only those older than `before`.
    pub(crate) async fn page(
        &self,
        before: Option<Stamp>,
        len_max: usize,
    ) -> Result<Vec<(Stamp, DeadLetter)>, Error> {
        let end = before.map_or_else(|| "+".to_owned(), |id| format!("({}", text_of(id)));
        let args = words([&self.dead, &end, "-", "COUNT", &len_max.to_string()]);
        let page = entries(call(&self.client, "XREVRANGE", 0, args).await?);
        Ok(page.iter().map(|entry| (entry.id, letter(entry))).collect())
    }

    pub(crate) async fn count(&self) -> Result<usize, Error> {
        let len = call(&self.client, "XLEN", 0, words([&self.dead])).await?;
        Ok(len.as_usize().unwrap_or_default())
    }

    pub(crate) async fn drop_one(&self, id: Stamp) -> Result<usize, Error> {
        let gone = call(&self.client, "XDEL", 0, words([&self.dead, &text_of(id)])).await?;
        Ok(gone.as_usize().unwrap_or_default())
    }

    /// Lets all of them go, and says how many.
    pub(crate) async fn drop_all(&self) -> Result<usize, Error> {
        let gone = call(&self.client, "XTRIM", 0, words([&self.dead, "MAXLEN", "0"])).await?;
        Ok(gone.as_usize().unwrap_or_default())
    }

    pub(crate) async fn replay_one(&self, id: Stamp) -> Result<usize, Error> {
        let id = text_of(id);
        let found = entries(call(&self.client, "XRANGE", 0, words([&self.dead, &id, &id])).await?);
        self.replay(&found).await
    }

    /// Those that were there when it began, the oldest first: what dies again is not tried for ever.
    pub(crate) async fn replay_all(&self) -> Result<usize, Error> {
        let Some((newest, _)) = self.page(None, 1).await?.into_iter().next() else { return Ok(0) };
        let (end, count) = (text_of(newest), PAGE_LEN.to_string());
        let mut replayed = 0;
        loop {
            let args = words([&self.dead, "-", &end, "COUNT", &count]);
            let page = entries(call(&self.client, "XRANGE", 0, args).await?);
            if page.is_empty() {
                return Ok(replayed);
            }
            replayed += self.replay(&page).await?;
        }
    }

    /// First into the stream, then out of the dead ones: cut in between, it is there twice.
    async fn replay(&self, page: &[RawEntry]) -> Result<usize, Error> {
        if page.is_empty() {
            return Ok(0);
        }
        let adding = self.client.pipeline();
        for entry in page {
            let mut args = words([&self.tasks, "*", "json"]);
            args.push(Value::Bytes(Bytes::clone(&letter(entry).json)));
            call(&adding, "XADD", 0, args).await?;
        }
        adding.all::<Vec<Value>>().await?;
        let mut args = words([&self.dead]);
        args.extend(page.iter().map(|entry| Value::from(text_of(entry.id))));
        call(&self.client, "XDEL", 0, args).await?;
        Ok(page.len())
    }

    pub(crate) async fn close(self) {
        // Should Redis be gone, there is no connection to take leave of.
        drop(self.client.quit().await);
    }
}
