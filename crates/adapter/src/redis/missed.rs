//! What somebody has missed of an audience, plain notices among it.

use fred::types::Value;
use notice::{Audience, Kind, Position};

use crate::{
    error::BusError,
    redis::bus::{Bus, ask, broken, position},
    store::{CatchUp, Since, Standing},
};

impl Bus {
    pub(crate) async fn standing(&self, audience: &Audience) -> Result<Option<Standing>, BusError> {
        let answer = self.scripts.missed.run(&self.client, &self.missed_args(audience, None)).await;
        let parts = ask(audience, answer)?.into_array();
        if parts.is_empty() {
            return Ok(None);
        }
        standing(&parts).map(Some).ok_or_else(|| broken(audience))
    }

    pub(crate) async fn missed(
        &self,
        audience: &Audience,
        since: &Position,
    ) -> Result<CatchUp, BusError> {
        let args = self.missed_args(audience, Some(since.seq));
        let parts = ask(audience, self.scripts.missed.run(&self.client, &args).await)?;
        let mut parts = parts.into_array();
        if parts.is_empty() {
            return Ok(Standing::forgotten(audience, since));
        }
        let standing = standing(&parts).ok_or_else(|| broken(audience))?;
        let all = parts.drain(3..).flat_map(|envelopes| self.open(envelopes));
        Ok(standing.missed(audience, since, all))
    }

    fn missed_args(&self, audience: &Audience, since: Option<u64>) -> Vec<Value> {
        let mut args = self.args(audience);
        args.push(since.map(|seq| seq.to_string()).unwrap_or_default().into());
        args
    }

    /// What may be read after a cursor: where plain notices are kept for a while, those too.
    pub(super) async fn all_after(
        &self,
        audience: &Audience,
        since: Since<'_>,
    ) -> Result<CatchUp, BusError> {
        let mut caught = self.catch_up(audience, since).await?;
        let (Since::Position(since), Some(newest)) = (since, &caught.position) else {
            return Ok(caught);
        };
        if self.config.seats_held.is_none() || since.epoch != newest.epoch {
            return Ok(caught);
        }
        let mut plain = self.missed(audience, since).await?.finals;
        plain.retain(|it| it.draft.kind == Kind::Plain && it.position.seq <= newest.seq);
        caught.finals.extend(plain);
        Ok(caught)
    }
}

fn standing(parts: &[Value]) -> Option<Standing> {
    let [epoch, seq, gone, ..] = parts else { return None };
    Some(Standing { position: position(epoch, seq)?, gone_seq: gone.as_u64()? })
}
