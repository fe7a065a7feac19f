//! Answers made from a snapshot, each made once for all who wait for it.
//!
//! Who asks waits for the next rendering that begins, and shares it with all
//! who asked before it began: nobody is shown counts older than his request.
//! After a rendering there is a pause, long enough that renderings of a kind
//! take a twentieth of one core however many ask. A request that
//! comes alone is answered at once.
//!
//! A rendering lives as long as an answer made of it is on its way. So that
//! slow readers of large answers cannot collect them, what is held in all is
//! limited: past that, the slowest reader is cut off. Answers that depend on
//! what was asked are made for `each` request, one at a time, within the same limit.

mod each;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep_until, timeout};

use super::packing::Packer;
use crate::server::Connections;
pub use each::Each;

/// The pause after a rendering, as a multiple of the time that it took.
const PAUSE: u32 = 19;

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Bytes of renderings that answers under way may hold.
const MOST_HELD: usize = 64 << 20;

/// How long a rendering waits for slow readers to let go.
const LETTING_GO: Duration = Duration::from_secs(5);

/// How long one that was cut off takes to let go.
const SOON: Duration = Duration::from_millis(10);

/// One answer's body.
#[derive(Debug)]
pub struct Rendering {
    plain: String,
    gzip: Option<Vec<u8>>,
    held: Arc<Held>,
}

impl Rendering {
    fn size(&self) -> usize {
        self.plain.capacity() + self.gzip.as_ref().map_or(0, Vec::capacity)
    }

    /// The bytes to send, which hold on to it; packed where that was asked for.
    pub fn body(self: Arc<Self>, gzip: bool) -> Bytes {
        struct Body(Arc<Rendering>, bool);
        impl AsRef<[u8]> for Body {
            fn as_ref(&self) -> &[u8] {
                match &self.0.gzip {
                    Some(packed) if self.1 => packed,
                    _ => self.0.plain.as_bytes(),
                }
            }
        }
        Bytes::from_owner(Body(self, gzip))
    }
}

impl Drop for Rendering {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.size(), Ordering::AcqRel);
        self.held.less.notify_one();
    }
}

/// A text that is to be sent.
#[derive(Debug)]
pub struct Text {
    /// All of it.
    pub plain: String,
    /// A part that will likely be the same the next time.
    pub steady: Range<usize>,
}

impl From<String> for Text {
    fn from(plain: String) -> Text {
        Text { plain, steady: 0..0 }
    }
}

/// What all renderings take, and who holds it.
#[derive(Debug)]
struct Held {
    bytes: AtomicUsize,
    less: Notify,
    connections: Arc<Connections>,
}

impl Held {
    /// Waits until slow readers hold little enough; says whether they do, in time.
    async fn has_room(&self) -> bool {
        timeout(LETTING_GO, self.room()).await.is_ok()
    }

    async fn room(&self) {
        while self.bytes.load(Ordering::Acquire) > MOST_HELD {
            let less = self.less.notified();
            self.connections.cut_slowest();
            // Others may hold the same rendering: then the next one is cut off.
            let _ = timeout(SOON, less).await;
        }
    }

    /// A rendering that is held until the last of its readers lets go.
    fn hold(self: &Arc<Self>, plain: String, gzip: Option<Vec<u8>>) -> Arc<Rendering> {
        let rendering = Arc::new(Rendering { plain, gzip, held: self.clone() });
        self.bytes.fetch_add(rendering.size(), Ordering::AcqRel);
        rendering
    }
}

#[derive(Debug)]
struct Waiter {
    gzip: bool,
    reply: oneshot::Sender<Arc<Rendering>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiter>,
    /// Whether a rendering is to come.
    called: bool,
    /// When the pause after the last one is over.
    next: Option<Instant>,
}

/// Renders one kind of answer.
pub struct Renderer {
    render: Box<dyn Fn() -> Text + Send + Sync>,
    packer: Mutex<Packer>,
    queue: Mutex<Queue>,
    held: Arc<Held>,
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renderer").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// Makes renderers that keep one limit together.
#[derive(Debug)]
pub struct Renderers {
    held: Arc<Held>,
}

impl Renderers {
    /// Renderers whose answers go to `connections`.
    pub fn new(connections: Arc<Connections>) -> Renderers {
        let held = Held { bytes: AtomicUsize::default(), less: Notify::new(), connections };
        Renderers { held: Arc::new(held) }
    }

    /// One that answers what `render` gives.
    pub fn renderer<T: Into<Text>>(&self, render: impl Fn() -> T + Send + Sync + 'static) -> Arc<Renderer> {
        Arc::new(Renderer {
            render: Box::new(move || render().into()),
            packer: Mutex::default(),
            queue: Mutex::default(),
            held: self.held.clone(),
        })
    }

    /// What renders for each request.
    pub fn each(&self) -> Arc<Each> {
        Arc::new(Each::new(self.held.clone()))
    }
}

/// When the pause after a rendering that began then, and ends now, is over.
fn after_pause(began: Instant) -> Instant {
    Instant::now() + (began.elapsed() * PAUSE).min(LONGEST_PAUSE)
}

impl Renderer {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A rendering that begins after this is called; with `gzip` it is there
    /// packed as well. None where too much is held by slow readers.
    pub async fn get(self: &Arc<Self>, gzip: bool) -> Option<Arc<Rendering>> {
        let (reply, rendering) = oneshot::channel();
        let first = {
            let mut queue = self.queue();
            queue.waiting.push(Waiter { gzip, reply });
            !std::mem::replace(&mut queue.called, true)
        };
        if first {
            let renderer = self.clone();
            tokio::spawn(async move { renderer.answer_all().await });
        }
        rendering.await.ok()
    }

    async fn answer_all(&self) {
        let next = self.queue().next;
        if let Some(next) = next.filter(|next| *next > Instant::now()) {
            sleep_until(next.into()).await;
        }
        let room = self.held.has_room().await;
        let waiting = {
            let mut queue = self.queue();
            queue.called = false;
            std::mem::take(&mut queue.waiting)
        };
        // Who has gone meanwhile is no reason to render.
        let waiting: Vec<_> = waiting.into_iter().filter(|w| !w.reply.is_closed()).collect();
        if waiting.is_empty() || !room {
            return;
        }
        let began = Instant::now();
        let Text { plain, steady } = (self.render)();
        let gzip = waiting.iter().any(|w| w.gzip).then(|| {
            let mut packer = self.packer.lock().unwrap_or_else(PoisonError::into_inner);
            packer.packed(&plain, steady)
        });
        let rendering = self.held.hold(plain, gzip);
        for waiter in waiting {
            let _ = waiter.reply.send(rendering.clone());
        }
        self.queue().next = Some(after_pause(began));
    }
}
