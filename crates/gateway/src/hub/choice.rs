//! Which members of an audience a narrowed notice means. Each is asked about once, or more often where it
//! is in several of the rooms; it is chosen once.

use std::{collections::HashSet, sync::Arc};

use notice::{Narrowing, Room};

use crate::seat::Seat;

/// For one notice on one node.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// The addresses of those that were chosen, where they are looked for in several rooms.
    chosen: Option<HashSet<usize>>,
    except_rooms: HashSet<Room>,
    except_sockets: HashSet<Box<str>>,
}

impl Choice {
    pub(crate) fn of(narrowing: Option<&Narrowing>) -> Self {
        let Some(narrowing) = narrowing else { return Self::default() };
        let except_sockets = narrowing.except_sockets.iter();
        Self {
            chosen: (!narrowing.rooms.is_empty()).then(HashSet::new),
            except_rooms: narrowing.except_rooms.iter().cloned().collect(),
            except_sockets: except_sockets.map(|socket| socket.as_str().into()).collect(),
        }
    }

    /// Whether `seat` is meant, of which only the audience is known: of the lists that are walked for several rooms or
    /// for one socket, it may be in none.
    pub(crate) fn means(narrowing: Option<&Narrowing>, seat: &Arc<Seat>) -> bool {
        let Some(narrowing) = narrowing else { return true };
        let rooms: HashSet<Room> = narrowing.rooms.iter().cloned().collect();
        let socket = narrowing.socket.as_ref();
        (rooms.is_empty() || seat.places.is_in_any(&rooms))
            && socket.is_none_or(|socket| seat.own_names().contains(&socket.as_str()))
            && Self::of(Some(narrowing)).takes(seat)
    }

    /// Whether `seat`, which is in the audience or in one of the rooms, is meant and was not before.
    pub(crate) fn takes(&mut self, seat: &Arc<Seat>) -> bool {
        if !self.except_sockets.is_empty()
            && seat.own_names().iter().any(|name| self.except_sockets.contains(*name))
        {
            return false;
        }
        if !self.except_rooms.is_empty() && seat.places.is_in_any(&self.except_rooms) {
            return false;
        }
        // The lists that are walked hold the seats, so that no address is used twice.
        self.chosen.as_mut().is_none_or(|chosen| chosen.insert(Arc::as_ptr(seat).addr()))
    }
}
