//! How much may be on its way at once, since some topics take less than a
//! batch.
//!
//! A topic's `max.message.bytes` holds for the batch that librdkafka makes, not
//! for an event: a refusal says that one of them, or all together, are too
//! large. So after a refusal less is sent at once, until all pass or one is
//! refused that was alone; only that one can never pass. With every success
//! there is a little more room again.

/// Bytes at which nothing is held back: more than a batch holds.
const OPEN: usize = 4 << 20;

/// What is on its way.
#[derive(Debug)]
pub(super) struct Window {
    /// Most bytes on their way; one event may always be.
    most: usize,
    bytes: usize,
    events: u64,
    /// Events sent since none was on its way.
    company: u64,
    /// One was refused since none was on its way.
    refused: bool,
}

impl Default for Window {
    fn default() -> Window {
        Window { most: OPEN, bytes: 0, events: 0, company: 0, refused: false }
    }
}

impl Window {
    /// Whether an event of so many bytes may be sent now.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.most >= OPEN || self.events == 0 || self.bytes + bytes <= self.most
    }

    /// Whether it is not open.
    pub(super) fn is_narrow(&self) -> bool {
        self.most < OPEN
    }

    /// It goes.
    pub(super) fn sent(&mut self, bytes: usize) {
        if self.events == 0 {
            self.company = 0;
        }
        self.bytes += bytes;
        self.events += 1;
        self.company += 1;
    }

    /// It was not taken for sending.
    pub(super) fn unsent(&mut self, bytes: usize) {
        self.company -= 1;
        self.done(bytes);
    }

    /// It is acknowledged.
    pub(super) fn arrived(&mut self, bytes: usize) {
        self.done(bytes);
        if self.events == 0 && !std::mem::take(&mut self.refused) {
            self.most = OPEN.min(self.most + self.most / 8 + 1);
        }
    }

    /// It came back for another reason than its size.
    pub(super) fn returned(&mut self, bytes: usize) {
        self.done(bytes);
    }

    /// It was refused, perhaps for others that were with it. Whether it was
    /// alone.
    pub(super) fn refused(&mut self, bytes: usize) -> bool {
        let alone = self.company == 1;
        if !alone && !std::mem::replace(&mut self.refused, true) {
            // Less than what was on its way now.
            self.most = (self.most.min(self.bytes) / 2).max(1);
        }
        self.done(bytes);
        // The next refusal is another one.
        self.refused &= self.events > 0;
        alone
    }

    fn done(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.events = self.events.saturating_sub(1);
        if self.events == 0 {
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends events of these sizes to a topic that takes batches of `limit`
    /// bytes: how many requests it takes, and how many events never pass.
    fn deliver(sizes: &[usize], limit: usize) -> (usize, usize) {
        let mut window = Window::default();
        let mut waiting: std::collections::VecDeque<usize> = sizes.iter().copied().collect();
        let (mut requests, mut lost) = (0, 0);
        while !waiting.is_empty() {
            let mut batch = Vec::new();
            while let Some(&size) = waiting.front().filter(|&&size| window.has_room(size)) {
                window.sent(size);
                batch.push(size);
                waiting.pop_front();
            }
            requests += 1;
            assert!(requests < 100_000, "it goes on for ever");
            if batch.iter().sum::<usize>() <= limit {
                batch.iter().for_each(|&size| window.arrived(size));
                continue;
            }
            for &size in batch.iter().rev() {
                if window.refused(size) { lost += 1 } else { waiting.push_front(size) }
            }
        }
        (requests, lost)
    }

    #[test]
    fn what_fits_alone_passes_and_what_does_not_is_the_only_loss() {
        let (requests, lost) = deliver(&[300; 5_000], 10_000);
        assert_eq!(lost, 0);
        assert!(requests < 500, "{requests} requests for 150 of the largest batches");
        let mut sizes = [300; 1_000];
        (sizes[10], sizes[500], sizes[999]) = (20_000, 10_001, 10_000);
        assert_eq!(deliver(&sizes, 10_000).1, 2);
        assert_eq!(deliver(&[5], 4), (1, 1));
        assert_eq!(deliver(&[1; 5_000], 1 << 20).0, 1, "nothing is held back before a refusal");
    }
}
