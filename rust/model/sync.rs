// SPDX-License-Identifier: GPL-2.0

//! Atomics and barriers, from wherever this half is compiled: the kernel's in the
//! module, `core`'s on the host, loom's under its model checker.
//!
//! The kernel's orderings are kept: `Full` is a full barrier, `Acquire`,
//! `Release` and `Relaxed` are what they are everywhere. Only what is used exists.

#[cfg(MODULE)]
mod imp {
    pub(super) use kernel::sync::atomic::ordering::{Acquire, Full, Relaxed, Release};
    use kernel::sync::{atomic, barrier};

    pub(super) type Usize = atomic::Atomic<usize>;

    #[inline(always)]
    pub(super) fn swap(a: &Usize, v: usize) -> usize {
        a.xchg(v, Full)
    }

    #[inline(always)]
    pub(super) fn exchange(a: &Usize, old: usize, new: usize) -> Result<usize, usize> {
        a.cmpxchg(old, new, Full)
    }

    #[inline(always)]
    pub(super) fn full_barrier() {
        #[cfg(not(KERNEL_7_2))]
        barrier::smp_mb(barrier::Full);
        #[cfg(KERNEL_7_2)]
        barrier::smp_mb();
    }
}

#[cfg(not(MODULE))]
mod imp {
    #[cfg(not(loom))]
    use core::sync::atomic;
    #[cfg(loom)]
    use loom::sync::atomic;

    pub(super) use atomic::AtomicUsize as Usize;
    pub(super) use atomic::Ordering::{Acquire, Relaxed, Release};

    // The kernel's are barriers before and after, which SeqCst alone is not.
    #[inline(always)]
    pub(super) fn swap(a: &Usize, v: usize) -> usize {
        full_barrier();
        let was = a.swap(v, atomic::Ordering::AcqRel);
        full_barrier();
        was
    }

    #[inline(always)]
    pub(super) fn exchange(a: &Usize, old: usize, new: usize) -> Result<usize, usize> {
        full_barrier();
        let was = a.compare_exchange(old, new, atomic::Ordering::AcqRel, Relaxed);
        full_barrier();
        was
    }

    #[inline(always)]
    pub(super) fn full_barrier() {
        #[cfg(loom)]
        if super::broken::barriers_are_off() {
            return;
        }
        atomic::fence(atomic::Ordering::SeqCst);
    }
}

/// For the controls of the model checks: the same code with its barriers out.
#[cfg(loom)]
mod broken {
    use std::cell::Cell;

    std::thread_local! {
        static OFF: Cell<bool> = const { Cell::new(false) };
    }

    /// Barriers are out while it lives, in models that this thread runs.
    #[derive(Debug)]
    pub struct WithoutBarriers(());

    /// Takes the barriers out.
    pub fn without_barriers() -> WithoutBarriers {
        OFF.set(true);
        WithoutBarriers(())
    }

    impl Drop for WithoutBarriers {
        fn drop(&mut self) {
            OFF.set(false);
        }
    }

    pub(super) fn barriers_are_off() -> bool {
        OFF.get()
    }
}

#[cfg(loom)]
pub use broken::{without_barriers, WithoutBarriers};

/// A machine word shared between CPUs.
pub struct Word(imp::Usize);

impl Word {
    /// A word with this value.
    pub fn new(v: usize) -> Self {
        Self(imp::Usize::new(v))
    }

    /// Loads it, without ordering anything.
    #[inline(always)]
    pub fn relaxed(&self) -> usize {
        self.0.load(imp::Relaxed)
    }

    /// Loads it; what follows comes after.
    #[inline(always)]
    pub fn acquire(&self) -> usize {
        self.0.load(imp::Acquire)
    }

    /// Stores, without ordering anything.
    #[inline(always)]
    pub fn set_relaxed(&self, v: usize) {
        self.0.store(v, imp::Relaxed);
    }

    /// Stores; what went before comes before.
    #[inline(always)]
    pub fn set_release(&self, v: usize) {
        self.0.store(v, imp::Release);
    }

    /// Stores and returns what was there; a full barrier.
    #[inline(always)]
    pub fn swap(&self, v: usize) -> usize {
        imp::swap(&self.0, v)
    }

    /// Stores `new` if `old` is there, else returns what is; a full barrier when it
    /// stores.
    #[inline(always)]
    pub fn exchange(&self, old: usize, new: usize) -> Result<(), usize> {
        imp::exchange(&self.0, old, new).map(|_| ())
    }

    /// Replaces the value by what `f` makes of it, whoever else does so at the same time;
    /// returns what it was. A full barrier, as [`Self::exchange`].
    pub fn update(&self, f: impl Fn(usize) -> usize) -> usize {
        let mut old = self.relaxed();
        while let Err(found) = self.exchange(old, f(old)) {
            old = found;
        }
        old
    }
}

/// Orders all accesses before it against all after it, on all CPUs.
#[inline(always)]
pub fn full_barrier() {
    imp::full_barrier();
}
