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
fn what_is_not_in_the_catalog_ends_with_1_and_is_explained() {
    for (code, why) in [
        ("CCE.09404999", "fits CCE.MMSSSNNN of CCE: counted as an unknown code, category not_found"),
        ("Ecs.9999", "fits Ecs.NNNN of ECS: counted as an unknown code, category unknown"),
        ("FOO.0003", "counted only behind a key such as error_code, as an unknown code of FOO"),
        ("hello", "not the shape of a code"),
    ] {
        let ended = run(["explain", code]);
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""), "{code}");
        assert!(
            ended.stdout.contains("not in the catalog") && ended.stdout.contains(why),
            "{}",
            ended.stdout
        );
    }
    let mixed = run(["explain", "Ecs.0114", "hello"]);
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
