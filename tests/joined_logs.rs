//! Real forms of what is one error on several lines, through the real binary.

use std::io::Write;
use std::process::{Command, Stdio};

fn errtally(args: &[&str], input: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_errtally"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("errtally starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{args:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// Records, and hits of `Ecs.0114`, of some input.
fn scanned(args: &[&str], input: &str) -> (u64, u64) {
    let text = errtally(&[&["scan", "--format", "json"], args].concat(), input);
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let hits = report["hits"].as_array().expect("hits");
    let hits = hits.iter().filter(|h| h["code"] == "Ecs.0114").map(|h| h["count"].as_u64().unwrap());
    (report["records"].as_u64().expect("a number"), hits.sum())
}

/// Each names its code on several lines, and is one record before a last line of another.
const ONE: &[(&str, &str)] = &[
    (
        "Java",
        "2026-04-02 01:10:00 [main] ERROR o.e.Backup - failed Ecs.0114\norg.example.ApiException: Ecs.0114\n\tat org.example.Backup.main(Backup.java:8)\n\tSuppressed: java.io.IOException\n\t\tat x.Y.z(Y.java:1)\nCaused by: java.io.IOException: Ecs.0114\n\t... 23 more\n",
    ),
    (
        "Python, chained",
        "2026-04-02 01:20:00,000 ERROR sync: Ecs.0114\nTraceback (most recent call last):\n  File \"a.py\", line 1, in a\n    f()\nKeyError: 'Ecs.0114'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2, in a\nrequests.exceptions.HTTPError: Ecs.0114\nbody: {\"error_code\":\"Ecs.0114\"}\n",
    ),
    (
        "Go",
        "panic: Ecs.0114\n[signal SIGSEGV: segmentation violation code=0x1]\n\ngoroutine 1 [running]:\nmain.call(Ecs.0114)\n\t/app/main.go:12 +0x1d\ncreated by main.main\n\t/app/main.go:8 +0x1d\n",
    ),
    (
        "Node",
        "failed: Ecs.0114\nApiError: Ecs.0114\n    at call (/app/x.js:1:7)\n    at main (/app/x.js:9:1) {\n  code: 'Ecs.0114'\n}\n",
    ),
    (
        ".NET",
        "fail: Billing[0]\n      Ecs.0114\n      System.Exception: Ecs.0114\n       ---> System.IO.IOException: Ecs.0114\n         at X.Y()\n",
    ),
    ("Ruby", "a.rb:3:in `f': Ecs.0114 (RuntimeError)\n\tfrom a.rb:6:in `g' Ecs.0114\n"),
    (
        "PHP",
        "PHP Fatal error:  Uncaught Exception: Ecs.0114 in /a.php:3\nStack trace:\n#0 /a.php(9): f('Ecs.0114')\n#1 {main}\n  thrown in /a.php on line 3\n",
    ),
    (
        "Rust",
        "the call failed: Ecs.0114\nstack backtrace:\n   0: call Ecs.0114\n             at /rustc/x/main.rs:1\n   1: main\n",
    ),
    (
        "klog",
        "E0402 01:15:00.000001 1 event.go:307] \"Event\" reason=\"Ecs.0114\" message=<\n\tEcs.0114\n >\n",
    ),
    ("Terraform", "╷\n│ Error: Ecs.0114\n│ \n│   with huaweicloud_x.y,\n│ Ecs.0114\n╵\n"),
    (
        "a pretty body",
        "Error: Ecs.0114, error message: {\n  \"error_code\": \"Ecs.0114\",\n  \"a\": [\n    1\n  ]\n}\n",
    ),
];

#[test]
fn one_error_is_one_record_in_every_language() {
    for (name, text) in ONE {
        let input = format!("2026-04-02 01:00:00 INFO begin\n{text}2026-04-02 02:00:00 INFO end Ecs.0114\n");
        // What has no time of its own continues nothing before it.
        assert_eq!(scanned(&[], &input), (3, 2), "{name}");
        let lines = input.lines().count() as u64;
        assert_eq!(scanned(&["--join-lines", "off"], &input).0, lines, "{name}");
    }
}

#[test]
fn one_error_is_one_record_in_a_container_too() {
    let wrap = |text: &str, docker: bool| -> String {
        let lines = text.lines().map(|line| {
            if docker {
                let text = serde_json::to_string(&format!("{line}\n")).expect("JSON");
                format!("{{\"log\":{text},\"stream\":\"stderr\",\"time\":\"2026-04-02T01:00:00Z\"}}\n")
            } else {
                format!(
                    "2026-04-02T01:00:00.5Z stderr F {line}\n2026-04-02T01:00:00.5Z stdout F 12:00:00 x\n"
                )
            }
        });
        lines.collect()
    };
    for (name, text) in ONE {
        let end = format!("{text}2026-04-02 02:00:00 INFO end Ecs.0114\n");
        assert_eq!(scanned(&[], &wrap(&end, true)), (2, 2), "{name}, Docker");
        // The lines of the other stream are records of their own.
        let others = end.lines().count() as u64;
        assert_eq!(scanned(&[], &wrap(&end, false)), (2 + others, 2), "{name}, CRI");
    }
}

#[test]
fn a_pattern_decides_which_lines_are_records() {
    let input = "> a Ecs.0114\nb Ecs.0114\n  c\n> d Ecs.0114\n";
    assert_eq!(scanned(&["--join-start", "^> "], input), (2, 2));
    assert_eq!(scanned(&["--join-continuation", "^b"], input), (2, 2));
}

#[test]
fn explain_says_which_lines_are_one_record_and_why() {
    let text = errtally(&["explain", "--line", "-"], "12:00:00 x Ecs.0114\n\tat y\n12:00:01 z\n");
    assert!(text.contains("2 lines are one record, from line 1"), "{text}");
    assert!(text.contains("a line of a stack trace"), "{text}");
    assert!(text.contains("line 3"), "{text}");
}
