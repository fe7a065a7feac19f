//! How many requests the server takes: `rate_limit` of the web configuration,
//! a bucket of tokens that fills one an interval.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bucket for all requests together.
#[derive(Debug)]
pub struct Limiter {
    interval: Duration,
    burst: u32,
    /// When the bucket is full again if nobody asks.
    full: Mutex<Instant>,
}

impl Limiter {
    /// A full bucket of `burst` tokens, one more every `interval`.
    pub fn new(interval: Duration, burst: u32) -> Limiter {
        Limiter { interval, burst, full: Mutex::new(Instant::now()) }
    }

    /// Whether `other` is as strict.
    pub fn same_rate(&self, other: &Limiter) -> bool {
        (self.interval, self.burst) == (other.interval, other.burst)
    }

    /// Takes a token, if there is one.
    pub fn allows(&self) -> bool {
        self.allows_at(Instant::now())
    }

    fn allows_at(&self, now: Instant) -> bool {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        // What no clock can show is later than anything that is allowed.
        let Some(then) = (*full).max(now).checked_add(self.interval) else { return false };
        let allowed = then.duration_since(now) <= self.interval.saturating_mul(self.burst);
        if allowed {
            *full = then;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Limiter;

    #[test]
    fn a_burst_and_then_one_an_interval() {
        let limiter = Limiter::new(Duration::from_secs(1), 3);
        let start = Instant::now();
        let at = |millis| limiter.allows_at(start + Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(10), at(10), at(990)], [true, true, true, false, false]);
        assert_eq!([at(1010), at(1010), at(2010), at(2010)], [true, false, true, false]);
        // After a long rest no more than the burst.
        assert_eq!([at(60_000), at(60_000), at(60_000), at(60_000)], [true, true, true, false]);
    }

    #[test]
    fn no_limit_is_too_large_to_reckon_with() {
        for interval in [Duration::from_nanos(1), Duration::from_secs(1 << 40), Duration::MAX] {
            let limiter = Limiter::new(interval, u32::MAX);
            // Whether it is allowed or not: nothing overflows.
            let _ = [limiter.allows(), limiter.allows()];
        }
    }
}
