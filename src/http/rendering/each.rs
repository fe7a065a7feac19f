//! Renderings that depend on the request, such as a search: nobody can share
//! them, so they are made one after the other, in the order in which they were
//! asked for, with the pause of other renderings after each. However many ask
//! for whatever, that costs a twentieth of one core; and where many wait, the
//! next is told to come again, so that nobody waits for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::Mutex;
use tokio::time::sleep_until;

use super::{Held, Rendering, after_pause};
use crate::http::packing::Packer;

/// Requests that wait for their turn.
const MOST_WAITING: usize = 16;

/// Renders for each request.
#[derive(Debug)]
pub struct Each {
    /// Who holds it renders, when the pause after the one before is over.
    turn: Mutex<Option<Instant>>,
    waiting: AtomicUsize,
    held: Arc<Held>,
}

/// One that waits, also if it goes away before its turn comes.
struct Waiting<'e>(&'e AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Each {
    pub(super) fn new(held: Arc<Held>) -> Each {
        Each { turn: Mutex::default(), waiting: AtomicUsize::default(), held }
    }

    /// What `render` gives, packed as well with `gzip`. None where too many wait already, or slow
    /// readers hold too much.
    pub async fn render(&self, gzip: bool, render: impl FnOnce() -> String) -> Option<Arc<Rendering>> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if before >= MOST_WAITING {
            return None;
        }
        let mut next = self.turn.lock().await;
        if let Some(next) = *next {
            sleep_until(next.into()).await;
        }
        if !self.held.has_room().await {
            return None;
        }
        let began = Instant::now();
        let plain = render();
        let packed = gzip.then(|| Packer::default().packed(&plain, 0..0));
        let rendering = self.held.hold(plain, packed);
        *next = Some(after_pause(began));
        Some(rendering)
    }
}
