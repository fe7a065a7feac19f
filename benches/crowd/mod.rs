//! A crowd of HTTP clients on one thread: scrapers at a steady rate, clients
//! that read slowly, and clients that do nothing at all.
//!
//! What it costs must not be mistaken for what the server costs, so it does
//! little: connections are kept, answers are looked at for one number only.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use rustix::event::{PollFd, PollFlags, poll};

/// Who comes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// Clients that connect and say nothing; every other one scrapes once before.
    pub idle: usize,
    /// Clients that ask for the catalog and take one byte of it at a time.
    pub slow: usize,
    /// Scrapes a second.
    pub rate: u32,
    /// Connections that the scrapes are sent over.
    pub scrapers: usize,
    /// Further lines of every head, each with its end.
    pub headers: String,
}

/// What they saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Scrapes that were answered.
    pub scrapes: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Scrapes that failed: no 200, or no answer.
    pub failures: u64,
    /// Scrapes that could not be sent in time, since all connections were waiting.
    pub late: u64,
    /// Scrapes that showed fewer records than one that had ended before they were sent.
    pub stale: u64,
    /// Most records that a scrape showed.
    pub records: u64,
    /// Microseconds from asking to the whole answer, ascending.
    pub latencies: Vec<u32>,
}

impl Seen {
    /// The latency below which this share of the scrapes stayed, in milliseconds.
    pub fn latency(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share) as usize).map_or(0.0, |&us| f64::from(us) / 1e3)
    }
}

struct Scraper {
    stream: TcpStream,
    answer: Vec<u8>,
    asked: Instant,
    /// Records that an answer had shown when this one was asked for.
    floor: u64,
}

/// A crowd that has arrived: everybody is connected.
pub struct Crowd {
    plan: Plan,
    free: VecDeque<Scraper>,
    waiting: Vec<Scraper>,
    idle: Vec<TcpStream>,
    slow: Vec<TcpStream>,
    seen: Seen,
}

impl Crowd {
    /// Connects everybody.
    ///
    /// # Errors
    /// When a connection fails.
    pub fn new(plan: Plan) -> std::io::Result<Crowd> {
        let mut crowd = Crowd {
            free: VecDeque::new(),
            waiting: Vec::new(),
            idle: Vec::new(),
            slow: Vec::new(),
            seen: Seen::default(),
            plan,
        };
        for i in 0..crowd.plan.idle {
            let mut stream = TcpStream::connect(crowd.plan.address)?;
            if i % 2 == 1 {
                stream.write_all(crowd.head("/healthz").as_bytes())?;
                stream.read_exact(&mut [0; 12])?;
            }
            crowd.idle.push(stream);
        }
        for _ in 0..crowd.plan.slow {
            crowd.slow.push(crowd.slow_reader()?);
        }
        for _ in 0..crowd.plan.scrapers {
            let stream = crowd.connect()?;
            let answer = Vec::with_capacity(1 << 17);
            crowd.free.push_back(Scraper { stream, answer, asked: Instant::now(), floor: 0 });
        }
        Ok(crowd)
    }

    fn head(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{}\r\n", self.plan.address, self.plan.headers)
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.plan.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    fn slow_reader(&self) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.plan.address)?;
        stream.write_all(self.head("/api/v1/catalog").as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// Scrapes until `done` says so, which is asked every few milliseconds.
    /// Scrapers and slow readers that were cut off come again.
    ///
    /// # Errors
    /// When nobody can connect any more.
    pub fn attend(mut self, mut done: impl FnMut() -> bool) -> std::io::Result<Seen> {
        let head = self.head("/metrics");
        let began = Instant::now();
        let (mut due_until_now, mut read_slowly) = (0, began);
        while !done() {
            let due = (began.elapsed().as_secs_f64() * f64::from(self.plan.rate)) as u64;
            for _ in due_until_now..due {
                match self.free.pop_front() {
                    Some(scraper) => self.ask(scraper, head.as_bytes())?,
                    None => self.seen.late += 1,
                }
            }
            due_until_now = due;
            self.take_answers()?;
            if read_slowly.elapsed() > Duration::from_millis(500) {
                read_slowly = Instant::now();
                self.read_slowly()?;
            }
        }
        while !self.waiting.is_empty() {
            self.take_answers()?;
        }
        self.seen.latencies.sort_unstable();
        Ok(self.seen)
    }

    fn ask(&mut self, mut scraper: Scraper, head: &[u8]) -> std::io::Result<()> {
        scraper.answer.clear();
        scraper.asked = Instant::now();
        scraper.floor = self.seen.records;
        // The server may have closed it meanwhile, as it may any that is kept.
        if scraper.stream.write_all(head).is_err() {
            scraper.stream = self.connect()?;
            scraper.stream.write_all(head)?;
        }
        self.waiting.push(scraper);
        Ok(())
    }

    /// Waits for a millisecond at most.
    fn take_answers(&mut self) -> std::io::Result<()> {
        let millisecond = rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        let mut fds: Vec<_> = self.waiting.iter().map(|s| PollFd::new(&s.stream, PollFlags::IN)).collect();
        poll(&mut fds, Some(&millisecond))?;
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for i in (0..ready.len()).rev().filter(|&i| ready[i]) {
            let mut buffer = [0; 1 << 16];
            let scraper = &mut self.waiting[i];
            let whole = match scraper.stream.read(&mut buffer) {
                Ok(0) => None,
                Ok(n) => {
                    scraper.answer.extend_from_slice(&buffer[..n]);
                    Some(is_whole(&scraper.answer))
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => Some(false),
                Err(_) => None,
            };
            match whole {
                Some(false) => {}
                Some(true) => {
                    let scraper = self.waiting.swap_remove(i);
                    self.note(&scraper);
                    self.free.push_back(scraper);
                }
                None => {
                    self.seen.failures += 1;
                    let mut scraper = self.waiting.swap_remove(i);
                    scraper.stream = self.connect()?;
                    self.free.push_back(scraper);
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, scraper: &Scraper) {
        if !scraper.answer.starts_with(b"HTTP/1.1 200 ") {
            self.seen.failures += 1;
            return;
        }
        self.seen.scrapes += 1;
        self.seen.bytes += scraper.answer.len() as u64;
        self.seen.latencies.push(u32::try_from(scraper.asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        if let Some(records) = records(&scraper.answer) {
            self.seen.stale += u64::from(records < scraper.floor);
            self.seen.records = self.seen.records.max(records);
        }
    }

    fn read_slowly(&mut self) -> std::io::Result<()> {
        for i in 0..self.slow.len() {
            match self.slow[i].read(&mut [0]) {
                Ok(1) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                _ => self.slow[i] = self.slow_reader()?,
            }
        }
        Ok(())
    }

    /// Connections that are held without a scrape.
    pub fn held(&self) -> usize {
        self.idle.len() + self.slow.len()
    }
}

/// Whether `answer` holds as many bytes as its head says.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else { return false };
    let head = answer[..end].to_ascii_lowercase();
    let Some(at) = memmem::find(&head, b"content-length: ") else { return false };
    let digits = head[at + 16..].iter().take_while(|b| b.is_ascii_digit());
    let length = digits.fold(0, |n, d| n * 10 + usize::from(d - b'0'));
    answer.len() >= end + 4 + length
}

/// The records that a scrape in plain text shows.
fn records(answer: &[u8]) -> Option<u64> {
    let at = memmem::find(answer, b"\nerrtally_records_total{")?;
    let value = answer[at..].iter().position(|&b| b == b' ')? + at + 1;
    let digits = answer[value..].iter().take_while(|b| b.is_ascii_digit());
    Some(digits.fold(0, |n, d| n * 10 + u64::from(d - b'0')))
}
