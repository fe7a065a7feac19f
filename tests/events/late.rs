//! Records that are older than `late_after`.

use crate::run::exact;

/// Seconds since 1970 of so many seconds ago.
fn ago(seconds: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    now.as_secs() - seconds
}

#[test]
fn late_hits_are_counted_apart() {
    let (old, new) = (ago(7200), ago(60));
    let lines = [
        format!("{{\"time\":{old},\"app\":\"web\",\"code\":\"Ecs.0114\"}}"),
        format!("{{\"time\":{new},\"app\":\"web\",\"code\":\"Ecs.0114\"}}"),
        format!("ts={old} CSS.0015 error_code=DLI.0003"),
        "2020-01-01 00:00:00,000 ERROR CCE.01400007".to_owned(),
        "<165>1 2020-01-01T00:00:00Z host CCE.01400007".to_owned(),
        // No time, or none that can be read: not late.
        "Ecs.0005".to_owned(),
        "time=yesterday Ecs.0005".to_owned(),
        format!("time={} error_code=DLI.0003", ago(0) + 100_000),
    ];
    let input: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let args = ["--late-after", "1h", "--labels", "app=app", "--exemplars", "true"];
    let (events, scrape) = exact(input.as_bytes(), &args);
    let late = |code: &str| scrape.sum("errtally_late_errors_total", &[("code", code)]);
    let errors = |code: &str| scrape.sum("errtally_errors_total", &[("code", code)]);
    let unknown = |code: &str| scrape.sum("errtally_unknown_codes_total", &[("code", code)]);
    assert_eq!((late("Ecs.0114"), errors("Ecs.0114")), (1.0, 1.0));
    assert_eq!((late("CSS.0015"), errors("CSS.0015")), (1.0, 0.0));
    assert_eq!((late("CCE.01400007"), errors("CCE.01400007")), (2.0, 0.0));
    assert_eq!((late("DLI.0003"), unknown("DLI.0003")), (1.0, 1.0));
    assert_eq!((late("Ecs.0005"), errors("Ecs.0005")), (0.0, 2.0));
    assert_eq!(scrape.sum("errtally_late_errors_total", &[("app", "web")]), 1.0);
    assert_eq!(scrape.sum("errtally_api_service_errors_total", &[("api_service", "CCE")]), 0.0);
    // A code that was only late was not seen: alerts on it would be wrong.
    let seen = |code| scrape.value("errtally_code_last_seen_timestamp_seconds", &[("code", code)]);
    assert_eq!(seen("CCE.01400007"), None);
    assert!(seen("Ecs.0005").is_some());
    // The records themselves are records.
    assert_eq!(scrape.sum("errtally_matched_records_total", &[]), 8.0);
    let marks: Vec<_> = events.iter().map(|e| e.get("late").is_some()).collect();
    assert_eq!(marks, [true, false, true, true, true, true, false, false, false]);
}

#[test]
fn without_late_after_nothing_is_late() {
    let (events, scrape) = exact(b"2020-01-01T00:00:00Z Ecs.0114\n", &[]);
    assert_eq!(events[0]["time"], "2020-01-01T00:00:00Z");
    assert_eq!(events[0].get("late"), None);
    assert_eq!(scrape.of("errtally_late_errors_total", &[]).count(), 0);
    assert_eq!(scrape.sum("errtally_errors_total", &[]), 1.0);
}
