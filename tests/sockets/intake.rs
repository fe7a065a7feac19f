//! The way from many senders to one pipeline, by itself: what protocols with answers build upon.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use errtally::source::intake::{Chunk, Counter, Full, Intake, QUEUE_BYTES, Unit};
use errtally_core::catalog::Catalog;
use errtally_core::engine::{Engine, Options};
use errtally_core::fields::PeerName;
use errtally_core::join::JoinSettings;
use errtally_core::ledger::{Ledger, Snapshot, Source};
use errtally_core::pipeline::Pipeline;

const LIMIT: usize = 2000;

fn ledger() -> Arc<Ledger> {
    let catalog = Arc::new(Catalog::embedded().expect("the catalog"));
    // Nothing is counted for want of more lines: only what is complete, and all at the end.
    let join = JoinSettings { wait: Duration::from_secs(3600), ..JoinSettings::default() };
    let options = Options { max_record_bytes: LIMIT, join, ..Options::default() };
    Arc::new(Ledger::new(Arc::new(Engine::new(catalog, options)), 100))
}

fn peer() -> Arc<PeerName> {
    Arc::new(PeerName::local("http", ""))
}

/// Runs `tasks` with an intake whose counter runs on a thread, to the end of both.
fn with_counter<F: Future<Output = ()>>(ledger: &Arc<Ledger>, tasks: impl FnOnce(Intake) -> F) {
    let (intake, counter): (Intake, Counter) = Intake::new();
    let of_counter = ledger.clone();
    let thread = thread::spawn(move || {
        let mut pipeline = Pipeline::new(of_counter, Source::named("http"));
        counter.run(&mut pipeline).expect("it counts")
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tasks(intake));
    thread.join().expect("it ends");
}

fn count(snapshot: &Snapshot) -> (u64, u64, u64, u64) {
    let (_, counts) = snapshot.sources[0];
    let hits = snapshot.rows.iter().map(|row| row.count()).sum();
    (counts.records, counts.matched, counts.oversized, hits)
}

#[test]
fn a_unit_is_counted_when_it_is_answered() {
    let ledger = ledger();
    with_counter(&ledger.clone(), |intake| async move {
        for i in 1..=50 {
            let bytes = b"{\"code\":\"Ecs.0114\"}\n{\"fine\":true}\nEcs.0114 no newline".to_vec();
            let room = intake.room(bytes.len()).await;
            intake.give(Unit::Lines { bytes, peer: peer() }, room).wait().await.expect("it is counted");
            let bytes = b"Ecs.0114\n\nof one recordEcs.0005".to_vec();
            let records = vec![(0..23, peer()), (23..31, peer())];
            let room = intake.room(bytes.len()).await;
            intake.give(Unit::Records { bytes, records }, room).wait().await.expect("it is counted");
            assert_eq!(count(&ledger.snapshot()), (5 * i, 4 * i, 0, 4 * i));
        }
    });
}

#[test]
fn who_may_be_told_to_come_later_is_told() {
    let (intake, counter) = Intake::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bytes = vec![b'\n'; QUEUE_BYTES];
        let room = intake.room(bytes.len()).await;
        let first = intake.give(Unit::Lines { bytes, peer: peer() }, room);
        // Nobody counts.
        let full = intake.room_within(1, Duration::from_millis(20)).await;
        assert_eq!(full.err(), Some(Full));
        let ledger = ledger();
        let thread = thread::spawn(move || counter.run(&mut Pipeline::new(ledger, Source::FILE)).map(drop));
        first.wait().await.expect("it is counted");
        intake.room_within(QUEUE_BYTES, Duration::from_secs(20)).await.expect("there is room again");
        drop(intake);
        thread.join().expect("it ends").expect("it counts");
    });
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}

/// Lines, stack traces, empty and overlong ones, ended by a newline or not.
fn text(dice: &mut Dice) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..dice.below(60) {
        match dice.below(6) {
            0 => text.extend_from_slice(b"2026-11-21 10:00:00 INFO fine\n"),
            1 => text
                .extend_from_slice(b"java.io.IOException: Ecs.0114 gone\n\tat a.B.c(B.java:1)\n\tat d.e\n"),
            2 => text.extend_from_slice(b"\n"),
            3 => {
                text.extend_from_slice(b"Ecs.0005 ");
                text.resize(text.len() + dice.below(2 * LIMIT), b'x');
                text.extend_from_slice(b" Ecs.0114 \n");
            }
            4 => {
                text.resize(text.len() + LIMIT - 20 + dice.below(40), b'y');
                text.extend_from_slice(b"\n");
            }
            _ => text.extend_from_slice(b"2026-11-21 10:00:00 ERROR CCE.01400007\n  more of it\n"),
        }
    }
    text.truncate(text.len() - dice.below(3).min(text.len()));
    text
}

#[test]
fn streams_count_as_if_each_were_alone_however_they_are_cut_and_mixed() {
    let mut dice = Dice(88_172_645_463_325_252);
    for round in 0..30 {
        let texts: Vec<Vec<u8>> = (0..1 + dice.below(12)).map(|_| text(&mut dice)).collect();
        let alone = ledger();
        for text in &texts {
            let mut pipeline = Pipeline::new(alone.clone(), Source::FILE);
            pipeline.push(text);
            pipeline.finish();
        }
        let mixed = ledger();
        let (dice, texts) = (&mut dice, &texts);
        with_counter(&mixed, |intake| async move {
            let streams: Vec<_> = texts.iter().map(|_| intake.stream(peer())).collect();
            let mut rest: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            let most = [5, 300, 5000][round % 3];
            while rest.iter().any(|rest| !rest.is_empty()) {
                let at = dice.below(rest.len());
                let (now, later) = rest[at].split_at(rest[at].len().min(dice.below(most)));
                rest[at] = later;
                let room = intake.room(now.len()).await;
                streams[at].lines(Chunk::from(now.to_vec()), room);
            }
        });
        let all = [&alone, &mixed].map(|ledger| count(&ledger.snapshot()));
        assert_eq!(all[0], all[1], "round {round}");
        let rows = [&alone, &mixed]
            .map(|ledger| ledger.snapshot().rows.iter().map(|row| row.count()).collect::<Vec<_>>());
        assert_eq!(rows[0], rows[1], "round {round}");
    }
}
