//! `errtally catalog`: the listing, and a check that finds every mistake in one run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Folder, errtally, finish, run, shop_catalog};

#[test]
fn the_listing_has_every_field_of_every_row() {
    let listing = run(["catalog", "list", "--format", "json"]).json();
    let top: BTreeSet<_> = listing.as_object().expect("one object").keys().map(String::as_str).collect();
    assert_eq!(top, BTreeSet::from(["codes", "services"]));
    let codes = listing["codes"].as_array().expect("codes");
    let fields = [
        "action",
        "api_service",
        "category",
        "code",
        "default",
        "http_status",
        "message",
        "retryable",
        "review",
    ];
    for code in codes {
        let have: BTreeSet<_> = code.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(have, BTreeSet::from(fields), "{code}");
    }
    let gone = codes.iter().find(|c| c["code"] == "Ecs.0114").expect("a known code");
    assert_eq!(gone["api_service"], "ECS");
    assert_eq!(gone["http_status"], 404);
    assert_eq!(gone["message"], "Instance[%s] could not be found.");
    assert_eq!(gone["category"], "not_found");
    assert_eq!((&gone["retryable"], &gone["default"]), (&json!(false), &json!(false)));
    let rows: Vec<_> = codes.iter().filter(|c| c["code"] == "Ecs.1000").collect();
    assert_eq!(rows.len(), 2, "one entry for each row");
    assert_eq!(rows.iter().filter(|r| r["default"] == true).count(), 1);

    let services = listing["services"].as_array().expect("services");
    let names: BTreeSet<_> = services.iter().map(|s| s["service"].as_str().expect("a name")).collect();
    for name in ["APIGW", "CCE", "CCI", "CS", "CSS", "ECS", "VPC", "DNS", "RDS", "IAM"] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    let ecs = services.iter().find(|s| s["service"] == "ECS").expect("a service");
    assert_eq!(ecs["full_name"], "Elastic Cloud Server");
    assert!(ecs["source"].as_str().is_some_and(|s| !s.is_empty()));
    let families =
        ["Common", "Ecs", "Pdp"].map(|p| json!({"prefix": p, "separator": ".", "grammar": "NNNN"}));
    assert_eq!(ecs["families"], Value::from(families.to_vec()));
}

#[test]
fn the_table_has_one_line_for_each_row() {
    let rows = run(["catalog", "list", "--format", "json"]).json()["codes"].as_array().expect("codes").len();
    let table = run(["catalog", "list"]).ok();
    assert_eq!(table.lines().count(), rows);
    let row = table.lines().find(|l| l.starts_with("CCE.01429002")).expect("a row");
    for word in ["429", "conflict", "retry"] {
        assert!(row.contains(word), "{row}");
    }
}

#[test]
fn more_catalogs_add_services_and_override_rows() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    std::fs::create_dir(folder.path().join("more")).expect("a folder");
    let over = "service: ECS\nfull_name: Elastic Cloud Server\nsource: ours\ncodes:\n  - code: Ecs.0114\n    \
                http_status: 404\n    message: \"ours\"\n    category: state\n    retryable: true\n    action: \"ours\"\n";
    folder.write("more/ecs.yaml", over);
    let more = folder.path().join("more").display().to_string();
    let listing = run(["catalog", "list", "--format", "json", "--catalog", &shop, "--catalog", &more]).json();
    let of = |code: &str| -> Vec<Value> {
        listing["codes"].as_array().expect("codes").iter().filter(|c| c["code"] == code).cloned().collect()
    };
    assert_eq!(of("Shop.017")[0]["api_service"], "SHOP");
    let gone = of("Ecs.0114");
    assert_eq!(gone.len(), 1);
    assert_eq!((&gone[0]["category"], &gone[0]["retryable"]), (&json!("state"), &json!(true)));
    assert_eq!(of("Ecs.0005").len(), 1, "rows that nobody overrides stay");
}

#[test]
fn a_good_catalog_is_told_to_be_good() {
    let text = run(["catalog", "check"]).ok();
    assert!(text.contains("58 services, 70 families, 6,541 codes, 7,554 rows"), "{text}");
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017", "018"]));
    assert!(
        run(["catalog", "check", &shop]).ok().contains("59 services, 71 families, 6,543 codes, 7,556 rows")
    );
    let place = folder.path().display().to_string();
    assert!(run(["catalog", "check", &place]).ok().contains("6,543 codes"));
}

#[test]
fn rows_that_wait_for_a_person_are_counted() {
    assert!(!run(["catalog", "check"]).ok().contains("review"), "no built-in row waits");
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", format!("{}    review: true\n", shop_catalog(&["017", "018"])));
    let text = run(["catalog", "check", &shop]).ok();
    assert!(text.contains("\n1 row waits for a person's judgement: `review: true`\n"), "{text}");
    let line = text.lines().find(|l| l.starts_with("SHOP")).expect("a line of the service");
    assert!(line.ends_with("(1 to review)"), "{line}");
    let listing = run(["catalog", "list", "--format", "json", "--catalog", &shop]).json();
    let waits = |code: &str| {
        let codes = listing["codes"].as_array().expect("codes");
        codes.iter().find(|c| c["code"] == code).expect("a row")["review"].clone()
    };
    assert_eq!((waits("Shop.017"), waits("Shop.018")), (json!(false), json!(true)));
    let told = run(["explain", "Shop.018", "--catalog", &shop]).ok();
    assert!(told.contains("a draft by rules"), "{told}");
}

/// Mistakes, each with the line that it stands on and the key that it is reported under.
const BAD: &str = r#"service: SHOP
full_name: ""
color: red                                 # 3 color
families:
  - {prefix: Shop, grammar: NXN}           # 5 families[0].grammar
  - {prefix: 9x, grammar: NNN}             # 6 families[1].prefix
  - {prefix: ecs, grammar: NNNN}           # 7 families[2].prefix
  - {prefix: Ord, grammar: NNN}
  - {prefix: Sta, grammar: SSSNN}
codes:
  - code: Ord.0017                         # 11 Ord.0017.code
    message: "m"
    category: quota
    retryable: false
    action: "a"
  - code: Ord.017
    http_status: 700                       # 17 Ord.017.http_status
    message: "m"
    category: qota                         # 19 Ord.017.category
    retryable: maybe                       # 20 retryable
    action: "a"
    colour: blue                           # 22 colour
  - code: Ord.018                          # 23 message
    category: quota
  - code: Ord.019
    message: "m"
    category: quota
    retryable: false
    action: "12345678 12345678 12345678 12345678 12345678 12345678 12345678 12345678 123456789" # 29 Ord.019.action
  - code: Ord.020
    message: "m"
    category: quota
    retryable: false
    action: "a"
  - code: Ord.020                          # 35 Ord.020
    message: "m"
    category: quota
    retryable: false
    action: "a"
  - code: Ord.021                          # 40 Ord.021
    http_status: 400
    message: "m"
    category: quota
    retryable: false
    action: "a"
  - code: Ord.021
    http_status: 404
    message: "m"
    category: quota
    retryable: false
    action: "a"
  - code: Sta.40011                        # 52 Sta.40011.http_status
    http_status: 404
    message: "m"
    category: quota
    retryable: false
    action: "a"
  - word                                   # 58 codes[9]
"#;

#[test]
fn all_mistakes_in_one_run_each_with_file_line_and_key() {
    let folder = Folder::new();
    let bad = folder.write("bad.yaml", BAD);
    let broken = folder.write("broken.yaml", "service: [\n");
    let latin = folder.write("latin.yaml", b"service: S\xe9\n");
    let missing = folder.path().join("missing.yaml").display().to_string();
    let ended = run(["catalog", "check", &bad, &broken, &latin, &missing]);
    assert_eq!(ended.stdout, "");
    let said = ended.failed(2);
    let told = |line: usize, key: &str| {
        let place = format!("{bad}:{line}: ");
        said.lines().any(|l| {
            l.split_once(&place)
                .and_then(|(_, rest)| rest.split_once(": "))
                .is_some_and(|(k, _)| k.ends_with(key))
        })
    };
    let mut marks = 0;
    for line in BAD.lines() {
        if let Some((_, mark)) = line.split_once("# ") {
            let (number, key) = mark.split_once(' ').expect("a line and a key");
            assert!(told(number.parse().expect("a number"), key), "line {number}, key {key}, in:\n{said}");
            marks += 1;
        }
    }
    assert_eq!(marks, 15);
    for (line, key) in [(2, "full_name"), (1, "source"), (23, "retryable"), (23, "action")] {
        assert!(told(line, key), "line {line}, key {key}, in:\n{said}");
    }
    for file in [&format!("{broken}:"), &latin, &missing] {
        assert!(said.contains(file.as_str()), "{file} in:\n{said}");
    }
    assert!(said.contains("did you mean `quota`?"), "a remedy in:\n{said}");
    // A row is named by its code wherever it has one, and problems are in the order of their lines.
    let of_bad: Vec<_> = said.lines().filter_map(|line| line.split_once(&format!("{bad}:"))).collect();
    let lines: Vec<usize> = of_bad
        .iter()
        .map(|(_, rest)| rest.split_once(':').expect("a line").0.parse().expect("a number"))
        .collect();
    assert!(lines.is_sorted() && lines.len() == 19, "{lines:?}");
    assert!(!said.contains("codes[") || said.matches("codes[").count() == said.matches("codes[9]").count());
    for key in ["Ord.017.retryable", "Ord.017.colour", "Ord.018.message", "Ord.018.retryable"] {
        assert!(said.contains(&format!(": {key}: ")), "{key} in:\n{said}");
    }
    // One for each mark, four without, three files that cannot be read.
    assert!(said.contains("22 problems"), "{said}");
}

#[test]
fn every_file_of_a_folder_is_checked_and_only_yaml() {
    let folder = Folder::new();
    folder.write("a.yaml", "service: A\n");
    folder.write("b.yml", "service: B\n");
    folder.write(".hidden.yaml", "service: C\n");
    folder.write("notes.txt", "service: D\n");
    let said = run(["catalog", "check", &folder.path().display().to_string()]).failed(2);
    assert!(said.contains("a.yaml:1:") && said.contains("b.yml:1:"), "{said}");
    assert!(!said.contains("hidden") && !said.contains("notes"), "{said}");
    let empty = Folder::new();
    let place = empty.path().display().to_string();
    assert!(run(["catalog", "check", &place]).failed(2).contains(&place));
}

#[test]
fn a_check_without_paths_takes_the_catalog_of_the_settings() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    let checked = finish(errtally().args(["catalog", "check"]).env("ERRTALLY_CATALOG", &shop)).ok();
    assert!(checked.contains("6,542 codes"), "{checked}");
}

#[test]
fn a_remedy_names_each_choice_once() {
    let folder = Folder::new();
    let bad = folder.write("bad.yaml", "service: SHOP\nzzzzzzzzzzzzzzzz: 1\n");
    let said = run(["catalog", "check", &bad]).failed(2);
    let line = said.lines().find(|l| l.contains("zzzz")).expect("the unknown key");
    assert_eq!(line.matches("source").count(), 1, "{line}");
    // A key that this row leaves out is one all the same.
    let row = "{code: Shop.018, message: m, category: state, retryable: false, zzzzzzzzzzzzzzzz: 1}";
    let bad = folder.write("bad.yaml", format!("{}  - {row}\n", shop_catalog(&["017"])));
    let said = run(["catalog", "check", &bad]).failed(2);
    assert!(
        said.contains("Shop.018.zzzzzzzzzzzzzzzz: unknown key; one of: ") && said.contains("action"),
        "{said}"
    );
}

#[test]
fn a_list_of_some() {
    let codes = |arguments: &[&str]| -> Vec<Value> {
        let mut command = errtally();
        command.args(["catalog", "list", "--format", "json"]).args(arguments);
        finish(&mut command).json()["codes"].as_array().expect("codes").clone()
    };
    let quota = codes(&["--service", "ecs,VPC", "--category", "quota"]);
    assert!(quota.len() > 5, "{}", quota.len());
    for code in &quota {
        assert_eq!(code["category"], "quota");
        assert!(code["api_service"] == "ECS" || code["api_service"] == "VPC", "{code}");
    }
    let found = codes(&["--search", "insufficient CLUSTER quota"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["code"], "CCE.01400007");
    let mut table = errtally();
    let table = finish(table.args(["catalog", "list", "--service", "CCE", "--search", "quota"])).ok();
    assert!(table.contains("CCE.01400007") && !table.contains("Ecs."), "{table}");
    for (flag, name, remedy) in [("--service", "ECZ", "ECS"), ("--category", "quotas", "quota")] {
        let told = run(["catalog", "list", flag, name]).failed(2);
        assert!(told.contains(flag) && told.contains(name) && told.contains(remedy), "{told}");
    }
}

#[test]
fn a_search_that_finds_nothing_says_so_and_ends_as_grep_does() {
    let none = ["catalog", "list", "--search", "no such text anywhere"];
    let ended = run(none);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    let said = "errtally: nothing has `no such text anywhere` in code, message or action; try fewer words\n";
    assert_eq!(ended.stderr, said);
    let ended = run(none.iter().chain(&["--format", "json"]));
    let listing: Value = serde_json::from_str(&ended.stdout).expect("an object all the same");
    assert_eq!((ended.status, &listing["codes"]), (Some(1), &json!([])));
    let ended = run(["catalog", "list", "--service", "CCE", "--search", "Parameter error."]);
    assert!(ended.failed(1).ends_with("or more services and categories\n"));
    // A service without rows is no search.
    assert_eq!(run(["catalog", "list", "--service", "DNS"]).ok(), "");
}

#[test]
fn the_table_of_a_search_shows_why_a_row_was_found() {
    let table = run(["catalog", "list", "--search", "Insufficient cluster quota"]).ok();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("CCE.01400007"), "{table}");
    assert_eq!(lines[1].trim_start(), "CCE: Insufficient cluster quota.");
    // What the line shows needs no other.
    assert_eq!(run(["catalog", "list", "--search", "CCE.01400007"]).ok().lines().count(), 1);
    // Without a search each row is a line.
    let all = run(["catalog", "list", "--service", "CCE"]).ok();
    assert!(all.lines().all(|line| line.starts_with("CCE.")), "{all}");
}

#[test]
fn rows_of_ones_own_come_first_in_a_search() {
    let folder = Folder::new();
    let text = shop_catalog(&["017", "018"]).replace("\"m\"", "\"Parameter error.\"");
    let shop = folder.write("shop.yaml", text);
    let table = run(["catalog", "list", "--search", "Parameter error", "--catalog", &shop]).ok();
    let rows: Vec<_> = table.lines().filter(|line| !line.starts_with(' ')).collect();
    assert!(rows.len() > 10 && rows[0].starts_with("Shop.017") && rows[1].starts_with("Shop.018"), "{table}");
    assert!(!rows[2].starts_with("Shop"), "{table}");
    let told = run(["explain", "Parameter error.", "--catalog", &shop]).ok();
    assert!(told.lines().nth(1).is_some_and(|line| line.starts_with("Shop.017")), "{told}");
}

#[test]
fn some_services_alone() {
    let folder = Folder::new();
    let config = folder.write("errtally.yaml", "services: [ecs, EIP]\n");
    let input = b"Ecs.0114\nCCE.01400007\nVPC.0504\nerror_code=CCE.01400007\n";
    let report = crate::support::scan_json(input, &["--config", &config]);
    let hits: Vec<_> =
        report["hits"].as_array().expect("hits").iter().map(|h| (&h["code"], &h["api_service"])).collect();
    // The family of VPC is shared by EIP, which has it alone now.
    assert_eq!(hits, [(&json!("Ecs.0114"), &json!("ECS")), (&json!("VPC.0504"), &json!("EIP"))]);
    // What is not chosen is no family any more; behind a key it may be discovered.
    assert_eq!(report["unknown"].as_array().expect("codes").len(), 1);
    assert_eq!(report["unknown"][0]["code"], "CCE.01400007");
    let listing = run(["catalog", "list", "--format", "json", "--services", "ECS,EIP"]).json();
    let names: Vec<_> =
        listing["services"].as_array().expect("services").iter().map(|s| &s["service"]).collect();
    assert_eq!(names, [&json!("ECS"), &json!("EIP")]);
    let told = run(["catalog", "list", "--services", "ECS,EIPS"]).failed(2);
    assert!(told.contains("--services") && told.contains("`EIPS`") && told.contains("EIP"), "{told}");
    folder.write("errtally.yaml", "linger: 1s\nservices: [ECZ]\n");
    let told = run(["config", "check", "--config", &config]).failed(2);
    assert!(told.contains(":2: services: no service is called `ECZ`"), "{told}");
}
