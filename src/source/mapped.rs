//! A plain file, looked at where the page cache has it instead of copied.
//!
//! Copying costs more than searching. The file is mapped a window at a time,
//! so that resident memory stays small, and each window is populated in one
//! call instead of by faults.
//!
//! # Safety
//!
//! - *The mapping outlives the slice*: [`Window`] owns it and unmaps it when
//!   dropped; [`Window::bytes`] borrows the window.
//! - *The bytes may change under us*, when somebody writes to the file. They
//!   are read-only to us, and every reader of them checks each access against
//!   the slice, not against what it read before: a change can make a count
//!   wrong, as it would with reads, and nothing worse.
//! - *The file may be cut short*, and touching a page behind its end raises
//!   SIGBUS. While windows are in use a handler puts zero pages in the place
//!   of the window and notes it; the reader then fails with a clear error. The
//!   handler calls only `mmap`, a bare system call, and touches only atomics.
//!   For any other address it restores what was there before and returns, so
//!   that the fault happens again and does what it would have done.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

use crate::pipeline::Pipeline;

/// Bytes that are mapped at a time; a multiple of every page size.
const WINDOW_BYTES: u64 = 4 << 20;

/// One reader at a time: the handler knows one window.
static READER: Mutex<()> = Mutex::new(());

/// The window in use: its address and its length.
static ADDRESS: AtomicUsize = AtomicUsize::new(0);
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Whether the handler had to step in.
static CUT_SHORT: AtomicBool = AtomicBool::new(false);

/// Reads the first `size` bytes of `file` into `pipeline`; gives how many
/// were read, which are all.
///
/// # Errors
/// When mapping fails, or the file is cut short meanwhile.
pub(super) fn read(
    file: &File,
    size: u64,
    pipeline: &mut Pipeline,
    progress: &impl Fn(u64),
) -> io::Result<u64> {
    let _only = READER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let _guard = Guard::install()?;
    let mut offset = 0;
    while offset < size {
        let length = WINDOW_BYTES.min(size - offset);
        let window = Window::new(file, offset, length as usize)?;
        pipeline.push(window.bytes());
        if CUT_SHORT.load(Ordering::Acquire) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file was cut short while it was read",
            ));
        }
        offset += length;
        progress(length);
    }
    Ok(offset)
}

/// A mapped piece of a file.
struct Window {
    address: *mut c_void,
    length: usize,
}

impl Window {
    fn new(file: &File, offset: u64, length: usize) -> io::Result<Window> {
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing that is in use.
        let address = unsafe {
            mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file.as_fd(), offset)?
        };
        let window = Window { address, length };
        LENGTH.store(length, Ordering::Release);
        ADDRESS.store(address as usize, Ordering::Release);
        // SAFETY: it is our mapping. On a kernel without this advice, or past
        // the end of a file that was cut, pages come by faults instead.
        let _ = unsafe { madvise(address, length, Advice::LinuxPopulateRead) };
        Ok(window)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped, readable, and ours for as long as `self` lives; see
        // the module about changes from outside.
        unsafe { std::slice::from_raw_parts(self.address.cast(), self.length) }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        ADDRESS.store(0, Ordering::Release);
        // SAFETY: mapped by `new`, and no slice outlives `self`.
        let _ = unsafe { munmap(self.address, self.length) };
    }
}

/// The SIGBUS handler in force, and what was there before.
struct Guard;

static PREVIOUS: Mutex<Option<libc::sigaction>> = Mutex::new(None);

impl Guard {
    fn install() -> io::Result<Guard> {
        CUT_SHORT.store(false, Ordering::Release);
        // SAFETY: the structure is plain data, all zeros is a valid value, and
        // the handler has the signature that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_sigbus;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO;
            let mut previous: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGBUS, &action, &mut previous) != 0 {
                return Err(io::Error::last_os_error());
            }
            *PREVIOUS.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(previous);
        }
        Ok(Guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let previous = PREVIOUS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(previous) = previous {
            // SAFETY: what `install` was given by the system.
            unsafe { libc::sigaction(libc::SIGBUS, &previous, ptr::null_mut()) };
        }
    }
}

extern "C" fn on_sigbus(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    let (start, length) = (ADDRESS.load(Ordering::Acquire), LENGTH.load(Ordering::Acquire));
    // SAFETY: the kernel passes a valid structure to a handler with SA_SIGINFO.
    let fault = unsafe { (*info).si_addr() } as usize;
    // SAFETY: system calls on our own window, or on the signal's disposition.
    unsafe {
        if start != 0 && (start..start + length).contains(&fault) {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let zeros = libc::mmap(start as *mut c_void, length, libc::PROT_READ, flags, -1, 0);
            if zeros != libc::MAP_FAILED {
                CUT_SHORT.store(true, Ordering::Release);
                return;
            }
        }
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(libc::SIGBUS, &default, ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_short_is_an_error_and_no_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let _only = READER.lock().unwrap();
        let _guard = Guard::install().unwrap();
        let window = Window::new(&file, 0, 1 << 20).unwrap();
        assert_eq!(window.bytes()[0], b'x');
        file.set_len(0).unwrap();
        assert_eq!(window.bytes()[700_000], 0, "zeros stand where the file was");
        assert!(CUT_SHORT.load(Ordering::Acquire));
    }
}
