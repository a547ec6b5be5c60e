// SPDX-License-Identifier: GPL-2.0

//! Entries that are found by a key: a fixed number of them, those not in use in a list,
//! those in use in the chains of a hash table.

use super::entry::{Entry, Node};
use super::list::NONE;
use core::ops::DerefMut;

/// The most entries of a pool.
pub(super) const MAX: usize = 32_768;

/// The pool. `V` holds the entries: a slice of them behind any pointer.
///
/// The heads of its chains are a part of a slice that is handed to each call, since
/// two pools share one.
pub(super) struct Pool<V> {
    entries: V,
    /// The first free entry.
    free: u16,
    /// Where its heads begin.
    base: usize,
    /// What a product of 64 bits is shifted by to make it the number of a head.
    shift: u32,
    /// An odd factor nobody knows. With it, keys that an attacker chose meet in one
    /// chain no more often than twice what chance would have (multiply-shift
    /// hashing, Dietzfelbinger and others, 1997).
    factor: u64,
}

/// Heads for `entries` entries: a power of two, as many or more.
pub(super) const fn heads(entries: usize) -> usize {
    let least = if entries < 2 { 2 } else { entries };
    least.next_power_of_two()
}

impl<E: Entry, V: DerefMut<Target = [E]>> Pool<V> {
    /// A pool of which all entries are free; its `heads` heads begin at `base`.
    /// `None` for a number of entries that 16-bit indices are not meant for.
    pub(super) fn new(mut entries: V, base: usize, heads: usize, seed: u64) -> Option<Self> {
        if entries.is_empty() || entries.len() > MAX || heads < 2 {
            return None;
        }
        let mut free = NONE;
        for (at, entry) in (0..MAX as u16).zip(entries.iter_mut()).rev() {
            *entry = E::default();
            entry.node_mut().chain = free;
            free = at;
        }
        Some(Self {
            entries,
            free,
            base,
            shift: heads.leading_zeros() + 1 + u64::BITS - usize::BITS,
            factor: seed | 1,
        })
    }

    /// All entries.
    #[inline]
    pub(super) fn all(&mut self) -> &mut [E] {
        &mut self.entries
    }

    /// How many there are, free or not.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(super) fn get(&self, at: u16) -> Option<&E> {
        self.entries.get(usize::from(at))
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u16) -> Option<&mut E> {
        self.entries.get_mut(usize::from(at))
    }

    /// Whether an entry can be added.
    #[inline]
    pub(super) fn has_free(&self) -> bool {
        self.free != NONE
    }

    #[inline]
    fn place(&self, of: u16, key: u32) -> usize {
        let key = u64::from(of) << 32 | u64::from(key);
        let product = key.wrapping_mul(self.factor);
        (product.wrapping_shr(self.shift) as usize).wrapping_add(self.base)
    }

    /// The entry of a key.
    #[inline]
    pub(super) fn find(&self, index: &[u16], of: u16, key: u32) -> Option<u16> {
        let mut at = *index.get(self.place(of, key))?;
        loop {
            let node = self.get(at)?.node();
            if node.key == key && node.of == of {
                return Some(at);
            }
            at = node.chain;
        }
    }

    /// Makes a free entry that of a key, which must not have one. It is in no list.
    #[inline]
    pub(super) fn add(
        &mut self,
        index: &mut [u16],
        of: u16,
        key: u32,
        deficit: i32,
    ) -> Option<u16> {
        let at = self.free;
        let place = self.place(of, key);
        let node = self.get_mut(at)?.node_mut();
        let head = index.get_mut(place)?;
        let free = node.chain;
        *node = Node::new(of, key, deficit, *head);
        *head = at;
        self.free = free;
        Some(at)
    }

    /// Frees an entry, which must have been taken out of its lists.
    #[inline]
    pub(super) fn forget(&mut self, index: &mut [u16], at: u16) -> Option<()> {
        let node = self.get(at)?.node();
        let after = node.chain;
        let head = index.get_mut(self.place(node.of, node.key))?;
        if *head == at {
            *head = after;
        } else {
            let mut before = *head;
            loop {
                let node = self.get_mut(before)?.node_mut();
                if node.chain == at {
                    node.chain = after;
                    break;
                }
                before = node.chain;
            }
        }
        let free = core::mem::replace(&mut self.free, at);
        self.get_mut(at)?.node_mut().chain = free;
        Some(())
    }
}
