//! What clients make of marked messages: how late each came, and whether in order.

use std::time::Duration;

use crate::{mark::Mark, swarm::Listen};

/// The deliveries of one part of the run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Messages that came behind a later one to the same client, or twice.
    pub(crate) disordered: usize,
    /// From the intended send time, in microseconds, one for each delivery. Its owner bounds it
    /// by bounding what is sent.
    pub(crate) delays_us: Vec<u32>,
    /// By client: the next message expected. A lower one is out of order.
    seq_next: Vec<u32>,
    /// By message from `seq_first` on: whether anyone has heard it.
    heard: Vec<bool>,
    seq_first: u32,
}

impl Tally {
    /// Forgets what was delivered so far, with room for `deliveries` of the `messages` from
    /// `seq_first` on. What comes late from before is not counted.
    pub(crate) fn begin(&mut self, deliveries: usize, seq_first: u32, messages: u32) {
        self.disordered = 0;
        self.delays_us = Vec::with_capacity(deliveries);
        self.heard = vec![false; messages as usize];
        self.seq_first = seq_first;
    }

    /// How many different messages anyone has heard.
    pub(crate) fn distinct(&self) -> usize {
        self.heard.iter().filter(|heard| **heard).count()
    }
}

impl Listen for Tally {
    fn event(&mut self, number: usize, event: &[u8], now: Duration) {
        let Some(mark) = Mark::find(event) else { return };
        let index = mark.seq.checked_sub(self.seq_first).map(|index| index as usize);
        let Some(heard) = index.and_then(|index| self.heard.get_mut(index)) else { return };
        *heard = true;
        let delay = now.saturating_sub(mark.due).as_micros();
        self.delays_us.push(u32::try_from(delay).unwrap_or(u32::MAX));
        if self.seq_next.len() <= number {
            self.seq_next.resize(number + 1, 0);
        }
        if mark.seq < self.seq_next[number] {
            self.disordered += 1;
        }
        self.seq_next[number] = self.seq_next[number].max(mark.seq + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(tally: &mut Tally, client: usize, seq: u32) {
        let mark = Mark { seq, due: Duration::from_millis(1) };
        tally.event(client, mark.data(0).as_bytes(), Duration::from_millis(3));
    }

    #[test]
    fn what_comes_behind_or_twice_is_out_of_order_and_what_came_once_is_distinct() {
        let mut tally = Tally::default();
        tally.begin(4, 10, 5);
        for (client, seq) in [(0, 11), (1, 10), (0, 10), (1, 12), (1, 12)] {
            hear(&mut tally, client, seq);
        }
        assert_eq!(tally.disordered, 2);
        assert_eq!(tally.distinct(), 3);
        assert_eq!(tally.delays_us, [2_000; 5]);
    }

    #[test]
    fn what_comes_late_from_an_earlier_part_is_not_counted() {
        let mut tally = Tally::default();
        tally.begin(1, 10, 5);
        hear(&mut tally, 0, 9);
        hear(&mut tally, 0, 15);
        assert_eq!((tally.delays_us.len(), tally.distinct()), (0, 0));
    }
}
