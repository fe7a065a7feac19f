//! Chooses what happens next.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::broker::Broker;
use crate::instance::Instance;
use crate::truth::{PARTITIONS, Truth};
use crate::watch;

/// Instances at a time.
const INSTANCES: (usize, usize) = (1, 3);

/// Kinds marked * may double events: what was counted since the last commit, or waits for its sink.
pub struct Director<'b> {
    broker: &'b Broker,
    truth: Arc<Truth>,
    instances: Vec<Instance>,
    noise: u64,
    folder: tempfile::TempDir,
    reloads: u64,
}

impl Director<'_> {
    pub fn new(broker: &Broker, truth: Arc<Truth>, seed: u64) -> Director<'_> {
        let folder = tempfile::tempdir().expect("a folder");
        let noise = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut director = Director { broker, truth, instances: Vec::new(), noise, folder, reloads: 0 };
        director.write_catalog();
        director.start();
        director.start();
        director
    }

    fn below(&mut self, n: u64) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 33) % n
    }

    fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from * 1000 + self.below((to - from) * 1000))
    }

    fn write_catalog(&mut self) {
        self.reloads += 1;
        let text = format!(
            "service: MINE\nfull_name: Mine\nsource: none\nfamilies:\n  - {{prefix: MINE, grammar: NNNN}}\ncodes:\n  \
             - {{code: MINE.{:04}, http_status: 400, message: a, category: quota, retryable: false, action: Ask}}\n",
            self.reloads % 10_000
        );
        std::fs::write(self.folder.path().join("mine.yaml"), text).expect("it is written");
    }

    fn start(&mut self) {
        let catalog = self.folder.path().join("mine.yaml").display().to_string();
        self.instances.push(Instance::start(&self.broker.address(), &catalog, &self.truth));
    }

    pub fn run(&mut self, until: Instant) {
        let mut next = Instant::now() + Duration::from_secs(10);
        let mut told = Instant::now();
        while Instant::now() < until && !self.truth.failed.load(Ordering::Acquire) {
            self.look();
            if Instant::now() >= next {
                self.act();
                next = Instant::now() + self.seconds(2, 12);
            }
            if told.elapsed() > Duration::from_secs(60) {
                told = Instant::now();
                let number = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
                let (written, events, doubled) =
                    (number(&self.truth.written), number(&self.truth.told), number(&self.truth.doubled));
                let memory = number(&self.truth.peak_memory) >> 20;
                self.truth.say(&format!(
                    "{written} written, {events} events, {doubled} doubled, {memory} MiB at most, {} topics",
                    self.truth.active()
                ));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn look(&mut self) {
        for instance in &mut self.instances {
            instance.look();
            watch::look(instance, &self.truth);
        }
    }

    fn act(&mut self) {
        let which = self.below(self.instances.len() as u64) as usize;
        match self.below(16) {
            0 | 1 => self.end(which, Signal::KILL, "* an instance killed"),
            2 | 3 => self.end(which, Signal::TERM, "an instance stopped"),
            4 if self.instances.len() < INSTANCES.1 => {
                self.tell("an instance added");
                self.start();
            }
            5 if self.instances.len() > INSTANCES.0 + 1 => {
                self.tell("an instance taken away");
                let instance = self.instances.remove(which);
                self.finished(instance, Signal::TERM);
            }
            6 | 7 if self.instances[which].is_calm() => {
                self.tell("* an instance frozen");
                let time = self.seconds(1, 15);
                self.instances[which].freeze(time);
            }
            8 | 9 if self.instances[which].is_calm() => {
                self.tell("* the events of an instance blocked");
                let time = self.seconds(5, 30);
                self.instances[which].block(time);
            }
            10 => {
                self.tell("* the broker frozen");
                let time = self.seconds(1, 20);
                self.broker.signal(Signal::STOP);
                self.wait(time);
                self.broker.signal(Signal::CONT);
            }
            11 => {
                self.tell("* the broker killed");
                self.broker.kill();
                let time = self.seconds(0, 5);
                self.wait(time);
                self.broker.start();
            }
            12 => {
                self.tell("* the broker stopped");
                self.broker.stop();
                let time = self.seconds(0, 10);
                self.wait(time);
                self.broker.start();
            }
            13 | 14 => self.expire(),
            _ => {
                self.tell("settings reloaded");
                self.write_catalog();
                for instance in &self.instances {
                    instance.daemon().signal(Signal::HUP);
                }
            }
        }
    }

    /// Records expire that nobody has read: all instances are frozen meanwhile.
    fn expire(&mut self) {
        self.tell("* records expired while all instances were frozen");
        for at in 0..self.instances.len() {
            if self.instances[at].is_calm() {
                let time = self.seconds(2, 8);
                self.instances[at].freeze(time);
            }
        }
        let written_ahead = self.seconds(1, 3);
        self.wait(written_ahead);
        for topic in self.truth.topics() {
            let partition = self.below(PARTITIONS);
            let share = self.below(100);
            let truth = self.truth.clone();
            self.broker.try_expire(&topic, partition as i32, share, |before| {
                truth.expires(&topic, partition, before);
            });
        }
    }

    fn tell(&self, what: &'static str) {
        self.truth.say(what);
        self.truth.incident(what);
    }

    fn wait(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look();
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn end(&mut self, which: usize, signal: Signal, what: &'static str) {
        self.tell(what);
        let instance = self.instances.remove(which);
        self.finished(instance, signal);
        self.start();
    }

    /// A stop ends with 0, or with 1 where events could not be delivered in time.
    fn finished(&self, instance: Instance, signal: Signal) {
        let (was_calm, since) = (instance.is_calm(), Instant::now());
        let (code, log) = instance.end(signal);
        self.truth.read_log(&log);
        if signal == Signal::KILL {
            return;
        }
        let undelivered = log.contains("were not delivered within shutdown_timeout");
        if undelivered {
            self.truth.incident("* an instance stopped while its events were blocked");
        }
        if !(code == Some(0) || (code == Some(1) && undelivered && !was_calm)) {
            let tail: Vec<&str> = log.lines().rev().take(5).collect();
            self.truth.problem(format!("an instance that was stopped ended with {code:?}: {tail:?}"));
        }
        if since.elapsed() > Duration::from_secs(12) {
            self.truth.problem(format!("an instance took {:?} to stop", since.elapsed()));
        }
        if log.contains("panicked") {
            self.truth.problem(format!("a panic: {log}"));
        }
    }

    /// Lets everything come to rest: what is written is told.
    pub fn finish(&mut self) {
        self.truth.say("no more trouble; what is written is drained");
        for instance in &mut self.instances {
            instance.thaw();
            instance.unblock();
        }
        let until = Instant::now() + Duration::from_secs(240);
        while self.truth.active() > 0 && !self.truth.failed.load(Ordering::Acquire) && Instant::now() < until
        {
            self.wait(Duration::from_secs(1));
        }
        for instance in std::mem::take(&mut self.instances) {
            self.finished(instance, Signal::TERM);
        }
    }
}
