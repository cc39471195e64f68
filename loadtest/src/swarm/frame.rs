//! WebSocket frames, as little of them as a client needs: one whole frame off the front of some
//! bytes, and small masked text frames out.

/// Longest payload that is taken. A server that sends more is not what is measured here.
const PAYLOAD_BYTES_MAX: u64 = 1 << 20;

/// Longest payload that goes out, the most that fits the short length.
const OUT_BYTES_MAX: usize = 125;

/// A real client picks a mask for each frame; to the server one is as good as another.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// A frame from a server, which does not mask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
    /// Header and payload, in bytes.
    pub(crate) whole_len: usize,
}

/// The bytes are no frame that a server may send, or it is longer than is taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoFrame;

impl<'a> Frame<'a> {
    /// Takes the frame at the front. None while it is not whole.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Option<Self>, NoFrame> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if second & 0x80 != 0 || first & 0x70 != 0 {
            return Err(NoFrame);
        }
        let (long, header_len) = match second {
            126 => (rest.first_chunk().map(|two| u16::from_be_bytes(*two).into()), 4),
            127 => (rest.first_chunk().map(|eight| u64::from_be_bytes(*eight)), 10),
            short => (Some(u64::from(*short)), 2),
        };
        let Some(long) = long else { return Ok(None) };
        if long > PAYLOAD_BYTES_MAX {
            return Err(NoFrame);
        }
        let whole_len = header_len + usize::try_from(long).map_err(|_| NoFrame)?;
        let payload = bytes.get(header_len..whole_len);
        Ok(payload.map(|payload| Self { opcode: first & 0x0f, payload, whole_len }))
    }
}

/// A masked frame with all of `payload`, which must be short.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(OUT_BYTES_MAX)];
    let len = u8::try_from(payload.len()).expect("cut to fit above");
    let mut frame = vec![0x80 | opcode, 0x80 | len];
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(header: &[u8], payload_len: usize) -> Vec<u8> {
        [header, &vec![b'x'; payload_len]].concat()
    }

    #[test]
    fn each_length_form_is_read_and_what_follows_is_left() {
        let long = 70_000_u64.to_be_bytes();
        for (header, payload_len) in [
            (vec![0x81, 5], 5),
            (vec![0x81, 126, 1, 0], 256),
            ([&[0x81, 127][..], &long].concat(), 70_000),
        ] {
            let mut bytes = frame(&header, payload_len);
            let frame_len = bytes.len();
            bytes.extend_from_slice(b"next");
            let read = Frame::read(&bytes).unwrap().unwrap();
            assert_eq!(read.opcode, TEXT);
            assert_eq!(read.payload.len(), payload_len);
            assert_eq!(read.whole_len, frame_len);
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_waited_for() {
        let bytes = frame(&[0x81, 126, 1, 0], 256);
        for cut in 0..bytes.len() {
            assert_eq!(Frame::read(&bytes[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn masked_compressed_and_endless_frames_are_refused() {
        assert_eq!(Frame::read(&[0x81, 0x85, 1, 2, 3, 4, 0]), Err(NoFrame));
        assert_eq!(Frame::read(&[0xc1, 5]), Err(NoFrame));
        assert_eq!(Frame::read(&[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]), Err(NoFrame));
    }

    #[test]
    fn what_goes_out_is_masked() {
        let bytes = masked(TEXT, b"3");
        assert_eq!(bytes, [0x81, 0x81, 0x37, 0xfa, 0x21, 0x3d, b'3' ^ 0x37]);
    }
}
