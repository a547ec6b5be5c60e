// SPDX-License-Identifier: GPL-2.0

//! Who owns what: the hash in use and the bucket map.

use crate::model::{hash::toeplitz, hash::Hasher, sync::Word};
use kernel::prelude::*;

/// Hash and map; exchanged as a whole when the hash or the number of buckets
/// changes, written in place when buckets move.
pub(super) struct Table {
    pub(super) hasher: Hasher<KBox<toeplitz::Table>>,
    /// The owning CPU of each bucket. Their number is a power of two.
    owners: KVVec<Word>,
    /// Where each bucket goes back to when that CPU comes back online.
    homes: KVVec<Word>,
}

impl Table {
    /// A table of `buckets` buckets, given out by `owner(bucket)`. Errors: `ENOMEM`.
    pub(super) fn new(
        hasher: Hasher<KBox<toeplitz::Table>>,
        buckets: usize,
        owner: impl Fn(usize) -> u32,
    ) -> Result<KBox<Self>> {
        let mut owners = KVVec::with_capacity(buckets, GFP_KERNEL)?;
        let mut homes = KVVec::with_capacity(buckets, GFP_KERNEL)?;
        for bucket in 0..buckets {
            owners.push(Word::new(owner(bucket) as usize), GFP_KERNEL)?;
            homes.push(Word::new(owner(bucket) as usize), GFP_KERNEL)?;
        }
        Ok(KBox::new(
            Self {
                hasher,
                owners,
                homes,
            },
            GFP_KERNEL,
        )?)
    }

    /// Number of buckets.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    /// The CPU that processes the packets with this hash.
    #[inline]
    pub(super) fn owner_of(&self, hash: u32) -> u32 {
        let owners: &[Word] = &self.owners;
        let bucket = hash as usize & owners.len().wrapping_sub(1);
        owners.get(bucket).map_or(0, Word::relaxed) as u32
    }

    /// The owner of a bucket.
    pub(super) fn owner(&self, bucket: usize) -> u32 {
        self.owners.get(bucket).map_or(0, Word::relaxed) as u32
    }

    /// The CPU a bucket was last given to by an operator or policy.
    pub(super) fn home(&self, bucket: usize) -> u32 {
        self.homes.get(bucket).map_or(0, Word::relaxed) as u32
    }

    /// Gives a bucket to a CPU for good.
    pub(super) fn assign(&self, bucket: usize, cpu: u32) {
        if let Some(home) = self.homes.get(bucket) {
            home.set_relaxed(cpu as usize);
        }
        self.lend(bucket, cpu);
    }

    /// Gives a bucket to a CPU while its home is away.
    pub(super) fn lend(&self, bucket: usize, cpu: u32) {
        if let Some(owner) = self.owners.get(bucket) {
            owner.set_release(cpu as usize);
        }
    }
}
