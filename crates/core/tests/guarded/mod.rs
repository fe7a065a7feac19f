//! Bytes that touch memory which must not be read.

#![allow(unsafe_code)]

use std::ptr;

use proptest::test_runner::Config;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

const PAGE: usize = 4096;

/// Pages between two that cannot be read: reading one byte too far in either
/// direction ends the process.
pub struct Guarded {
    address: *mut u8,
    pages: usize,
}

impl Guarded {
    pub fn new(pages: usize) -> Guarded {
        let all = (pages + 2) * PAGE;
        // SAFETY: a fresh mapping, protected only within its own bounds.
        unsafe {
            let start =
                mmap_anonymous(ptr::null_mut(), all, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
                    .expect("memory");
            mprotect(start, PAGE, MprotectFlags::empty()).expect("the page before");
            let after = start.cast::<u8>().add((pages + 1) * PAGE);
            mprotect(after.cast(), PAGE, MprotectFlags::empty()).expect("the page after");
            Guarded { address: start.cast(), pages }
        }
    }

    /// `bytes` ending at the page after, or starting at the page before.
    pub fn put(&mut self, bytes: &[u8], at_end: bool) -> &[u8] {
        assert!(bytes.len() <= self.pages * PAGE);
        let offset = if at_end { self.pages * PAGE - bytes.len() } else { 0 };
        // SAFETY: inside the pages that can be read and written.
        unsafe {
            let place = self.address.add(PAGE + offset);
            ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            std::slice::from_raw_parts(place, bytes.len())
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length.
        unsafe { munmap(self.address.cast(), (self.pages + 2) * PAGE).expect("unmapping") };
    }
}

/// So many cases, or what the environment asks for: under valgrind, where
/// these tests are repeated, a case takes fifty times as long.
pub fn cases(usual: u32) -> Config {
    let config = Config::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    Config { cases: if asked { config.cases } else { usual }, ..config }
}
