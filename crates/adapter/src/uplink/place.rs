//! Who may have how much on the way.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    error::UplinkError,
    limits::{UPLINK_BYTES_MAX, UPLINK_ENTRY_BYTES, UPLINK_SHARE_BYTES_MAX},
};

/// What one sender has on its way. A few bytes until it first sends.
#[derive(Debug, Default)]
pub struct Share(OnceLock<Arc<AtomicUsize>>);

/// The bytes of one entry, counted for as long as this lives.
#[derive(Debug)]
pub(crate) struct Place {
    waiting: Arc<AtomicUsize>,
    share: Arc<AtomicUsize>,
    bytes: usize,
}

impl Place {
    /// An entry of nearly no length has its price too, so that a bound in bytes bounds the count.
    pub(super) fn take(
        waiting: &Arc<AtomicUsize>,
        share: &Share,
        len_bytes: usize,
    ) -> Result<Self, UplinkError> {
        let bytes = len_bytes.saturating_add(UPLINK_ENTRY_BYTES);
        if bytes > UPLINK_SHARE_BYTES_MAX {
            let len_bytes_max = UPLINK_SHARE_BYTES_MAX - UPLINK_ENTRY_BYTES;
            return Err(UplinkError::TooLarge { len_bytes, len_bytes_max });
        }
        let share = share.0.get_or_init(Arc::default);
        let (waiting, share) = (Arc::clone(waiting), Arc::clone(share));
        let before = [&waiting, &share].map(|count| count.fetch_add(bytes, Ordering::Relaxed));
        // Gives the bytes back when it is dropped here.
        let place = Self { waiting, share, bytes };
        if before[1] + bytes > UPLINK_SHARE_BYTES_MAX {
            return Err(UplinkError::ShareFull { len_bytes_max: UPLINK_SHARE_BYTES_MAX });
        }
        if before[0] + bytes > UPLINK_BYTES_MAX {
            return Err(UplinkError::Full { len_bytes_max: UPLINK_BYTES_MAX });
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for count in [&self.waiting, &self.share] {
            count.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    //! That one sender's flood leaves room for the others.

    use super::*;

    const LARGE: usize = UPLINK_SHARE_BYTES_MAX / 2 - UPLINK_ENTRY_BYTES;

    #[test]
    fn a_sender_that_fills_its_share_is_refused_and_another_is_not() {
        let (waiting, flood, other) = (Arc::default(), Share::default(), Share::default());
        let held = [0; 2].map(|_| Place::take(&waiting, &flood, LARGE).unwrap());
        let error = Place::take(&waiting, &flood, 0).unwrap_err();
        assert!(matches!(error, UplinkError::ShareFull { .. }), "{error}");
        Place::take(&waiting, &other, LARGE).unwrap();
        drop(held);
        Place::take(&waiting, &flood, LARGE).unwrap();
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_queue_has_a_bound_for_all_senders_together() {
        let waiting = Arc::default();
        let shares = [0; UPLINK_BYTES_MAX / UPLINK_SHARE_BYTES_MAX].map(|_| Share::default());
        let held = shares
            .each_ref()
            .map(|share| [0; 2].map(|_| Place::take(&waiting, share, LARGE).unwrap()));
        let error = Place::take(&waiting, &Share::default(), 0).unwrap_err();
        assert!(matches!(error, UplinkError::Full { .. }), "{error}");
        drop(held);
        Place::take(&waiting, &Share::default(), 0).unwrap();
    }

    #[test]
    fn an_entry_that_never_fits_is_refused_for_good() {
        let taken = Place::take(&Arc::default(), &Share::default(), UPLINK_SHARE_BYTES_MAX);
        let error = taken.unwrap_err();
        assert!(matches!(error, UplinkError::TooLarge { .. }), "{error}");
    }
}
