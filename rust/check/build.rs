// SPDX-License-Identifier: GPL-2.0

//! Switches the shared source files to loom's atomics.

fn main() {
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
