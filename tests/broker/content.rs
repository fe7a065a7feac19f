//! What a message may hold.

use rdkafka::message::{Header, OwnedHeaders};

use super::{Broker, PATIENCE};
use crate::feed::{Counts, Feeder, consumer, records, wait_for_counts, within};

const MIB: usize = 1 << 20;

pub fn empty_large_and_garbage(broker: &Broker) {
    broker.create("content", 3);
    let feeder = Feeder::new(&broker.address(), "none");
    let with_code = |size: usize, code: &str| {
        let mut payload = vec![b'x'; size - code.len() - 1];
        payload.push(b' ');
        payload.extend(code.bytes());
        payload
    };
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let garbage: Vec<u8> = (0..100_000)
        .map(|_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            // No letters: chance must not spell a code.
            (noise >> 32) as u8 | 0x80
        })
        .collect();
    let payloads: Vec<Vec<u8>> = vec![
        Vec::new(),
        with_code(1_000_000, "Ecs.0114"),
        // The limit, and one byte more.
        with_code(MIB, "Ecs.0114"),
        with_code(MIB + 1, "Ecs.0114"),
        with_code(2 * MIB, "CSS.0015"),
        garbage,
        vec![0; 5000],
        b"\xff\xfeEcs.0114\xff\0\x80CCE.01400007\xc3".to_vec(),
        b"\n\n\r\n Ecs.0114 \n Ecs.0114 \n".to_vec(),
        b"{\"code\":\"Ecs.0114\",".to_vec(),
        vec![b'['; 200_000],
    ];
    for round in 0..60_u64 {
        for (i, payload) in payloads.iter().enumerate() {
            feeder.send("content", ((round + i as u64) % 3) as i32, Some(payload));
        }
    }
    feeder.flush();
    let daemon = consumer(&broker.address(), "content", "content", &[]);
    let counts = wait_for_counts(&[&daemon], 60 * payloads.len() as u64, PATIENCE);
    assert_eq!(counts.bytes, 60 * payloads.iter().map(|p| p.len() as u64).sum::<u64>());
    assert_eq!(counts.matched, 60 * 7);
    let codes = [("CCE.01400007", 60), ("CSS.0015", 60), ("Ecs.0114", 6 * 60)];
    assert_eq!(counts.codes, codes.map(|(c, n)| (c.to_owned(), n)).into());
    let scrape = daemon.scrape();
    assert_eq!(scrape.value("errtally_oversized_records_total", &[("source", "kafka")]), Some(120.0));
    assert_eq!(scrape.value("errtally_malformed_json_records_total", &[("source", "kafka")]), Some(60.0));
}

pub fn tombstones_keys_and_headers(broker: &Broker) {
    broker.create("keys", 1);
    let feeder = Feeder::new(&broker.address(), "none");
    let headers = || {
        let header = Header { key: "error_code", value: Some("Ecs.0114") };
        Some(OwnedHeaders::new().insert(header).insert(Header { key: "Ecs.0114", value: None::<&str> }))
    };
    for _ in 0..100 {
        feeder.send_with("keys", 0, None, Some(b"Ecs.0114"), None);
        feeder.send_with("keys", 0, None, Some(b"Ecs.0114"), headers());
        feeder.send_with("keys", 0, Some(b"nothing"), Some(b"Ecs.0114"), headers());
        feeder.send_with("keys", 0, Some(b"CSS.0015"), Some(b""), headers());
    }
    feeder.flush();
    let daemon = consumer(&broker.address(), "keys", "keys", &[]);
    // A tombstone is a message, and so a record; only what a message holds is searched.
    let counts = wait_for_counts(&[&daemon], 400, PATIENCE);
    assert_eq!((counts.matched, counts.bytes), (100, 100 * 15));
    assert_eq!(counts.codes, [("CSS.0015".to_owned(), 100)].into());
}

pub fn lines(broker: &Broker) {
    broker.create("lines", 2);
    let feeder = Feeder::new(&broker.address(), "gzip");
    let long = format!("{}Ecs.0114\nCSS.0015", "x ".repeat(MIB / 2));
    for payload in [
        &b"Ecs.0114\nEcs.0114 Ecs.0114\n"[..],
        b"Ecs.0114\nnothing\r\nEcs.0114",
        b"\n\n",
        b"",
        // A line does not go on in the next message.
        b"Ecs.01",
        b"14\n",
        long.as_bytes(),
    ] {
        feeder.send("lines", 0, Some(payload));
    }
    feeder.send("lines", 1, None);
    feeder.flush();
    let daemon = consumer(&broker.address(), "lines", "lines", &["--kafka-framing", "lines"]);
    // 2, 3 and 2 lines, none, one each, 2.
    let counts = wait_for_counts(&[&daemon], 11, PATIENCE);
    assert_eq!(counts.codes, [("CSS.0015".to_owned(), 1), ("Ecs.0114".to_owned(), 5)].into());
    assert_eq!(counts.matched, 6);
    let oversized = daemon.scrape().value("errtally_oversized_records_total", &[("source", "kafka")]);
    assert_eq!(oversized, Some(1.0));
    // By default the same is a record a message, the empty ones too.
    let daemon = consumer(&broker.address(), "lines", "whole", &[]);
    within(PATIENCE, "eight records", || (records([&daemon]) == 8).then_some(()));
    assert_eq!(Counts::scraped([&daemon]).codes["Ecs.0114"], 3);
}
