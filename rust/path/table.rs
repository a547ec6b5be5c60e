// SPDX-License-Identifier: GPL-2.0

//! The buckets: the hash in use, who owns which, and what is on its way.

use super::conns::{ConnTable, Conns};
use crate::kapi::{bh::BhOff, counter::Counter, handed::Handed, packets::Parcel};
use crate::model::{
    handoff::{owned_by, Buckets, Move},
    hash::{toeplitz, Hasher},
    sync::Word,
};
use kernel::prelude::*;

/// Hash and buckets; exchanged as a whole when the hash or the number of buckets
/// changes.
pub(super) struct Table {
    pub(super) hasher: Hasher<KBox<toeplitz::Table>>,
    pub(super) buckets: Buckets<KVVec<Word>, KVVec<Move>>,
    loads: KVVec<Load>,
    more: KVVec<More>,
    pub(super) conns: Conns,
}

/// What went on of a bucket; written by its owner.
pub(super) struct Load {
    pub(super) packets: Counter,
    pub(super) bytes: Counter,
    /// Nanoseconds that they took, see [`super::measure`].
    pub(super) ns: Counter,
}

impl Load {
    /// A packet goes on.
    #[inline]
    pub(super) fn count(&self, bytes: u32, bh: &BhOff) {
        self.packets.add(1, bh);
        self.bytes.add(u64::from(bytes), bh);
    }

    const fn none() -> Self {
        Self {
            packets: Counter::new(),
            bytes: Counter::new(),
            ns: Counter::new(),
        }
    }
}

/// What of a bucket the packet path does not look at.
pub(super) struct More {
    /// Its packets while it is on its way.
    pub(super) parcel: Parcel,
    /// Its connections, as well.
    pub(super) conns: Handed<ConnTable>,
    /// The CPU that it goes back to when that comes back online.
    home: Word,
    /// Where it came from with its last move, and when that began, in nanoseconds.
    pub(super) from: Word,
    pub(super) began: Word,
    /// Moves that ended, packets that waited in them, and how long they took together, in
    /// nanoseconds.
    pub(super) moves: Word,
    pub(super) held: Word,
    pub(super) ns: Word,
}

impl Table {
    /// A table of `count` buckets, given out by `owner(bucket)`. Errors: `ENOMEM`.
    pub(super) fn new(
        hasher: Hasher<KBox<toeplitz::Table>>,
        count: usize,
        owner: impl Fn(usize) -> u32,
    ) -> Result<KBox<Self>> {
        let mut owners = KVVec::with_capacity(count, GFP_KERNEL)?;
        let mut moves = KVVec::with_capacity(count, GFP_KERNEL)?;
        let mut more = KVVec::with_capacity(count, GFP_KERNEL)?;
        let mut loads = KVVec::with_capacity(count, GFP_KERNEL)?;
        for bucket in 0..count {
            let cpu = owner(bucket);
            owners.push(owned_by(cpu), GFP_KERNEL)?;
            moves.push(Move::default(), GFP_KERNEL)?;
            let item = More {
                parcel: Parcel::new(),
                conns: Handed::new(),
                home: Word::new(cpu as usize),
                from: Word::new(cpu as usize),
                began: Word::new(0),
                moves: Word::new(0),
                held: Word::new(0),
                ns: Word::new(0),
            };
            more.push(item, GFP_KERNEL)?;
            loads.push(Load::none(), GFP_KERNEL)?;
        }
        let buckets = Buckets::new(owners, moves).ok_or(EINVAL)?;
        Ok(KBox::new(
            Self {
                hasher,
                buckets,
                loads,
                more,
                conns: Conns::new(count)?,
            },
            GFP_KERNEL,
        )?)
    }

    /// Number of buckets.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.buckets.count()
    }

    /// The owner of a bucket.
    pub(super) fn owner(&self, bucket: usize) -> u32 {
        self.buckets.owner(bucket).cpu()
    }

    /// What went on of a bucket.
    #[inline]
    pub(super) fn load(&self, bucket: usize) -> Option<&Load> {
        self.loads.get(bucket)
    }

    /// What else there is of a bucket.
    pub(super) fn more(&self, bucket: usize) -> Option<&More> {
        self.more.get(bucket)
    }

    /// The CPU a bucket was last given to by an operator or policy.
    pub(super) fn home(&self, bucket: usize) -> u32 {
        self.more(bucket).map_or(0, |more| more.home.relaxed()) as u32
    }

    /// Notes that a bucket was given to a CPU by an operator or policy.
    pub(super) fn set_home(&self, bucket: usize, cpu: u32) {
        if let Some(more) = self.more(bucket) {
            more.home.set_relaxed(cpu as usize);
        }
    }
}
