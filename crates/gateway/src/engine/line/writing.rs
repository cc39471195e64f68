//! Several frames in as few writes as there may be, out of a list on the stack: what a client takes at once costs no
//! queue.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use bytes::Bytes;
use notice::TaskKey;

use crate::{
    encoded::Encoded,
    engine::{outbox::SLICES_MAX, wire::Wire},
};

/// Something to send, and the task of which it is progress.
pub(in crate::engine) type Due<'a> = (&'a Arc<Encoded>, Option<&'a TaskKey>);

/// What of several was written at once.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) bytes: usize,
    /// How much of the first that is left.
    pub(super) of_the_next: usize,
}

/// Writes what `wire` takes now, and takes what is out off `left`.
pub(super) fn write<'a>(
    wire: &Wire,
    form: fn(&Encoded) -> &Bytes,
    left: &mut (impl Iterator<Item = Due<'a>> + Clone),
) -> io::Result<Out> {
    let mut out = Out::default();
    while !wire.holds() {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let (mut len, mut skip) = (0, out.of_the_next);
        for (slice, (encoded, _)) in slices.iter_mut().zip(left.clone()) {
            *slice = IoSlice::new(&form(encoded)[skip..]);
            (len, skip) = (len + 1, 0);
        }
        if len == 0 {
            break;
        }
        let written = wire.try_write_vectored(&slices[..len])?;
        if written == 0 {
            break;
        }
        out.bytes += written;
        out.of_the_next += written;
        while let Some((next, _)) = left.clone().next()
            && out.of_the_next >= form(next).len()
        {
            out.of_the_next -= form(next).len();
            left.next();
        }
    }
    Ok(out)
}
