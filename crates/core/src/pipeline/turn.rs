//! One pipeline for many files, or many peers: it reads each for a turn, from a
//! place between two records to another one, and keeps nothing of it in between.

use std::sync::Arc;

use super::Pipeline;
use super::blocks::Origin;
use crate::fields::{FileName, PeerName};
use crate::join::containers::{FIRST_LINES, recognise};

/// What the first lines of a file have told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Lines that were looked at.
    lines: usize,
    /// A container runtime has written them.
    wrapped: bool,
}

impl Head {
    /// Of a file whose lines are known to be wrapped by a container runtime, or not to be.
    pub fn known(wrapped: bool) -> Head {
        Head { lines: FIRST_LINES, wrapped }
    }

    /// Of a file whose first bytes, up to [`FIRST_BYTES`](crate::join::containers::FIRST_BYTES),
    /// were read before.
    pub fn of(bytes: &[u8]) -> Head {
        Head::known(recognise(bytes, 0, 0))
    }
}

impl Pipeline {
    /// Begins a turn of `file`, of which what comes before byte `offset` is counted.
    pub fn resume(&mut self, file: &Arc<FileName>, offset: u64, head: Head) {
        debug_assert!(self.lines.held() == 0 && !self.held);
        if !matches!(&self.origin, Origin::File(known) if Arc::ptr_eq(known, file)) {
            self.origin = Origin::File(file.clone());
        }
        self.begin_turn(offset, head);
    }

    /// As [`resume`](Pipeline::resume), of what `peer` sends as a stream.
    pub fn resume_peer(&mut self, peer: &Arc<PeerName>, offset: u64, head: Head) {
        debug_assert!(self.lines.held() == 0 && !self.held);
        if !matches!(&self.origin, Origin::Peer(known) if Arc::ptr_eq(known, peer)) {
            self.origin = Origin::Peer(peer.clone());
        }
        self.begin_turn(offset, head);
    }

    fn begin_turn(&mut self, offset: u64, head: Head) {
        self.offset = offset;
        self.retry = 0;
        (self.scratch.first_lines, self.scratch.wrapped) = (head.lines, head.wrapped);
        self.refresh();
    }

    /// Up to where the file is counted.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether what is counted of a record is more than its beginning that was read: it must be
    /// read to its end, or [abandoned](Pipeline::abandon).
    pub fn in_record(&self) -> bool {
        self.lines.in_window()
    }

    /// What was given behind the last record that is counted.
    pub fn rest(&self) -> &[u8] {
        self.lines.rest()
    }

    /// Ends a turn: what was read behind the last record that is counted is forgotten, and comes
    /// again. Gives up to where the file is counted, and what its first lines have told.
    pub fn suspend(&mut self) -> (u64, Head) {
        debug_assert!(!self.in_record());
        self.lines.clear();
        let lines = self.scratch.first_lines.min(FIRST_LINES);
        (self.offset, Head { lines, wrapped: self.scratch.wrapped })
    }

    /// Ends a turn in the middle of a record that is read in windows: nothing of it is counted.
    pub fn abandon(&mut self) {
        self.lines.clear();
        let engine = self.engine.clone();
        self.reader.forget(&engine);
    }
}
