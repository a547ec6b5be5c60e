// SPDX-License-Identifier: GPL-2.0

//! What the operator has chosen.

use super::owners;
use super::table::Table;
use crate::kapi::{cpus, param, random};
use crate::model::{
    hash::{siphash, toeplitz, Algorithm, Hasher},
    map::{tail::Tail, Buckets},
};
use kernel::prelude::*;

/// The operator's choices.
pub(super) struct Settings {
    /// CPUs that may own buckets; those of them that are online do.
    pub(super) cpus: cpus::Set,
    pub(super) algorithm: Algorithm,
    pub(super) toeplitz_key: toeplitz::Key,
    pub(super) buckets: Buckets,
    /// A line of `map` that is being written.
    pub(super) map_tail: Tail,
}

impl Settings {
    /// The defaults and the module's parameters.
    ///
    /// Errors: `EINVAL` for a hash that does not exist, `ERANGE` for a number of
    /// buckets that is not a power of two from 64 to 65,536.
    pub(super) fn from_params() -> Result<Self> {
        let count = param::buckets();
        let buckets = Buckets::new(count).ok_or_else(|| {
            pr_err!("buckets={}: must be a power of two, 64 to 65536\n", count);
            ERANGE
        })?;
        let algorithm = match param::hash() {
            None => Algorithm::SipHash,
            Some(name) => Algorithm::parse(name.to_bytes()).ok_or_else(|| {
                pr_err!("hash={}: must be skb, siphash, crc32c or toeplitz\n", name);
                EINVAL
            })?,
        };
        Ok(Self {
            cpus: cpus::housekeeping()?,
            algorithm,
            toeplitz_key: toeplitz::DEFAULT_KEY,
            buckets,
            map_tail: Tail::NONE,
        })
    }

    fn hasher(&self) -> Result<Hasher<KBox<toeplitz::Table>>> {
        Ok(match self.algorithm {
            Algorithm::Skb => Hasher::Skb,
            Algorithm::SipHash => Hasher::SipHash(siphash::Key::new(random::bytes())),
            Algorithm::Crc32c => Hasher::Crc32c,
            Algorithm::Toeplitz => {
                let mut table: KBox<toeplitz::Table> =
                    KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;
                for (index, words) in table.iter_mut().enumerate() {
                    *words = toeplitz::word_table(&self.toeplitz_key, index);
                }
                Hasher::Toeplitz(table)
            }
        })
    }

    /// A table with the buckets dealt evenly to the CPUs of now. Errors: `ENOMEM`.
    pub(super) fn table(&self) -> Result<KBox<Table>> {
        let owners = owners::online_of(&self.cpus)?;
        self.table_by(|bucket| owners::dealt(&owners, self.buckets, bucket))
    }

    /// A table with the buckets given out by `owner(bucket)`. Errors: `ENOMEM`.
    pub(super) fn table_by(&self, owner: impl Fn(usize) -> u32) -> Result<KBox<Table>> {
        Table::new(self.hasher()?, self.buckets.count() as usize, owner)
    }
}
