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
//! - *Nobody changes the bytes that a window shows, as long as it is there.*
//!   This is assumed and cannot be checked: a slice of a mapped file is sound
//!   only as long as nobody writes to that part of the file, and other processes
//!   can. So [`Mapped::new`] is `unsafe`, as it is in ripgrep and in the crate
//!   `memmap2`, and whoever calls it answers for the file. A log that is only
//!   appended to keeps the promise: what is behind the size that was read is in
//!   no window. Where somebody breaks it, by editing a log in place while it is
//!   scanned, what follows is undefined by the language; what was seen in tests
//!   is a wrong count, as with reads.
//! - *The file may be cut short*, and touching a page behind its end raises
//!   SIGBUS. While windows are in use a handler puts zero pages in the place
//!   of this one and those behind it in the window, and notes it; the reader
//!   then fails with a clear error. The handler makes only bare system calls
//!   and touches only atomics. For any other address it puts the default in
//!   force and returns, so that the fault happens again and ends the process.
//! - *Threads do not meet*: the kernel runs the handler on the thread that
//!   touched the page. Each thread has a [`View`], which stays with it and has
//!   one window at a time; the handler looks only at what is noted under its
//!   own thread's number, which nobody else writes, and so never at a window
//!   that another thread is about to unmap.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};
use rustix::param::page_size;

/// Most threads that have a [`View`].
pub(super) const MAX_THREADS: usize = 256;

/// One file at a time: the handler is the process's.
static READER: Mutex<()> = Mutex::new(());

/// What the handler knows of a thread.
struct Slot {
    /// Its number; 0 for none.
    thread: AtomicI32,
    /// The window in use; 0 for none.
    address: AtomicUsize,
    length: AtomicUsize,
    /// Whether the handler had to step in.
    cut_short: AtomicBool,
}

impl Slot {
    const fn free() -> Slot {
        Slot {
            thread: AtomicI32::new(0),
            address: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
            cut_short: AtomicBool::new(false),
        }
    }
}

static SLOTS: [Slot; MAX_THREADS] = [const { Slot::free() }; MAX_THREADS];

/// The system's, which the handler does not ask for.
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A file that threads look at.
pub(super) struct Mapped<'f> {
    file: &'f File,
    _guard: Guard,
    _only: MutexGuard<'static, ()>,
}

impl Mapped<'_> {
    /// Waits for a file that is being read.
    ///
    /// # Safety
    /// As long as a [`Window`] shows a part of the file, nobody must write to
    /// that part. It may be appended to, and it may be cut short.
    ///
    /// # Errors
    /// When the system refuses the handler.
    pub unsafe fn new(file: &File) -> io::Result<Mapped<'_>> {
        let only = READER.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Mapped { file, _guard: Guard::install()?, _only: only })
    }

    /// What the calling thread looks through.
    ///
    /// # Errors
    /// When [`MAX_THREADS`] have one.
    pub fn view(&self) -> io::Result<View<'_>> {
        let thread = thread_number();
        let free = |slot: &&Slot| {
            slot.thread.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let slot = SLOTS.iter().find(free).ok_or_else(|| io::Error::other("too many threads"))?;
        slot.cut_short.store(false, Ordering::Release);
        Ok(View { file: self.file, slot, stays: PhantomData })
    }
}

/// One thread's way to look at the file.
pub(super) struct View<'m> {
    file: &'m File,
    slot: &'static Slot,
    /// The handler finds the slot by the thread.
    stays: PhantomData<*const ()>,
}

impl View<'_> {
    /// The `length` bytes from `offset` on, which are in the file; not none.
    ///
    /// # Errors
    /// When mapping fails.
    pub fn window(&mut self, offset: u64, length: usize) -> io::Result<Window<'_>> {
        let before = (offset % page_size() as u64) as usize;
        let length = before + length;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing that is in use.
        let address = unsafe {
            let (start, file) = (offset - before as u64, self.file.as_fd());
            mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, start)?
        };
        self.slot.length.store(length, Ordering::Release);
        self.slot.address.store(address as usize, Ordering::Release);
        let window = Window { address, length, before, slot: self.slot, view: PhantomData };
        // SAFETY: it is our mapping. On a kernel without this advice, or past
        // the end of a file that was cut, pages come by faults instead.
        let _ = unsafe { madvise(address, length, Advice::LinuxPopulateRead) };
        Ok(window)
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        self.slot.thread.store(0, Ordering::Release);
    }
}

/// A mapped piece of a file.
pub(super) struct Window<'v> {
    address: *mut c_void,
    length: usize,
    /// Bytes of its first page that nobody asked for.
    before: usize,
    slot: &'static Slot,
    view: PhantomData<&'v mut ()>,
}

impl Window<'_> {
    /// What is in it; zeros, perhaps, where [`check`](Window::check) fails
    /// afterwards.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped, readable, and ours for as long as `self` lives; see
        // the module about changes from outside.
        let all = unsafe { std::slice::from_raw_parts(self.address.cast::<u8>(), self.length) };
        &all[self.before..]
    }

    /// Whether all that was looked at so far was there.
    ///
    /// # Errors
    /// When the file was cut short.
    pub fn check(&self) -> io::Result<()> {
        if self.slot.cut_short.load(Ordering::Acquire) { Err(cut_short()) } else { Ok(()) }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.slot.address.store(0, Ordering::Release);
        // SAFETY: mapped by `window`, and no slice outlives `self`.
        let _ = unsafe { munmap(self.address, self.length) };
    }
}

/// A file that has become shorter than it was.
pub(super) fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut short while it was read")
}

/// The calling thread's number in the system.
fn thread_number() -> c_int {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as c_int }
}

/// The SIGBUS handler in force, and what was there before.
struct Guard;

static PREVIOUS: Mutex<Option<libc::sigaction>> = Mutex::new(None);

impl Guard {
    fn install() -> io::Result<Guard> {
        PAGE_BYTES.store(page_size(), Ordering::Release);
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
            *PREVIOUS.lock().unwrap_or_else(PoisonError::into_inner) = Some(previous);
        }
        Ok(Guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let previous = PREVIOUS.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(previous) = previous {
            // SAFETY: what `install` was given by the system.
            unsafe { libc::sigaction(libc::SIGBUS, &previous, ptr::null_mut()) };
        }
    }
}

extern "C" fn on_sigbus(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel passes a valid structure to a handler with SA_SIGINFO.
    let fault = unsafe { (*info).si_addr() } as usize;
    let thread = thread_number();
    for slot in SLOTS.iter().filter(|slot| slot.thread.load(Ordering::Acquire) == thread) {
        let (start, length) = (slot.address.load(Ordering::Acquire), slot.length.load(Ordering::Acquire));
        if start == 0 || !(start..start + length).contains(&fault) {
            continue;
        }
        // What stands before the page is still there.
        let page = fault - (fault - start) % PAGE_BYTES.load(Ordering::Acquire).max(1);
        let (rest, flags) =
            (start + length - page, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED);
        // SAFETY: a system call on this thread's own window.
        let zeros = unsafe { libc::mmap(page as *mut c_void, rest, libc::PROT_READ, flags, -1, 0) };
        if zeros != libc::MAP_FAILED {
            slot.cut_short.store(true, Ordering::Release);
            return;
        }
    }
    // SAFETY: a system call on the signal's disposition.
    unsafe {
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
        // SAFETY: nobody else has the file.
        let mapped = unsafe { Mapped::new(&file) }.unwrap();
        // Windows of several threads, side by side: each is mended for itself.
        let all = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for i in 0..4 {
                let (mapped, file, all) = (&mapped, &file, &all);
                scope.spawn(move || {
                    let mut view = mapped.view().unwrap();
                    let window = view.window(i * 5000 + 1, 500_000).unwrap();
                    assert_eq!((window.bytes().len(), window.bytes()[0]), (500_000, b'x'));
                    assert!(window.check().is_ok());
                    all.wait();
                    file.set_len(0).unwrap();
                    all.wait();
                    assert_eq!(window.bytes()[400_000], 0, "zeros stand where the file was");
                    assert!(window.check().is_err());
                });
            }
        });
    }

    #[test]
    fn a_window_begins_at_any_byte() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..20_000u32).flat_map(|n| n.to_le_bytes()).collect();
        io::Write::write_all(&mut file, &content).unwrap();
        // SAFETY: nobody else has the file.
        let mapped = unsafe { Mapped::new(&file) }.unwrap();
        let mut view = mapped.view().unwrap();
        for (offset, length) in [(0, 1), (1, 4096), (4095, 2), (4096, 1), (4097, 70_000), (79_999, 1)] {
            let window = view.window(offset as u64, length).unwrap();
            assert_eq!(window.bytes(), &content[offset..offset + length]);
        }
    }
}
