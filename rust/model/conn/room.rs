// SPDX-License-Identifier: GPL-2.0

//! Memory for a table, from wherever this half is compiled.

use core::ops::DerefMut;

/// Where growing arrays come from.
pub trait Room {
    /// A growing array.
    type Vec<T>: Growing<T>;
}

/// An array that grows and shrinks at its end. It may be asked to in a softirq.
pub trait Growing<T>: Default + DerefMut<Target = [T]> {
    /// Makes room for so many more. False if there is no memory.
    fn reserve(&mut self, more: usize) -> bool;
    /// Adds one. False if there is no memory; it is dropped then.
    fn push(&mut self, item: T) -> bool;
    /// Takes the last one off.
    fn pop(&mut self) -> Option<T>;
    /// How many it has room for.
    fn capacity(&self) -> usize;
}
