//! Lines on their way to standard error, and the thread that writes them.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::lines::{Format, Line};
use super::repeats::{Repeats, Verdict};
use super::{Counters, stderr};

/// Bytes of lines that wait to be written.
const MAX_QUEUED_BYTES: usize = 256 << 10;

/// How long one look at a reader that does not read takes. Between two looks
/// the thread notices the end of the process.
const LOOK: Duration = Duration::from_millis(200);

pub(super) struct Queue {
    pub(super) counters: Arc<Counters>,
    format: Format,
    colours: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    repeats: Repeats,
    /// The thread has a line that it has not yet written.
    writing: bool,
    /// The process ends: the numbers of lines left out are told now.
    finishing: bool,
}

impl Queue {
    pub(super) fn start(format: Format) -> io::Result<Arc<Queue>> {
        let queue = Arc::new(Queue {
            counters: Arc::default(),
            format,
            colours: stderr::has_colours(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let writing = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writing.run())?;
        Ok(queue)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line, unless it repeats others.
    pub(super) fn log(&self, line: &Line) {
        let mut state = self.lock();
        match state.repeats.judge(line, Instant::now()) {
            Verdict::Tell => self.add(&mut state, line.write(self.format, self.colours)),
            Verdict::LeaveOut => {
                self.counters.suppressed.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Takes text as it is.
    pub(super) fn push(&self, text: Vec<u8>) {
        self.add(&mut self.lock(), text);
        self.changed.notify_all();
    }

    fn add(&self, state: &mut State, text: Vec<u8>) {
        if state.bytes + text.len() > MAX_QUEUED_BYTES {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            state.bytes += text.len();
            state.lines.push_back(text);
        }
    }

    /// Waits until all is written, for `time` at most.
    pub(super) fn finish(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.lock();
        state.finishing = true;
        self.changed.notify_all();
        while state.writing || !state.lines.is_empty() || state.repeats.next().is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The thread, which ends with the process.
    fn run(&self) {
        let mut told = 0;
        let mut torn = false;
        loop {
            let mut text = self.next();
            if torn {
                text.insert(0, b'\n');
            }
            match self.write(&text) {
                Ok(()) => {
                    torn = false;
                    told = self.tell_dropped(told);
                }
                Err(begun) => {
                    torn |= begun;
                    self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            self.lock().writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for the next text.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let finishing = state.finishing;
            while let Some(line) = state.repeats.due(now, finishing) {
                self.add(&mut state, line.write(self.format, self.colours));
            }
            if let Some(text) = state.lines.pop_front() {
                state.bytes -= text.len();
                state.writing = true;
                return text;
            }
            state = match state.repeats.next() {
                // Nobody is waited for while nothing was left out.
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let time = at.saturating_duration_since(now).max(Duration::from_millis(1));
                    self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Writes all of `text`, however long the reader takes; an error says
    /// whether some of it stands there.
    fn write(&self, text: &[u8]) -> Result<(), bool> {
        let mut done = 0;
        loop {
            match stderr::write_some(&text[done..], LOOK) {
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::TimedOut => {}
                Err(_) => return Err(done > 0),
            }
            if done == text.len() {
                return Ok(());
            }
        }
    }

    /// Tells how many lines were dropped since `told` of them; how many are
    /// told now.
    fn tell_dropped(&self, told: u64) -> u64 {
        let dropped = self.counters.dropped();
        if dropped == told {
            return told;
        }
        let line =
            Line::warning(format!("{} log lines could not be written and were dropped", dropped - told));
        match self.write(&line.write(self.format, self.colours)) {
            Ok(()) => dropped,
            Err(_) => told,
        }
    }
}
