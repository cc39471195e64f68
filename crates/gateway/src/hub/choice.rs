//! Which members of an audience a narrowed notice means. Each is asked about once, or more often where it
//! is in several of the rooms; it is chosen once.

use std::{collections::HashSet, sync::Arc};

use notice::{Narrowing, Room};

use crate::seat::Seat;

/// For one notice on one node.
pub(crate) struct Choice<'a> {
    narrowing: Option<&'a Narrowing>,
    /// The addresses of those that were chosen, where they are looked for in several rooms.
    chosen: HashSet<usize>,
    except_rooms: HashSet<&'a Room>,
    except_sockets: HashSet<&'a str>,
}

impl<'a> Choice<'a> {
    pub(crate) fn of(narrowing: Option<&'a Narrowing>) -> Self {
        let narrowed = narrowing.into_iter();
        Self {
            narrowing,
            chosen: HashSet::new(),
            except_rooms: narrowed.clone().flat_map(|it| &it.except_rooms).collect(),
            except_sockets: narrowed
                .flat_map(|it| &it.except_sockets)
                .map(notice::SocketId::as_str)
                .collect(),
        }
    }

    /// Whether `seat`, which is in the audience or in one of the rooms, is meant and was not before.
    pub(crate) fn takes(&mut self, seat: &Arc<Seat>) -> bool {
        let Some(narrowing) = self.narrowing else { return true };
        if !self.except_sockets.is_empty()
            && seat.own_names().iter().any(|name| self.except_sockets.contains(name))
        {
            return false;
        }
        if !self.except_rooms.is_empty() && seat.places.is_in_any(&self.except_rooms) {
            return false;
        }
        // The lists that are walked hold the seats, so that no address is used twice.
        narrowing.rooms.is_empty() || self.chosen.insert(Arc::as_ptr(seat).addr())
    }
}
