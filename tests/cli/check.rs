//! `errtally catalog check` of files of one's own: what they have, what waits, what they replace, and what is
//! said of texts without quotes.

use crate::support::{Folder, run, shop_catalog};

#[test]
fn only_services_of_the_given_files_are_told() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    let told = run(["catalog", "check", &shop]).ok();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].starts_with("SHOP ") && lines[0].ends_with("2 rows  Shop.NNN"), "{told}");
    assert!(lines[1].starts_with("ok: 59 services, "), "{told}");
    // A catalog of the settings is checked with them, and not told of.
    let row = "{code: Ecs.0114, message: m, category: conflict, retryable: false}";
    let head = "service: ECS\nfull_name: Elastic Cloud Server\nsource: ours\n";
    let ecs = folder.write("ecs.yaml", format!("{head}codes:\n  - {row}\n"));
    let told = run(["catalog", "check", "--catalog", &shop, &ecs]).ok();
    let lines: Vec<_> = told.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ECS "), "{told}");
    assert!(lines[0].ends_with("(1 of these files)") && lines[1].contains("59 services"), "{told}");
    // A folder has those of its files; without paths there are all.
    let both = run(["catalog", "check", folder.path().to_str().expect("a path")]).ok();
    assert_eq!(both.lines().count(), 3, "{both}");
    assert_eq!(run(["catalog", "check"]).ok().lines().count(), 59);
    let told = run(["catalog", "check", "--services", "CCE", &shop]).ok();
    assert!(told.contains("SHOP     is right, but `services` leaves it out\n"), "{told}");
}

#[test]
fn rows_that_wait_are_named_and_gate_where_that_is_asked_for() {
    let folder = Folder::new();
    let numbers: Vec<String> = (100..125).map(|n| n.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let draft = shop_catalog(&numbers).replace("    action:", "    review: true\n    action:");
    let shop = folder.write("shop.yaml", draft);
    let told = run(["catalog", "check", &shop]).ok();
    assert!(told.contains("\n25 rows wait for a person's judgement: `review: true`\n"), "{told}");
    // The first row stands behind six lines of head, and has seven.
    assert!(told.contains(&format!("\n  {shop}:7: Shop.100\n  {shop}:14: Shop.101\n")), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("  ") && line.contains("Shop.")).count(), 20);
    assert!(told.ends_with(": Shop.119\n  and 5 more\n"), "{told}");

    let strict = run(["catalog", "check", "--strict", &shop]);
    assert_eq!((strict.status, strict.stdout.as_str()), (Some(1), told.as_str()));
    run(["catalog", "check", "--strict"]).ok();
    let judged = folder.write("judged.yaml", shop_catalog(&["017"]));
    run(["catalog", "check", "--strict", &judged]).ok();
    // Only what the given files have gates them; without paths, all that is in force.
    run(["catalog", "check", "--strict", "--catalog", &shop, &judged]).ok();
    run(["catalog", "check", "--strict", "--catalog", &shop]).failed(1);
    // A row that another file has judged waits no more.
    let all = folder.write("all.yaml", shop_catalog(&numbers));
    let told = run(["catalog", "check", "--strict", &shop, &all]).ok();
    assert!(!told.contains("wait"), "{told}");
}

#[test]
fn files_that_replace_rows_of_each_other_are_told() {
    let folder = Folder::new();
    let a = folder.write("a.yaml", shop_catalog(&["001", "002", "003", "004", "005", "006", "007", "008"]));
    let b = folder.write("b.yaml", shop_catalog(&["002", "009"]));
    let told = run(["catalog", "check", &a, &b]).ok();
    assert!(told.contains(&format!("\n{b} replaces 1 row of {a}: Shop.002 (line 13 by line 7)\n")), "{told}");
    let c = folder.write("c.yaml", shop_catalog(&["001", "002", "003", "004", "005", "006", "007"]));
    let told = run(["catalog", "check", &a, &c]).ok();
    let line = told.lines().find(|line| line.contains(" replaces ")).expect("a line");
    assert!(
        line.starts_with(&format!("{c} replaces 7 rows of {a}: Shop.001 (line 7 by line 7), ")),
        "{line}"
    );
    assert!(line.ends_with("Shop.005 (line 31 by line 31), and 2 more"), "{line}");
    // One is replaced by whoever comes next; the built-in catalog is there to be replaced.
    let told = run(["catalog", "check", &a, &b, &c]).ok();
    assert!(told.contains(&format!("{c} replaces 6 rows of {a}: ")), "{told}");
    assert!(told.contains(&format!("{c} replaces 1 row of {b}: Shop.002 ")), "{told}");
    assert!(!run(["catalog", "check", &a]).ok().contains("replaces"));
    // A file that is named twice says nothing else the second time.
    assert!(!run(["catalog", "check", &a, &a]).ok().contains("replaces"));
    assert!(!run(["catalog", "check"]).ok().contains("replaces"));
}

#[test]
fn a_text_that_yaml_reads_otherwise_gets_the_remedy() {
    let folder = Folder::new();
    for (text, remedy) in [
        ("order 17: not found", "put the text in quotes"),
        ("it failed:", "put the text in quotes"),
        ("%s failed", "put the text in quotes"),
        ("[x] is bad", "put the text in quotes"),
        ("{0} failed", "put the text in quotes"),
        ("\"x\" failed", "put all of the text in quotes, with \\\" for"),
        ("\"not closed", "mend the syntax"),
    ] {
        let file = folder.write("shop.yaml", shop_catalog(&["017"]).replace("\"m\"", text));
        let said = run(["catalog", "check", &file]).failed(2);
        assert!(said.contains("not valid YAML") && said.contains(remedy), "{text}\n{said}");
    }
    let file = folder.write("errtally.yaml", "linger: 1s\nlog_level: info: debug\n");
    let said = run(["config", "check", "--config", &file]).failed(2);
    assert!(said.contains(":2: ") && said.contains("put the text in quotes"), "{said}");
}
