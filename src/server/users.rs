//! Basic authentication: who may ask.
//!
//! A bcrypt comparison takes tens of milliseconds of a core on purpose. So
//! that it costs the pipeline nothing, comparisons are made one at a time on a
//! thread of low priority, and each result is remembered, by a keyed hash of
//! name, stored hash and password: a scraper costs one comparison, not one a
//! scrape, and when the stored hash changes the old result is not found. For a
//! name that nobody has, a comparison is made too, so that the time that an
//! answer takes does not tell which names there are.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::oneshot;
use tracing::error;

/// The highest cost of a hash: it takes a minute.
pub const HIGHEST_COST: u32 = 20;

/// The cost that is compared at where there is no user to take it from.
const USUAL_COST: u32 = 10;

/// Comparisons that may wait for their turn, of all clients and of one address.
const MOST_WAITING: usize = 64;
const MOST_WAITING_OF_ONE: usize = 8;

/// Wrong passwords that are remembered; right ones are as few as the users.
const MOST_WRONG: usize = 256;

/// How much lower than the reader's the priority of the comparing thread is.
const NICENESS: i32 = 10;

/// Names and bcrypt hashes.
#[derive(Clone, Debug, Default)]
pub struct Users {
    hashes: BTreeMap<String, String>,
    costs: Vec<u32>,
}

/// Why a hash is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHash {
    /// It is none of bcrypt.
    NotBcrypt,
    /// Comparing takes too long at this cost.
    Cost(u32),
}

impl Users {
    /// Adds a user.
    ///
    /// # Errors
    /// When `hash` is none that is compared with in reasonable time.
    pub fn add(&mut self, name: &str, hash: &str) -> Result<(), BadHash> {
        let cost = HashParts::from_str(hash).map_err(|_| BadHash::NotBcrypt)?.get_cost();
        if !(4..=31).contains(&cost) {
            return Err(BadHash::NotBcrypt);
        }
        if cost > HIGHEST_COST {
            return Err(BadHash::Cost(cost));
        }
        self.hashes.insert(name.to_owned(), hash.to_owned());
        self.costs.push(cost);
        Ok(())
    }

    /// Whether anybody may ask.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// A hash that takes as long to compare as those of the users.
    fn nobody(&self) -> String {
        let cost = self.costs.iter().copied().max().unwrap_or(USUAL_COST);
        format!("$2b${cost:02}${}{}", "N".repeat(21) + "O", "m".repeat(31))
    }
}

/// What a request's credentials are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are a user's.
    Right,
    /// They are missing or nobody's.
    Wrong,
    /// Too many others are being compared.
    Busy,
}

/// A keyed hash of name, stored hash and password.
type Tag = [u8; 32];

#[derive(Debug, Default)]
struct Known {
    right: HashSet<Tag>,
    wrong: HashSet<Tag>,
    /// The wrong ones, oldest first.
    order: VecDeque<Tag>,
    /// Those that are being compared, and who waits for it.
    waiting: HashMap<Tag, (IpAddr, Vec<oneshot::Sender<bool>>)>,
}

struct Job {
    tag: Tag,
    password: Vec<u8>,
    hash: String,
    known: bool,
}

/// Judges credentials, and remembers.
#[derive(Debug)]
pub struct Authenticator {
    key: hmac::Key,
    known: Arc<Mutex<Known>>,
    jobs: OnceLock<SyncSender<Job>>,
}

impl Authenticator {
    /// One that remembers nothing yet.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new() -> Result<Authenticator, ring::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        Ok(Authenticator { key, known: Arc::default(), jobs: OnceLock::new() })
    }

    /// What the header `Authorization` of a client at `peer` is worth.
    pub async fn judge(&self, users: &Users, header: Option<&HeaderValue>, peer: IpAddr) -> Verdict {
        let Some((name, password)) = header.and_then(|h| credentials(h.as_bytes())) else {
            return Verdict::Wrong;
        };
        let found = std::str::from_utf8(&name).ok().and_then(|name| users.hashes.get(name));
        let hash = found.cloned().unwrap_or_else(|| users.nobody());
        let tag = self.tag(&[&name, hash.as_bytes(), &password]);
        let answer = {
            let mut known = lock(&self.known);
            if known.right.contains(&tag) {
                return Verdict::Right;
            }
            if known.wrong.contains(&tag) {
                return Verdict::Wrong;
            }
            let job = Job { tag, password, hash, known: found.is_some() };
            match self.enqueue(&mut known, job, peer) {
                Some(answer) => answer,
                None => return Verdict::Busy,
            }
        };
        if answer.await.unwrap_or(false) { Verdict::Right } else { Verdict::Wrong }
    }

    fn tag(&self, parts: &[&[u8]]) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            // With its length, so that no two lists of parts are one text.
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// Puts a comparison in the queue, or joins one that is there.
    fn enqueue(&self, known: &mut Known, job: Job, peer: IpAddr) -> Option<oneshot::Receiver<bool>> {
        let (reply, answer) = oneshot::channel();
        if let Some((_, replies)) = known.waiting.get_mut(&job.tag) {
            replies.push(reply);
            return Some(answer);
        }
        let of_peer = known.waiting.values().filter(|(ip, _)| *ip == peer).count();
        if known.waiting.len() >= MOST_WAITING || of_peer >= MOST_WAITING_OF_ONE {
            return None;
        }
        let tag = job.tag;
        self.jobs.get_or_init(|| worker(self.known.clone())).try_send(job).ok()?;
        known.waiting.insert(tag, (peer, vec![reply]));
        Some(answer)
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread that compares.
fn worker(known: Arc<Mutex<Known>>) -> SyncSender<Job> {
    let (sender, jobs) = sync_channel(MOST_WAITING);
    if let Err(error) = thread::Builder::new().name("bcrypt".to_owned()).spawn(move || compare(&jobs, &known))
    {
        // The channel is closed then, and everybody is told to come again.
        error!(%error, "cannot start the thread that compares passwords");
    }
    sender
}

fn compare(jobs: &Receiver<Job>, known: &Mutex<Known>) {
    // Where it is not allowed, comparing is as important as reading.
    let _ = rustix::process::setpriority_process(None, NICENESS);
    while let Ok(Job { tag, password, hash, known: is_known }) = jobs.recv() {
        let equal = bcrypt::verify(&password, &hash).unwrap_or(false);
        let right = equal && is_known;
        let mut known = lock(known);
        if right {
            known.right.insert(tag);
        } else {
            known.wrong.insert(tag);
            known.order.push_back(tag);
            if known.order.len() > MOST_WRONG
                && let Some(oldest) = known.order.pop_front()
            {
                known.wrong.remove(&oldest);
            }
        }
        for reply in known.waiting.remove(&tag).map(|(_, replies)| replies).unwrap_or_default() {
            let _ = reply.send(right);
        }
    }
}

/// Name and password of a header `Basic ...`.
fn credentials(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let mut name = STANDARD.decode(encoded.trim_ascii()).ok()?;
    let colon = name.iter().position(|&b| b == b':')?;
    let password = name.split_off(colon + 1);
    name.pop();
    Some((name, password))
}

#[cfg(test)]
mod tests {
    use super::{BadHash, Users};

    #[test]
    fn a_name_that_nobody_has_is_compared_at_the_cost_of_the_others() {
        let mut users = Users::default();
        let hash = bcrypt::hash("horse", 5).expect("a hash");
        users.add("prom", &hash).expect("a good hash");
        let nobody = users.nobody();
        assert!(nobody.starts_with("$2b$05$"), "{nobody}");
        // It is compared, and not refused for its form, which would take no time.
        assert!(matches!(bcrypt::verify("horse", &nobody), Ok(false)));
    }

    #[test]
    fn hashes_that_are_none_or_take_too_long_are_refused() {
        let mut users = Users::default();
        let good = bcrypt::hash("horse", 4).expect("a hash");
        for (hash, refused) in [
            (String::new(), BadHash::NotBcrypt),
            ("horse".to_owned(), BadHash::NotBcrypt),
            (good[..59].to_owned(), BadHash::NotBcrypt),
            (good.replace("$04$", "$03$"), BadHash::NotBcrypt),
            (good.replace("$04$", "$32$"), BadHash::NotBcrypt),
            (good.replace("$04$", "$21$"), BadHash::Cost(21)),
        ] {
            assert_eq!(users.add("prom", &hash), Err(refused), "{hash}");
        }
        assert!(users.is_empty());
    }
}
