//! How a revocation becomes a call of `revoke.lua`, and what `revoked.lua` says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fred::{error::Error, types::Value};
use notice::Revocation;

use crate::{
    error::RevocationError,
    limits::REVOCATIONS_READ_MAX,
    redis::bus::{Bus, count, lasting, millis, odd},
    revocations::{InForce, Mark, News},
};

impl Bus {
    pub(crate) async fn revoke(
        &self,
        revocation: &Revocation,
        keep: Duration,
    ) -> Result<(), RevocationError> {
        let Revocation { whom, before } = revocation;
        let before = before.duration_since(UNIX_EPOCH).unwrap_or_default();
        let len_max = self.config.revocations_max;
        let mut args = Vec::from(self.prefix.revoked_keys());
        args.extend([whom.to_string().into(), millis(before), millis(keep), count(len_max)]);
        let answer = self.scripts.revoke.run(&self.client, &args).await;
        let answer = answer.map_err(|error| revocation_error(&error))?;
        match answer.as_str().as_deref() {
            Some("full") => Err(RevocationError::Full { len_max }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn revoked_since(&self, mark: Mark) -> Result<News, RevocationError> {
        let mut args = Vec::from(self.prefix.revoked_keys());
        args.extend([mark.0.to_string().into(), count(REVOCATIONS_READ_MAX)]);
        let answer = self.scripts.revoked.run(&self.client, &args).await;
        let parts = answer.map_err(|error| revocation_error(&error))?.into_array();
        news(&parts).ok_or_else(|| RevocationError::Broken { reason: odd() })
    }
}

/// What names nobody that this release knows is left out.
fn news(parts: &[Value]) -> Option<News> {
    let [mark, more, entries @ ..] = parts else { return None };
    let entries = entries.chunks_exact(3).filter_map(|entry| {
        let before = Duration::from_millis(entry[1].as_u64()?);
        let revocation = Revocation {
            whom: entry[0].as_str()?.parse().ok()?,
            before: SystemTime::UNIX_EPOCH.checked_add(before)?,
        };
        Some(InForce { revocation, left: Duration::from_millis(entry[2].as_u64()?) })
    });
    Some(News {
        revocations: entries.collect(),
        mark: Mark(mark.as_u64()?),
        more: more.as_u64()? > 0,
    })
}

fn revocation_error(error: &Error) -> RevocationError {
    match lasting(error) {
        Some(reason) => RevocationError::Broken { reason },
        None => RevocationError::Unreachable,
    }
}
