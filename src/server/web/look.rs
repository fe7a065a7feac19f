//! The thread that looks at the files of the web configuration.
//!
//! A request waits for the next look that begins, so that what it meets is
//! never older than itself; all who wait share one. Where the file system
//! hangs, so does the thread, and nobody waits for it any longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{error, warn};

/// How often to look while nobody asks.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long a request waits for a look.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests that wait for one look.
const MOST_WAITING: usize = 4096;

/// Asks for looks.
#[derive(Debug)]
pub(super) struct Looks {
    asked: SyncSender<oneshot::Sender<()>>,
    late: Arc<AtomicBool>,
}

impl Looks {
    /// Starts the thread that calls `look`; it ends with what this returns.
    pub fn start(look: impl FnMut() + Send + 'static) -> Looks {
        let (asked, waiting) = sync_channel(MOST_WAITING);
        let late = Arc::new(AtomicBool::new(false));
        let looks = Looks { asked, late: late.clone() };
        let started =
            thread::Builder::new().name("web".to_owned()).spawn(move || look_on(look, &waiting, &late));
        if let Err(error) = started {
            error!(%error, "cannot start the thread that looks at the web configuration: it stays as it is");
        }
        looks
    }

    /// Waits for a look that begins after this is called, but not for long.
    pub async fn look(&self) {
        if self.are_late() {
            return;
        }
        let (done, looked) = oneshot::channel();
        if self.asked.try_send(done).is_ok() && timeout(PATIENCE, looked).await.is_err() {
            let told = self.late.swap(true, Ordering::AcqRel);
            if !told {
                warn!(
                    "the files of the web configuration cannot be looked at, their file system does not \
                     answer: what was read before stays in force"
                );
            }
        }
    }

    /// Asks for a look and does not wait for it.
    pub fn ask(&self) {
        let _ = self.asked.try_send(oneshot::channel().0);
    }

    /// Whether the last look takes longer than anybody waits.
    pub fn are_late(&self) -> bool {
        self.late.load(Ordering::Acquire)
    }
}

fn look_on(mut look: impl FnMut(), asked: &Receiver<oneshot::Sender<()>>, late: &AtomicBool) {
    loop {
        let first = match asked.recv_timeout(INTERVAL) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Those who asked before it begins share it.
        let waiting: Vec<_> = first.into_iter().chain(asked.try_iter().take(MOST_WAITING)).collect();
        look();
        late.store(false, Ordering::Release);
        for reply in waiting {
            let _ = reply.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::time::Instant;

    use super::{Looks, PATIENCE};

    #[test]
    fn nobody_waits_for_a_look_that_hangs() {
        let (release, hangs) = sync_channel::<()>(0);
        let looks = Looks::start(move || {
            let _ = hangs.recv();
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            looks.look().await;
            assert!(looks.are_late());
            let since = Instant::now();
            for _ in 0..100 {
                looks.look().await;
            }
            assert!(since.elapsed() < PATIENCE, "nobody waits a second time");
            drop(release);
            while looks.are_late() {
                tokio::time::sleep(PATIENCE / 100).await;
            }
            looks.look().await;
            assert!(!looks.are_late());
        });
    }
}
