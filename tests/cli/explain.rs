//! `errtally explain`: what a code means, and which rule accepted or refused what stands in a line.

use crate::support::{Folder, errtally, finish, run};

#[test]
fn a_known_code_with_all_that_is_known() {
    for spelling in ["CCE.01429002", "cce.01429002"] {
        let text = run(["explain", spelling]).ok();
        for part in [
            "CCE.01429002",
            "Cloud Container Engine",
            "429, read from the code",
            "conflict",
            "yes",
            "locked",
            "CCE API Reference",
        ] {
            assert!(text.contains(part), "{spelling}: {part}:\n{text}");
        }
    }
    let several = run(["explain", "Ecs.0114", "CSS.0015"]).ok();
    assert!(several.contains("Ecs.0114") && several.contains("CSS.0015"), "{several}");
}

#[test]
fn a_code_with_several_rows_shows_each_and_the_default() {
    let text = run(["explain", "Ecs.1000"]).ok();
    let rows: Vec<_> = text.lines().filter(|l| l.starts_with("with status")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].contains("400") && rows[0].contains("when nothing in the record decides"), "{text}");
    assert!(rows[1].contains("404") && !rows[1].contains("decides"), "{text}");
    for part in ["Failed to call the Nova API because ….", "itemNotFound: … could not be found.", "not_found"]
    {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn rows_of_several_services_are_shown_under_each_of_them() {
    let text = run(["explain", "dbs.280001"]).ok();
    // Of six services four say the same.
    assert!(text.starts_with("DBS.280001  3 meanings, of 6 services\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("with status 400")).count(), 3, "{text}");
    assert_eq!(text.matches("(the default: meant when nothing in the record decides)").count(), 1, "{text}");
    for whose in [
        "of         DDM, Distributed Database Middleware",
        "and of     TAURUSDB, TaurusDB",
        "of         GAUSSDB, GaussDB",
        "of         GEMINIDB, GeminiDB",
    ] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(whose)), "{whose}\n{text}");
    }
    for decides in [
        "  1. the first part of the host of a URL, the nearest one to the code: ddm for DDM, ",
        "dds for DDS",
        "where nothing else decides, DDM's with status 400: Parameter error.",
    ] {
        assert!(text.contains(decides), "{decides}\n{text}");
    }
    // What is asked for twice is told once.
    assert_eq!(run(["explain", "dbs.280001", "DBS.280001"]).ok(), text);
    let one = run(["explain", "Ecs.1000"]).ok();
    assert!(
        one.contains("an HTTP status in the record: 400, 404")
            && one.contains("of Elastic Cloud Server (ECS)")
    );
    let services = run(["explain", "VPC.0101"]).ok();
    assert!(services.contains("(the default of ") && services.contains("vpc for VPC"), "{services}");
}

#[test]
fn a_text_finds_the_codes_that_say_so() {
    for text in [
        "Insufficient cluster quota",
        "insufficient CLUSTER  quota.",
        "08:00 Insufficient cluster quota. (7)",
    ] {
        let told = run(["explain", text]).ok();
        assert!(told.starts_with("CCE.01400007  Cloud Container Engine (CCE)\n"), "{text}\n{told}");
    }
    // Words are one text with and without quotes; what stands for a placeholder may stand there.
    let told = run(["explain", "Instance[i-17]", "could", "not", "be", "found"]).ok();
    let first = told.lines().nth(1).expect("a code");
    assert!(
        told.starts_with("Instance[i-17] could not be found  found in ") && first.starts_with("Ecs.0114"),
        "{told}"
    );
    assert_eq!(run(["explain", "Instance[i-17] could not be found"]).ok(), told);

    let many = run(["explain", "Parameter error."]).ok();
    let shown = many.lines().filter(|line| !line.starts_with(' ')).count() - 2;
    assert_eq!(shown, 10, "{many}");
    let last = many.lines().last().expect("a line");
    let (more, command) = last.split_once(" more: errtally ").expect("how to see all");
    assert_eq!(command, "catalog list --search 'Parameter error.'");
    let all = run(["catalog", "list", "--format", "json", "--search", "Parameter error."]).json();
    let all: std::collections::BTreeSet<_> =
        all["codes"].as_array().expect("codes").iter().map(|c| c["code"].as_str()).collect();
    assert_eq!(more, format!("and {}", all.len() - 10));
    assert!(run(["explain", "'s"]).ok().contains(r"--search ''\''s'"), "as a shell takes it");
}

#[test]
fn a_text_that_no_code_has_ends_with_1_and_says_what_is_near() {
    let near = run(["explain", "insufficient clusterish quota"]);
    assert_eq!((near.status, near.stderr.as_str()), (Some(1), ""));
    assert!(
        near.stdout.contains("no code says so") && near.stdout.contains("some of the words are in"),
        "{near:?}"
    );
    assert_eq!(
        near.stdout.lines().filter(|l| l.contains("  ") && !l.starts_with(' ')).count(),
        4,
        "{near:?}"
    );
    let none = run(["explain", "xyzzy"]);
    assert_eq!(none.status, Some(1));
    assert!(
        none.stdout.contains("no code says so") && none.stdout.contains("errtally explain --line"),
        "{none:?}"
    );
    assert!(!none.stdout.contains("some of the words"), "{none:?}");
}

#[test]
fn what_is_not_in_the_catalog_ends_with_1_and_is_explained() {
    for (code, why) in [
        ("CCE.09404999", "fits CCE.MMSSSNNN of CCE: counted as an unknown code, category not_found"),
        ("Ecs.9999", "fits Ecs.NNNN of ECS: counted as an unknown code, category unknown"),
        ("CCE.09404999", "known codes near it: CCE."),
        ("FOO.0003", "counted only behind a key such as error_code, as an unknown code of FOO"),
    ] {
        let ended = run(["explain", code]);
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""), "{code}");
        assert!(
            ended.stdout.contains("not in the catalog") && ended.stdout.contains(why),
            "{}",
            ended.stdout
        );
    }
    let mixed = run(["explain", "Ecs.0114", "xyzzy"]);
    assert!(mixed.stdout.contains("could not be found"), "the known one is explained all the same");
    mixed.failed(1);
}

#[test]
fn a_catalog_of_ones_own_is_explained_too() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", crate::support::shop_catalog(&["017"]));
    assert!(run(["explain", "--catalog", &shop, "Shop.017"]).ok().contains("quota"));
}

/// The verdict on the part of `line` that reads `part`: its sign, and the rule.
#[track_caller]
fn verdict(line: &str, part: &str) -> (char, String) {
    let text = run(["explain", "--line", line]).ok();
    let mut lines = text.lines();
    while let Some(head) = lines.next() {
        if head.split_whitespace().last() == Some(part) && head.contains(" byte ") {
            let at = line.find(part).expect("it stands in the line");
            assert!(head.contains(&format!("byte {at} ")), "the place of {part}: {head}");
            return (head.chars().next().expect("a sign"), lines.next().expect("a rule").trim().to_owned());
        }
    }
    panic!("no verdict on {part} in:\n{text}");
}

#[test]
fn a_line_names_the_rule_that_accepts() {
    for (line, part, rule) in [
        ("Ecs.0114", "Ecs.0114", "known code, at the start of the record"),
        ("(Ecs.0114)", "Ecs.0114", "known code, after a separator"),
        ("...CSS.0015", "CSS.0015", "known code, after a dot that joins no name"),
        (r#"{"log":"\nEcs.0114"}"#, "Ecs.0114", "known code, after the tail of an escape"),
        ("a=%3DEcs.0114", "Ecs.0114", "known code, after the tail of an escape"),
        ("profile:Ecs.0114", "Ecs.0114", "known code, after a separator"),
        (r#"failed with "Ecs.0114": "not found""#, "Ecs.0114", "known code, after a separator"),
        ("Ecs.0114: not found", "Ecs.0114", "known code, at the start of the record"),
        (r#"{"codes":{"Ecs.0114":3}}"#, "Ecs.0114", "known code, after a separator"),
        ("saw Ecs.0114=x", "Ecs.0114", "known code, after a separator"),
        ("Ecs.9999", "Ecs.9999", "not in the catalog: unknown code, category unknown"),
        ("CCE.09404999", "CCE.09404999", "category not_found inferred from the status 404 in it"),
        (r#"{"errorCode":"FOO.0003"}"#, "FOO.0003", "unknown code by discovery"),
        ("Ecs.1000 got HTTP 404", "Ecs.1000", "row with status 404, by the status 404 at byte 18"),
        ("Ecs.1000 itemNotFound: x could not be found", "Ecs.1000", "row with status 404, by its message"),
        ("Ecs.1000", "Ecs.1000", "row with status 400, the default"),
    ] {
        let (sign, why) = verdict(line, part);
        assert!(sign == '+' && why.contains(rule), "{line}: {sign} {why}");
    }
}

#[test]
fn a_line_names_the_rule_that_refuses() {
    for (line, part, rule) in [
        ("Ecs.011 now", "Ecs.011", "the digits do not fit Ecs.NNNN"),
        ("xEcs.0114", "Ecs.0114", "a longer name begins before it"),
        (r"wrote C:\logs\CSS.0015", "CSS.0015", "it stands in a path"),
        (r#"{"path":"C:\\Program Files\\CSS.0015"}"#, "CSS.0015", "it stands in a path"),
        (r#"{"Ecs.0114":"Instance not found"}"#, "Ecs.0114", "it names a text"),
        (r#"{"log":"{\"Ecs.0114\": \"Instance not found\"}"}"#, "Ecs.0114", "it names a text"),
        ("{'a': 1, 'Ecs.0114': 'Instance not found'}", "Ecs.0114", "it names a text"),
        ("  'Ecs.0114' => 'Instance not found',", "Ecs.0114", "it names a text"),
        ("Ecs.0114=Instance not found", "Ecs.0114", "it names a text"),
        ("Ecs.0114 = Instance not found", "Ecs.0114", "it names a text"),
        ("org.example:as.0001:1.0.0", "as.0001", "it is part of a host or an address"),
        ("file:CSS.0015 is there", "CSS.0015", "it stands in a path"),
        ("file:///srv/CSS.0015 is there", "CSS.0015", "it stands in a path"),
        ("MSG.COMMON.0011", "COMMON.0011", "a longer name begins before it"),
        ("Ecs.10001", "Ecs.10001", "a name or a number goes on after it"),
        ("Ecs.0043.1", "Ecs.0043.1", "a name or a number goes on after it"),
        ("css.0015x.js", "css.0015x.js", "a name or a number goes on after it"),
        (
            "saw FOO.0003 there",
            "FOO.0003",
            "no family has this prefix, and no error-code key stands before it",
        ),
        // A key is shown whole, as it stands in the line.
        ("my_error_code=FOO.0003", "my_error_code", "part of a longer name"),
        ("error_code FOO.0003", "error_code", "neither `:` nor `=` after it"),
        ("errorCode=12", "errorCode", "its value is no code"),
        (r#"errCode="FOO.0003 failed""#, "errCode", "its quoted value is more than a code"),
    ] {
        let (sign, why) = verdict(line, part);
        assert!(sign == '-' && why.contains(rule), "{line}: {sign} {why}");
        assert!(run(["explain", "--line", line]).ok().ends_with("no hit\n"), "{line}");
    }
}

#[test]
fn a_line_ends_with_its_hits() {
    let hits = |line: &str| {
        let text = run(["explain", "--line", line]).ok();
        text.lines().last().expect("a line").to_owned()
    };
    assert_eq!(hits("ECS.0114 and Ecs.0114"), "1 hit: Ecs.0114");
    assert_eq!(hits("CSS.0015 and ecs.0114"), "2 hits: CSS.0015, Ecs.0114");
    assert_eq!(hits("all is well"), "no hit");
    assert!(run(["explain", "--line", "all is well"]).ok().starts_with("No candidate"));
}

#[test]
fn a_line_follows_the_setting_of_discovery() {
    let mut command = errtally();
    command.args(["explain", "--line", "error_code=FOO.0003"]).env("ERRTALLY_DISCOVERY", "false");
    assert!(finish(&mut command).ok().ends_with("no hit\n"));
}

/// What `explain` prints of `line`.
fn told(line: &str) -> String {
    run(["explain", "--line", line]).ok()
}

/// Each of `parts` is a line of what is told of `line`, blanks made one.
#[track_caller]
fn tells(line: &str, parts: &[&str]) {
    let text = told(line);
    let lines: Vec<String> =
        text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for part in parts {
        assert!(lines.iter().any(|l| l.contains(part)), "{part}\n  of {line}\n{text}");
    }
}

#[test]
fn what_was_read_of_json_is_told_with_its_place() {
    let line = r#"{"level":50,"time":"2026-04-01 08:00:00","error":{"error_code":"Ecs.0114","error_msg":"It is gone.","request_id":"r-77"},"status":"Failure"}"#;
    let at = |part: &str| line.find(part).expect("it stands there");
    tells(
        line,
        &[
            "http_status 404 from the catalog",
            &format!("message It is gone. `error_msg` of the record's JSON, byte {}", at("It is gone")),
            &format!("request_id r-77 `request_id` of the record's JSON, byte {}", at("r-77")),
            "level error `level` of the record's JSON, where it is `50`",
            &format!(
                "time 2026-04-01T08:00:00Z `time` of the record's JSON, byte {}; it names no zone: time_zone UTC",
                at("2026")
            ),
            "trace_id none no key of fields.trace_id has a value",
        ],
    );
    // Within a text of JSON, places are not told.
    tells(
        r#"{"log":"{\"level\":\"warn\",\"error_code\":\"CSS.0015\",\"message\":\"no disk\"}"}"#,
        &[
            "level warn `log.level` of what a text of the record holds",
            "message no disk what a text of the record holds",
        ],
    );
    assert!(!told("nothing").contains("the record itself"));
}

#[test]
fn what_was_read_of_pairs_is_told_with_its_key() {
    let line = "time=2026-04-01T08:00:00Z level=warn msg=\"no go\" error_code=FOO.0003 request_id=r-77 status=ACTIVE";
    tells(
        line,
        &[
            "http_status none no status of 400 or more",
            "not: `status` at byte 85 holds `ACTIVE`: a word",
            "message no go `msg` at byte 37, in the innermost scope around the code that has one",
            "request_id r-77 `request_id` at byte 69",
            "level warn `level` at byte 26, a pair with `=`",
            "time 2026-04-01T08:00:00Z `time` at byte 0, a pair with `=`",
        ],
    );
    // A zone that stands there needs no other.
    assert!(!told(line).contains("names no zone"));
}

#[test]
fn what_was_read_of_klog_syslog_and_cri_is_told() {
    tells(
        r#"E0401 08:10:00.500000       1 service.go:99] "Sync failed" err="ensure: {\"status_code\":400,\"error_code\":\"ELB.9999\"}" svc="gw""#,
        &[
            "http_status 400 stated at byte 89",
            "level error the beginning of the line, byte 0",
            "the beginning of the line, byte 1; it names no zone: time_zone UTC",
        ],
    );
    tells(
        r#"<131>Apr  1 08:00:00 host app[12]: {"error_code":"Ecs.0114","error_msg":"x y z"} and {"error_code":"Ecs.0043"}"#,
        &[
            "level error the beginning of the line, byte 0",
            "the beginning of the line, byte 5; it names no zone",
            "message x y z `error_msg` at byte 61",
            "not: `error_msg` at byte 61 belongs to its neighbour Ecs.0114",
        ],
    );
    tells(
        r#"2026-11-03T08:00:04.551872340Z stderr F {"lvl":"error","ts":"yesterday","error_code":"CSS.0015"}"#,
        &[
            "level error `lvl` of the record's JSON, byte 48",
            "time 2026-11-03T08:00:04.551872Z the beginning of the line, byte 0",
            "not: `ts` at byte 56 holds `yesterday`: no form of a time",
        ],
    );
}

#[test]
fn what_was_read_of_dumps_and_coloured_lines_is_told() {
    let line = "08:00:00 ERROR call {'error_code': 'Ecs.0114', 'error_msg': 'it is so', 'request_id': None}";
    tells(
        line,
        &[
            "message it is so `error_msg` at byte 48",
            "not: `request_id` at byte 73 is empty",
            "level error the beginning of the line, byte 9",
            "time none no key of fields.time has a value; the line begins with a time without a date",
        ],
    );
    // Places are those of the line as it stands, colours and all.
    let line = "2026-04-01 08:00:00 CST \x1b[31mERROR\x1b[0m failed \x1b[1mCSS.0015\x1b[0m: no disk is left";
    let at = |part: &str| line.find(part).expect("it stands there");
    tells(
        line,
        &[
            &format!("message no disk is left it follows the code, byte {}", at("no disk")),
            &format!("level error the beginning of the line, byte {}", at("ERROR")),
            "; the line begins with a time without a date, or in an unknown zone",
        ],
    );
}

#[test]
fn what_makes_an_everyday_abbreviation_a_code_is_told() {
    for (line, why) in [
        ("AS.0001: gone", "but a `:` follows"),
        ("it failed, AS.0001", "but `failed` at byte 3 says error"),
        ("error_code=AS.0001", "but an error-code key stands before it"),
        ("status=503 AS.0001", "but the status 503 at byte 7 says error"),
        (r#"{"level":50,"msg":"AS.0001 it was"}"#, "but the level 50 at byte 9 says error"),
        ("level=50 msg=AS.0001", "but the level 50 at byte 6 says error"),
        (r#"{"PRIORITY":"3","MESSAGE":"AS.0001"}"#, "but the level 3 at byte 13 says error"),
        (r#"{"severityNumber":17,"body":"AS.0001"}"#, "but the level 17 at byte 18 says error"),
        ("E0401 08:10:00.500000 1 x.go:9] AS.0001", "but the record begins with the level of an error"),
    ] {
        tells(line, &[why]);
    }
    for line in [
        "AS.0001 is a road",
        r#"{"level":30,"msg":"AS.0001"}"#,
        "level=3 AS.0001",
        "priority=3 AS.0001",
        "severityNumber=9 AS.0001",
        "level=50.5 AS.0001",
    ] {
        tells(line, &["nothing in the record says error"]);
    }
}

#[test]
fn which_of_several_services_is_meant_is_told() {
    for (line, why) in [
        (
            "GET https://dds.example.com/v3 DBS.999999",
            "several services have it: DDS's, by its host at byte 12",
        ),
        ("error DBS.999999", "the family's owner RDS's, since the record names no host of theirs"),
    ] {
        tells(line, &[why]);
    }
    assert!(!told("Ecs.9999 at https://ecs.example.com").contains("several services"));
}

#[test]
fn labels_are_told_too() {
    let line = r#"{"app":"web","error_code":"CSS.0015"}"#;
    let mut command = errtally();
    command.args(["explain", "--line", line]).env("ERRTALLY_LABELS", "app=app,team=team");
    let text = finish(&mut command).ok();
    let told: Vec<String> =
        text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(told.contains(&"label app web `app` of the record's JSON, byte 8".to_owned()), "{text}");
    assert!(told.contains(&"label team none nothing under team".to_owned()), "{text}");
}
