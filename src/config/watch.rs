//! Notices that the configuration file or a catalog has changed.
//!
//! A thread looks every second. It asks for a reload when the content differs
//! from what was last loaded, or tried, and stood still from one look to the
//! next, so that a file is seldom caught half-written; one that is costs a
//! reload that fails, and the next one is asked for when the rest is there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use super::Layers;
use crate::fingerprint::Fingerprint;

/// How often to look.
const INTERVAL: Duration = Duration::from_secs(1);

/// What was last loaded, and whether it is still so.
#[derive(Debug)]
pub struct Watch {
    layers: Layers,
    /// The digest of what the last load found, whether it was good or bad.
    loaded: AtomicU64,
    changed: Notify,
    state: Mutex<State>,
}

/// Whether somebody wants a thread to look, and whether there is one.
#[derive(Debug, Default)]
struct State {
    wanted: bool,
    running: bool,
}

impl Watch {
    /// Notes what is there now. To be called before it is loaded: what changes
    /// between the two is then a change.
    pub fn new(layers: &Layers) -> Arc<Watch> {
        let watch = Watch {
            layers: layers.clone(),
            loaded: AtomicU64::new(0),
            changed: Notify::new(),
            state: Mutex::default(),
        };
        watch.note();
        Arc::new(watch)
    }

    /// As [`Watch::new`], before a load that somebody else asked for.
    pub fn note(&self) {
        self.loaded.store(self.look().digest(), Ordering::Release);
    }

    /// The configuration file and the catalogs that it names now.
    fn look(&self) -> Fingerprint {
        let catalogs = self.layers.settings().0.settings.catalog;
        Fingerprint::of(self.layers.file.iter().cloned().chain(catalogs).collect())
    }

    /// Looks from now on, for as long as somebody holds the watch, or looks no
    /// more.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn set(self: &Arc<Watch>, on: bool) -> std::io::Result<()> {
        let mut state = self.state();
        state.wanted = on;
        if on && !state.running {
            let watch = Arc::downgrade(self);
            thread::Builder::new().name("watch".to_owned()).spawn(move || look_out(&watch))?;
            state.running = true;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the thread goes on; if not, the next [`Watch::set`] starts another.
    fn goes_on(&self) -> bool {
        let mut state = self.state();
        state.running = state.wanted;
        state.running
    }

    /// Waits for a change that is to be loaded.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn look_out(watch: &Weak<Watch>) {
    let mut seen = Fingerprint::default();
    let (mut before, mut asked_for) = (None, None);
    while let Some(watch) = watch.upgrade().filter(|watch| watch.goes_on()) {
        let loaded = watch.loaded.load(Ordering::Acquire);
        if before.is_none() || seen.changed() || seen.digest() != loaded {
            // The configuration may name other catalogs now, or was being
            // written when it was last asked for them.
            seen = watch.look();
        }
        let digest = seen.digest();
        if digest == watch.loaded.load(Ordering::Acquire) {
            asked_for = None;
        } else if before == Some(digest) && asked_for != before {
            asked_for = before;
            watch.changed.notify_one();
        }
        before = Some(digest);
        drop(watch);
        thread::sleep(INTERVAL);
    }
}
