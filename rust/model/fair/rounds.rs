// SPDX-License-Identifier: GPL-2.0

//! Whose turn it is: deficit round robin over those who have packets.
//!
//! Each has a deficit, the bytes it may still send. While it is positive it goes on,
//! so it ends at 0 or below: a packet bigger than the quantum is a debt. Each round
//! adds one quantum, and who is in debt then yields. Debts are paid by those too who
//! have nothing more to send: else a connection that always sends one big packet and
//! waits would have many quanta per round.
//!
//! Who was not known comes first, for one quantum: the list of the new. Then it joins
//! the old ones, also when it has nothing left, while there are others: else it could
//! starve them by going idle and coming back. So far this is fq_codel's (RFC 8290).
//!
//! But there connections share 1,024 places and thus soon are old. Here each is one of
//! its own, and there may be new ones for ever. So the new together may have
//! [`NEW_TURNS`] quanta in a row while old ones wait, then one of those has its turn;
//! if it was more, because of a big packet, then as many more of them. A turn of a new
//! one counts as a quantum even if it sent less. Hence old ones with packets get a
//! quantum of bytes for each [`NEW_TURNS`] that new ones get, a fifth.

use super::entry::Entry;
use super::list::{List, Which, NONE};

/// How many quanta new ones may have in a row while old ones wait.
const NEW_TURNS: i32 = 4;

/// The biggest quantum, 1 MB: more has no use, and sums stay far from overflowing.
pub(super) const MAX_QUANTUM: u32 = 1 << 20;

/// The list an entry is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum In {
    /// It gets no turns.
    #[default]
    Neither,
    New,
    Old,
}

/// Those who take turns.
#[derive(Debug)]
pub(super) struct Rounds {
    new: List,
    old: List,
    /// Bytes that new ones have had while old ones waited.
    owed: i32,
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            new: List::EMPTY,
            old: List::EMPTY,
            owed: 0,
        }
    }
}

/// What [`Rounds::turn`] found.
pub(super) enum Turn {
    /// This one may send a packet, and has one.
    Of(u16),
    /// This one was taken out: it has neither packets nor debts. Ask again.
    Over(u16),
    /// There is nobody.
    Nobody,
}

/// What was seen while looking for somebody who may send.
///
/// When it was nobody in a whole pass over the old ones, the next pass makes up for as
/// many rounds as the first of them still needs. So three passes find somebody, however
/// big the packets and small the quantum.
pub(super) struct Pass {
    /// With whom it began.
    first: u16,
    /// What everybody gets in it.
    step: i32,
    /// The highest deficit it left, of those with packets.
    best: i32,
}

impl Pass {
    #[inline]
    pub(super) fn new(quantum: i32) -> Self {
        Self {
            first: NONE,
            step: quantum,
            best: i32::MIN,
        }
    }

    /// Back at the first. False if nobody seen has packets.
    fn again(&mut self, quantum: i32) -> bool {
        let best = core::mem::replace(&mut self.best, i32::MIN);
        let debt = best.min(0).saturating_neg();
        let more = debt.checked_div(quantum).unwrap_or(0);
        self.step = match best {
            1.. => quantum,
            _ => quantum.saturating_mul(more.saturating_add(1)),
        };
        self.first = NONE;
        best != i32::MIN
    }
}

impl Rounds {
    /// Lets a new one take part, with the deficit it has.
    #[inline]
    pub(super) fn join<E: Entry>(&mut self, entries: &mut [E], at: u16) {
        if let Some(entry) = entries.get_mut(usize::from(at)) {
            entry.node_mut().list = In::New;
            self.new.push(entries, Which::Round, at);
        }
    }

    /// Takes one out, if it is in.
    #[inline]
    pub(super) fn leave<E: Entry>(&mut self, entries: &mut [E], at: u16) {
        let Some(entry) = entries.get_mut(usize::from(at)) else {
            return;
        };
        match core::mem::take(&mut entry.node_mut().list) {
            In::Neither => {}
            In::New => self.new.remove(entries, Which::Round, at),
            In::Old => self.old.remove(entries, Which::Round, at),
        }
    }

    /// Anyone who takes part, [`NONE`] if there is nobody.
    #[inline]
    pub(super) fn any(&self) -> u16 {
        if self.new.is_empty() {
            self.old.first()
        } else {
            self.new.first()
        }
    }

    /// Looks for the one who may send next. `pass` is to be a new one for each packet.
    #[inline]
    pub(super) fn turn<E: Entry>(
        &mut self,
        entries: &mut [E],
        quantum: i32,
        pass: &mut Pass,
    ) -> Turn {
        loop {
            let (at, new) = self.head(quantum);
            let Some(entry) = entries.get(usize::from(at)) else {
                return Turn::Nobody;
            };
            if entry.node().deficit > 0 && !entry.is_empty() {
                return Turn::Of(at);
            }
            let over = match new {
                true => self.end_new(entries, at, quantum),
                false => self.end_old(entries, at, quantum, pass),
            };
            if over {
                self.leave(entries, at);
                return Turn::Over(at);
            }
        }
    }

    /// Who comes next, and whether that is a new one.
    #[inline]
    fn head(&self, quantum: i32) -> (u16, bool) {
        let may = self.old.is_empty() || self.owed < NEW_TURNS.saturating_mul(quantum);
        match !self.new.is_empty() && may {
            true => (self.new.first(), true),
            false => (self.old.first(), false),
        }
    }

    /// The turn of a new one has ended. True if it is to be taken out.
    fn end_new<E: Entry>(&mut self, entries: &mut [E], at: u16, quantum: i32) -> bool {
        let Some(entry) = entries.get_mut(usize::from(at)) else {
            return false;
        };
        let alone = self.old.is_empty() && self.new.is_single();
        let empty = entry.is_empty();
        let node = entry.node_mut();
        let debt = node.deficit.min(0).saturating_neg();
        self.owed = match self.old.is_empty() {
            true => 0,
            false => self.owed.saturating_add(quantum.saturating_add(debt)),
        };
        if empty && (alone || (node.deficit > 0 && self.old.is_empty())) {
            return true;
        }
        if alone {
            node.deficit = quantum;
        } else if node.deficit <= 0 {
            node.deficit = node.deficit.saturating_add(quantum);
        }
        node.list = In::Old;
        self.new.remove(entries, Which::Round, at);
        self.old.push(entries, Which::Round, at);
        false
    }

    /// The turn of an old one has ended, or it was in debt. True if it is to be taken
    /// out.
    fn end_old<E: Entry>(
        &mut self,
        entries: &mut [E],
        at: u16,
        quantum: i32,
        pass: &mut Pass,
    ) -> bool {
        let Some(entry) = entries.get_mut(usize::from(at)) else {
            return false;
        };
        if at == pass.first && !pass.again(quantum) {
            // Nobody among the old ones waits for anything.
            self.owed = 0;
            return false;
        }
        let alone = self.new.is_empty() && self.old.is_single();
        let empty = entry.is_empty();
        let node = entry.node_mut();
        if empty && (alone || node.deficit > 0) {
            return true;
        }
        if alone {
            node.deficit = quantum;
            return false;
        }
        if pass.first == NONE {
            pass.first = at;
        }
        node.deficit = node.deficit.saturating_add(pass.step).min(quantum);
        if !empty {
            // An empty one does not count: a flood leaves many behind.
            let had = NEW_TURNS.saturating_mul(pass.step);
            self.owed = self.owed.saturating_sub(had).max(0);
            pass.best = pass.best.max(node.deficit);
        }
        if !self.old.is_single() {
            self.old.remove(entries, Which::Round, at);
            self.old.push(entries, Which::Round, at);
        }
        false
    }
}

#[cfg(test)]
mod tests;
