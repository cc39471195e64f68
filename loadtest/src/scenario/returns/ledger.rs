//! What every client is owed and has heard of it, and its comings and goings.

use std::{net::SocketAddr, time::Duration};

use crate::{mark::Mark, swarm::Listen};

/// The accounts of all clients. What is owed grows with what is handed in, and attempts with cuts; their owner bounds
/// both by time.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Ledger {
    /// By the number of its mark.
    ends: Vec<End>,
    /// By client: since when it is away.
    away: Vec<Option<Duration>>,
    pub(in crate::scenario) repeated: usize,
    /// Ends that came to another than whose they are.
    pub(in crate::scenario) astray: usize,
    pub(in crate::scenario) gaps: usize,
    /// Departures that were announced.
    pub(in crate::scenario) told: usize,
    pub(in crate::scenario) asked: Vec<Asked>,
    /// From a cut until the client had a place again, in microseconds.
    pub(in crate::scenario) absences_us: Vec<u32>,
    /// When the last one came back.
    pub(in crate::scenario) last_back: Duration,
}

#[derive(Debug)]
struct End {
    user: usize,
    due: Duration,
    heard: Option<Duration>,
}

/// An attempt to come back.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Asked {
    /// When the client was cut that makes it.
    pub(in crate::scenario) cut: Duration,
    pub(in crate::scenario) at: Duration,
    pub(in crate::scenario) server: SocketAddr,
}

impl Ledger {
    pub(in crate::scenario) fn of(clients: usize) -> Self {
        Self { away: vec![None; clients], ..Self::default() }
    }

    /// The next end is owed to `user`.
    pub(in crate::scenario) fn owe(&mut self, user: usize, due: Duration) {
        self.ends.push(End { user, due, heard: None });
    }

    pub(in crate::scenario) fn owed(&self) -> usize {
        self.ends.len()
    }

    /// How often anyone was cut.
    pub(in crate::scenario) fn cuts(&self) -> usize {
        self.absences_us.len() + self.away.iter().flatten().count()
    }

    /// Ends that nobody has heard.
    pub(in crate::scenario) fn missing(&self) -> usize {
        self.ends.iter().filter(|end| end.heard.is_none()).count()
    }

    /// From when they were meant to be handed in, in microseconds, of the ends that are `among` what is asked for
    /// by user and time.
    pub(in crate::scenario) fn delays_us(
        &self,
        among: impl Fn(usize, Duration) -> bool,
    ) -> Vec<u32> {
        let ends = self.ends.iter().filter(|end| among(end.user, end.due));
        let delays = ends.filter_map(|end| Some(end.heard?.saturating_sub(end.due).as_micros()));
        delays.map(|delay| u32::try_from(delay).unwrap_or(u32::MAX)).collect()
    }

    /// When the last of what was due `until` then was heard. None while any of it is missing.
    pub(in crate::scenario) fn all_heard(&self, until: Duration) -> Option<Duration> {
        let ends = self.ends.iter().filter(|end| end.due <= until);
        ends.map(|end| end.heard).try_fold(Duration::ZERO, |last, heard| Some(last.max(heard?)))
    }

    fn hear(&mut self, number: usize, mark: Mark, now: Duration) {
        let Some(end) = self.ends.get_mut(mark.seq as usize) else { return };
        if end.user != number {
            self.astray += 1;
        } else if end.heard.is_some() {
            self.repeated += 1;
        } else {
            end.heard = Some(now);
        }
    }
}

impl Listen for Ledger {
    fn event(&mut self, number: usize, event: &[u8], now: Duration) {
        let is = |name: &str| event.starts_with(format!(r#"/notice,["{name}""#).as_bytes());
        match Mark::find(event) {
            Some(mark) => self.hear(number, mark, now),
            None if is("notice.gap") => self.gaps += 1,
            None => self.told += usize::from(is("departing")),
        }
    }

    fn cut(&mut self, number: usize, now: Duration) {
        self.away[number] = Some(now);
    }

    fn asked(&mut self, number: usize, server: SocketAddr, now: Duration) {
        if let Some(cut) = self.away[number] {
            self.asked.push(Asked { cut, at: now, server });
        }
    }

    fn seated(&mut self, number: usize, now: Duration) {
        if let Some(cut) = self.away[number].take() {
            let away = now.saturating_sub(cut).as_micros();
            self.absences_us.push(u32::try_from(away).unwrap_or(u32::MAX));
            self.last_back = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn hear(ledger: &mut Ledger, client: usize, seq: u32, now: Duration) {
        let data = Mark { seq, due: SECOND }.data(0);
        ledger.event(client, format!(r#"/notice,["file.complete",{data}]"#).as_bytes(), now);
    }

    #[test]
    fn an_end_is_owed_to_one_and_heard_once() {
        let mut ledger = Ledger::of(2);
        ledger.owe(0, SECOND);
        ledger.owe(1, SECOND * 2);
        hear(&mut ledger, 0, 0, SECOND * 3);
        hear(&mut ledger, 0, 0, SECOND * 4);
        hear(&mut ledger, 0, 1, SECOND * 4);
        assert_eq!((ledger.missing(), ledger.repeated, ledger.astray), (1, 1, 1));
        assert_eq!(ledger.all_heard(SECOND), Some(SECOND * 3));
        assert_eq!(ledger.all_heard(SECOND * 2), None);
        assert_eq!(ledger.delays_us(|_, _| true), [2_000_000]);
        assert!(ledger.delays_us(|user, _| user == 1).is_empty());
    }

    #[test]
    fn what_is_said_beside_the_ends_is_counted() {
        let mut ledger = Ledger::of(1);
        for name in ["departing", "notice.gap", "file.progress"] {
            ledger.event(0, format!(r#"/notice,["{name}",{{}}]"#).as_bytes(), SECOND);
        }
        assert_eq!((ledger.told, ledger.gaps), (1, 1));
    }

    #[test]
    fn a_client_is_away_from_its_cut_until_it_has_a_place() {
        let mut ledger = Ledger::of(2);
        let server = SocketAddr::from(([127, 0, 0, 1], 1));
        ledger.seated(1, SECOND);
        ledger.cut(1, SECOND * 2);
        ledger.asked(1, server, SECOND * 3);
        ledger.asked(1, server, SECOND * 4);
        ledger.seated(1, SECOND * 5);
        assert_eq!(ledger.absences_us, [3_000_000]);
        assert_eq!(ledger.asked.iter().map(|asked| asked.cut).collect::<Vec<_>>(), [SECOND * 2; 2]);
        assert_eq!(ledger.last_back, SECOND * 5);
    }
}
