//! Wrong settings, all of `wrong.txt`: `config check` and `run` both refuse each at once, with file, line, key and
//! remedy.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Folder, errtally};

/// Far more than any check takes, and far less than a process that runs.
const DEADLINE: Duration = Duration::from_secs(20);

/// A line that errtally wrote, and no process left behind.
#[track_caller]
fn refused(command: &mut Command, what: &str) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = child.stderr.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = stderr.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    });
    let until = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().expect("a state") {
            Some(status) => break status.code(),
            None if Instant::now() > until => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let said = reader.join().expect("it is read");
    match status {
        Some(2) => Ok(said),
        Some(status) => Err(format!("{what}: status {status}: {said}")),
        None => Err(format!("{what}: it runs or hangs: {said}")),
    }
}

/// What is missing in what was said of `file`.
fn lacking(said: &str, file: &str, line: &str, key: &str) -> Option<&'static str> {
    for riddle in ["panicked", "FFI", "nul error", "unreadable", "Os {", "None"] {
        if said.contains(riddle) {
            return Some("it speaks in riddles");
        }
    }
    let place = if key == "-" { format!("{file}:{line}: ") } else { format!("{file}:{line}: {key}") };
    // YAML tells of some mistakes of the syntax only behind them.
    let next = format!("{file}:{}: ", line.parse::<usize>().expect("a number") + 1);
    let told = said.lines().find(|l| l.contains(&place) || (key == "-" && l.contains(&next)));
    let Some(told) = told else { return Some("it names no file, line or key") };
    let remedy = told.rsplit_once("; ").map_or("", |(_, remedy)| remedy.trim());
    (remedy.len() < 4).then_some("it gives no remedy")
}

#[test]
fn none_is_accepted_and_each_is_told_with_its_place_and_remedy() {
    let cases: Vec<&str> = include_str!("wrong.txt").lines().filter(|l| !l.starts_with('#')).collect();
    assert!(cases.len() > 300, "{} cases", cases.len());
    let next = AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    let work = || {
        let folder = Folder::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (head, content) = case.split_once(" | ").expect("a place and a file");
            let (line, key) = head.split_once(' ').expect("a line and a key");
            let file = folder.write("wrong.yaml", content.replace('⏎', "\n"));
            let commands: [&[&str]; 2] = [&["config", "check"], &["run"]];
            for command in commands {
                let mut process = errtally();
                process.args(command).args(["--config", &file]);
                let problem = match refused(&mut process, &command.join(" ")) {
                    Ok(said) => lacking(&said, &file, line, key).map(|why| format!("{why}: {said}")),
                    Err(why) => Some(why),
                };
                if let Some(problem) = problem {
                    let case: String = case.chars().take(200).collect();
                    wrong.lock().expect("a list").push(format!("{case}\n    {problem}"));
                    break;
                }
            }
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().expect("a list");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_same_holds_for_flags_and_variables() {
    for (flag, variable, value) in [
        ("--kafka-brokers", "ERRTALLY_KAFKA_BROKERS", "SSL://kafka:9093"),
        ("--kafka-topics", "ERRTALLY_KAFKA_TOPICS", "^("),
        ("--kafka-topics", "ERRTALLY_KAFKA_TOPICS", "a,a"),
        ("--kafka-topics", "ERRTALLY_KAFKA_TOPICS", "a b"),
        ("--kafka-instance-id", "ERRTALLY_KAFKA_INSTANCE_ID", "a b"),
        ("--max-label-sets", "ERRTALLY_MAX_LABEL_SETS", "4294967297"),
        ("--labels", "ERRTALLY_LABELS", "a-b=x"),
        ("--fields-level", "ERRTALLY_FIELDS_LEVEL", "a.b.c.d.e.f.g.h.i.j"),
    ] {
        for command in ["check", "run"] {
            let args = if command == "run" { vec!["run"] } else { vec!["config", "check"] };
            let said = refused(errtally().args(&args).args([flag, value]), flag).expect("it is refused");
            let line =
                said.lines().find(|l| l.contains(&format!("{flag}: "))).unwrap_or_else(|| panic!("{said}"));
            assert!(line.contains("; "), "{line}");
            let said = refused(errtally().args(&args).env(variable, value), variable).expect("it is refused");
            let line = said.lines().find(|l| l.contains(&format!("{variable}: ")));
            assert!(line.is_some_and(|l| l.contains("; ")), "{said}");
        }
    }
}

#[test]
fn what_would_take_all_memory_or_the_stack_is_refused() {
    let folder = Folder::new();
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let ten = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs.push_str(&format!("a{i}: &a{i} [{ten}]\n"));
    }
    for (name, content) in
        [("laughs", laughs), ("lists", "[".repeat(100_000)), ("maps", "{a: ".repeat(100_000))]
    {
        let file = folder.write(name, content);
        let said =
            refused(errtally().args(["config", "check", "--config", &file]), name).expect("it is refused");
        assert!(said.contains(&format!("{file}:")) && said.contains("; "), "{said}");
    }
}

#[test]
fn fifty_problems_are_told_and_then_their_number() {
    let folder = Folder::new();
    let many: String = (0..2_000).map(|i| format!("key{i}: x\n")).collect();
    let file = folder.write("many.yaml", many);
    let said =
        refused(errtally().args(["config", "check", "--config", &file]), "many").expect("it is refused");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 52, "{said}");
    assert_eq!(lines[50..], ["errtally: and 1,950 more problems", "errtally: 2,000 problems"]);
    let said = refused(errtally().args(["run", "--config", &file]), "many").expect("it is refused");
    assert!(said.ends_with("errtally: 2,000 problems; nothing was started\n"), "{said}");
}
