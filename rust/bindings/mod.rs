// SPDX-License-Identifier: GPL-2.0

//! Bindings of C APIs that `kernel::bindings` lacks, made by bindgen at build
//! time (see `generate`), and of the helpers in `rust/helpers`.

#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    unreachable_pub,
    dead_code,
    improper_ctypes,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::missing_safety_doc,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    reason = "generated"
)]

use kernel::ffi;

include!(env!("FLOWBUCKET_BINDINGS"));
