//! Memory for requests that are kept until they are whole, all of them
//! together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much one permit is.
const UNIT_BYTES: usize = 4 << 10;

/// Memory of all requests of a source.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Semaphore>);

impl Memory {
    /// Of so many bytes.
    pub fn new(bytes: usize) -> Memory {
        Memory(Arc::new(Semaphore::new(bytes / UNIT_BYTES)))
    }

    /// Nothing yet.
    pub fn hold(&self) -> Held {
        Held { memory: self.clone(), permit: None, bytes: 0 }
    }
}

/// What one request holds.
#[derive(Debug)]
pub struct Held {
    memory: Memory,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Held {
    /// Holds `bytes` in all, where there is so much. What it has more of, it
    /// keeps.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let missing = bytes.saturating_sub(self.bytes).div_ceil(UNIT_BYTES);
        if missing == 0 {
            return true;
        }
        let Ok(count) = u32::try_from(missing) else { return false };
        let Ok(more) = self.memory.0.clone().try_acquire_many_owned(count) else { return false };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        self.bytes += missing * UNIT_BYTES;
        true
    }

    /// Gives all of it back.
    pub fn release(&mut self) {
        (self.permit, self.bytes) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_hold_no_more_than_there_is() {
        let memory = Memory::new(1 << 20);
        let (mut one, mut other) = (memory.hold(), memory.hold());
        assert!(one.grow_to(600 << 10) && one.grow_to(1) && one.grow_to(600 << 10));
        assert!(!other.grow_to(500 << 10));
        assert!(other.grow_to(400 << 10));
        assert!(!one.grow_to(700 << 10));
        drop(other);
        assert!(one.grow_to(1 << 20));
        assert!(!memory.hold().grow_to(1));
        one.release();
        assert!(memory.hold().grow_to(1 << 20));
    }
}
