// SPDX-License-Identifier: GPL-2.0

//! The fair queue in which an owner's packets wait.
//!
//! Each CPU has one and is the only one to touch it. The CPU visits its buckets in
//! turn, and in each bucket the connections: deficit round robin on both levels
//! (`rounds`). So an elephant delays the others of its bucket by a packet per round
//! and not by its backlog, and those of other buckets no more than any bucket does.
//!
//! Packets and their memory are limited. Over a limit, the connection that has most
//! memory queued loses packets from its head, where the sender learns of it soonest
//! (`longest`). So who queues little loses nothing because of those who queue much. If
//! nobody queues much, they are too many; then it is those not known to have sent before
//! ([`known`]).
//!
//! A connection is its 32-bit hash within a bucket. As many as there are entries can
//! wait at a time: also a flood of connections with one packet each finds a place for
//! everybody (`pool`). Nothing is allocated.
//!
//! How long a packet of a mouse waits, in bytes, in a bucket of n connections with
//! quantum Q, if the mouse sends no more than Q per round: it needs at most two rounds,
//! the first to pay what it owes. In a round each old connection has one turn; k turns
//! are less than k Q and one packet of it. New ones have no more than 4 Q per turn of
//! an old one. Besides there is what was going on when the packet came: a turn, and up
//! to 5 Q and a packet of new ones. Together 10 n Q, a packet of each, 10 Q and a
//! packet. The same holds for n buckets.

mod change;
mod entry;
pub mod known;
mod list;
mod longest;
mod packet;
mod pool;
mod rounds;

pub use self::entry::{Bucket, Flow};
pub use self::packet::{Arrival, Fifo, Limits, Packet};

use self::entry::Entry;
use self::list::{List, NONE};
use self::longest::Longest;
use self::pool::Pool;
use self::rounds::{Pass, Rounds, Turn};
use core::ops::DerefMut;

/// The queue. Its parts are slices behind any pointers: `FV` of [`Flow`]s, `BV` of
/// [`Bucket`]s, `IV` of 16-bit words.
pub struct FairQueue<FV, BV, IV> {
    flows: Pool<FV>,
    buckets: Pool<BV>,
    /// The heads of both pools' chains.
    index: IV,
    rounds: Rounds,
    longest: Longest,
    /// Buckets that have an entry and no packets.
    idle: List,
    /// Packets, and how many of them are held.
    len: u32,
    held: u32,
    memory: u32,
}

/// A connection with one part in so many of all memory is a hog.
const HOG_PART: u32 = 32;

/// How many words the index has that goes with so many entries for connections.
pub const fn index_len(flows: usize) -> usize {
    pool::heads(flows).saturating_mul(2)
}

impl<F, FV, BV, IV> FairQueue<FV, BV, IV>
where
    F: Fifo,
    FV: DerefMut<Target = [Flow<F>]>,
    BV: DerefMut<Target = [Bucket]>,
    IV: DerefMut<Target = [u16]>,
{
    /// An empty queue. What is in the slices does not matter. Their lengths: from 1 to
    /// 32,768 `flows`, which bounds the number of packets; as many `buckets`, or as
    /// many as there are if that is less; [`index_len`] of the number of flows. `None`
    /// for other ones. `seed` is random, so that nobody can aim at the index.
    pub fn new(flows: FV, buckets: BV, mut index: IV, seed: u64) -> Option<Self> {
        let heads = pool::heads(flows.len());
        if index.len() != index_len(flows.len()) || buckets.len() > flows.len() {
            return None;
        }
        index.fill(NONE);
        Some(Self {
            flows: Pool::new(flows, 0, heads, seed)?,
            buckets: Pool::new(buckets, heads, heads, seed)?,
            index,
            rounds: Rounds::default(),
            longest: Longest::default(),
            idle: List::EMPTY,
            len: 0,
            held: 0,
            memory: 0,
        })
    }

    /// How many packets there are.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The memory of all packets, in bytes.
    #[inline]
    pub fn memory(&self) -> u32 {
        self.memory
    }

    /// Whether there is no packet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many packets there are that are not held.
    #[inline]
    pub fn runnable(&self) -> u32 {
        self.len.saturating_sub(self.held)
    }

    /// Whether there is any packet of a bucket.
    #[inline]
    pub fn waiting(&self, bucket: u32) -> bool {
        self.len != 0
            && self
                .find(bucket)
                .and_then(|at| self.buckets.get(at))
                .is_some_and(|entry| entry.len != 0)
    }

    #[inline]
    fn find(&self, bucket: u32) -> Option<u16> {
        self.buckets.find(&self.index, NONE, bucket)
    }

    /// Whether more than three quarters of a limit are used.
    #[inline]
    pub fn is_long(&self, limits: &Limits) -> bool {
        let over = |now: u32, limit: u32| now > limit / 4 * 3;
        over(self.len, limits.packets) || over(self.memory, limits.memory)
    }

    /// The connection that has the most memory queued, nearly, by its hash, if that is a
    /// notable part of all. What else comes in for it would only have to be shed.
    pub fn hog(&mut self) -> Option<u32> {
        let at = self.longest.longest(self.flows.all())?;
        let flow = self.flows.get(at)?;
        (flow.memory >= self.memory / HOG_PART).then(|| flow.node().key)
    }

    /// Whether it is no connection but their number that makes the queue long, and some
    /// of them are not known.
    #[inline]
    pub fn has_strangers(&self) -> bool {
        self.longest.is_crowd() && self.longest.has_strangers()
    }

    /// Queues a packet. If that would go over a limit, packets are shed first: from the
    /// head of the connection that has most memory queued, nearly, half of what it has
    /// but at most 64 at a time. If all have little, it is this packet if its connection
    /// is not known, else that of the newest that is not known, if any. A packet that is
    /// over the limit all alone is shed itself. `shed` is told the bucket.
    #[inline]
    pub fn enqueue(
        &mut self,
        bucket: u32,
        packet: F::Packet,
        arrival: Arrival,
        limits: &Limits,
        mut shed: impl FnMut(u32, F::Packet),
    ) {
        let most = limits.packets.min(self.flows.size() as u32);
        let memory = packet.memory().max(1);
        let Some(room) = limits.memory.checked_sub(memory).filter(|_| most > 0) else {
            return shed(bucket, packet);
        };
        while self.len >= most || self.memory > room {
            if !arrival.known && self.longest.is_crowd() {
                return shed(bucket, packet);
            }
            if !self.shed(&mut shed) {
                break;
            }
        }
        let quantum = limits.quantum();
        let Some(at) = self.bucket(bucket, arrival.held, quantum) else {
            return shed(bucket, packet);
        };
        if let Err(packet) = self.push(at, packet, arrival.known, quantum) {
            shed(bucket, packet);
        }
    }

    /// Takes out the packet whose turn it is, with its bucket.
    #[inline]
    pub fn next(&mut self, limits: &Limits) -> Option<(u32, F::Packet)> {
        if self.runnable() == 0 {
            return None;
        }
        let quantum = limits.quantum();
        let mut pass = Pass::new(quantum);
        let at = loop {
            match self.rounds.turn(self.buckets.all(), quantum, &mut pass) {
                Turn::Of(at) => break at,
                Turn::Over(at) => self.forget_bucket(at),
                Turn::Nobody => return None,
            }
        };
        let mut pass = Pass::new(quantum);
        let flow = loop {
            let bucket = self.buckets.get_mut(at)?;
            match bucket.rounds.turn(self.flows.all(), quantum, &mut pass) {
                Turn::Of(flow) => break flow,
                Turn::Over(flow) => self.forget_flow(flow),
                Turn::Nobody => return None,
            }
        };
        let packet = self.pop(flow)?;
        let bytes = i32::try_from(packet.bytes().max(1)).unwrap_or(i32::MAX);
        let node = self.flows.get_mut(flow)?.node_mut();
        node.deficit = node.deficit.saturating_sub(bytes);
        let node = self.buckets.get_mut(at)?.node_mut();
        node.deficit = node.deficit.saturating_sub(bytes);
        Some((node.key, packet))
    }
}
