//! One input in pieces, shared among threads: who reads which, and whose turn
//! it is where the order of the input matters.
//!
//! Pieces are taken in order, so the least of those that are being read is the
//! first that is not done: all before it are counted.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// No piece: the thread has none yet, or no more.
const NONE: u64 = u64::MAX;

#[derive(Debug)]
struct Turns {
    state: Mutex<State>,
    /// A piece is done.
    done: Condvar,
}

#[derive(Debug)]
struct State {
    next: u64,
    end: u64,
    /// By thread, what it reads.
    reading: Vec<u64>,
}

/// One thread's part. When it is dropped, nobody waits for the thread.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    thread: usize,
}

impl Turn {
    /// For so many threads that share so many pieces.
    pub fn share(threads: usize, pieces: u64) -> impl Iterator<Item = Turn> {
        let state = State { next: 0, end: pieces, reading: vec![NONE; threads] };
        let turns = Arc::new(Turns { state: Mutex::new(state), done: Condvar::new() });
        (0..threads).map(move |thread| Turn { turns: turns.clone(), thread })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing inside panics.
        self.turns.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread's piece and begins the next that nobody has.
    pub fn take(&self) -> Option<u64> {
        let mut state = self.state();
        let piece = (state.next < state.end).then_some(state.next);
        state.next += u64::from(piece.is_some());
        state.reading[self.thread] = piece.unwrap_or(NONE);
        drop(state);
        self.turns.done.notify_all();
        piece
    }

    /// No further piece is begun by any thread.
    pub fn stop(&self) {
        self.state().end = 0;
    }

    /// Whether everything before the thread's piece is done.
    pub fn has_come(&self) -> bool {
        self.state().is_first(self.thread)
    }

    /// Waits until it is.
    pub fn wait(&self) {
        let mut state = self.state();
        while !state.is_first(self.thread) {
            state = self.turns.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.state().reading[self.thread] = NONE;
        self.turns.done.notify_all();
    }
}

impl State {
    fn is_first(&self, thread: usize) -> bool {
        self.reading.iter().all(|&piece| piece >= self.reading[thread])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_goes_from_piece_to_piece() {
        let turns: Vec<Turn> = Turn::share(2, 3).collect();
        assert_eq!((turns[0].take(), turns[1].take()), (Some(0), Some(1)));
        assert!(turns[0].has_come() && !turns[1].has_come());
        assert_eq!(turns[0].take(), Some(2));
        assert!(turns[1].has_come() && !turns[0].has_come());
        assert_eq!(turns[1].take(), None);
        turns[0].wait();
        assert_eq!(turns[0].take(), None);
    }

    #[test]
    fn a_thread_that_is_gone_keeps_nobody_waiting() {
        let mut turns: Vec<Turn> = Turn::share(2, 9).collect();
        turns[0].take();
        turns[1].take();
        turns[0].stop();
        let waiting = turns.remove(1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| waiting.wait());
            turns.clear();
            waiter.join().unwrap();
        });
        assert_eq!(waiting.take(), None, "stopped");
    }
}
