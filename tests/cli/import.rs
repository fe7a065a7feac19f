//! `errtally catalog import`: pages of every form to a catalog that counts and explains.

use serde_json::{Value, json};

use crate::support::{Folder, errtally, finish, finish_with, run};

/// The rows of a page as they were read: code, statuses, message.
#[track_caller]
fn rows(name: &str, page: &str) -> Vec<(String, Vec<u64>, String)> {
    let folder = Folder::new();
    let path = folder.write(name, page);
    let read = run(["catalog", "import", "--format", "json", &path]).json();
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    let rows = read["pages"][0]["rows"].as_array().expect("rows");
    rows.iter()
        .map(|r| {
            let statuses = r["statuses"].as_array().expect("statuses").iter().filter_map(Value::as_u64);
            (text(&r["code"]), statuses.collect(), text(&r["message"]))
        })
        .collect()
}

#[track_caller]
fn reads(name: &str, page: &str, expected: &[(&str, &[u64], &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(c, s, m)| ((*c).to_owned(), s.to_vec(), (*m).to_owned())).collect();
    assert_eq!(rows(name, page), expected, "{page}");
}

#[test]
fn grid_tables_with_everything_in_their_cells() {
    let page = r#"
Error Codes
===========

.. |svc| replace:: The shop

.. table:: **Table 1** Errors

   +----------+--------+------------------+--------------------------------+
   | Module   | Status | Error Code       | Error Message                  |
   |          | Code   |                  |                                |
   +==========+========+==================+================================+
   | Orders   | 404/50 | Shop.0001        | The **order** ``%s`` does not  |
   |          | 0      |                  | exist.                         |
   |          +--------+------------------+--------------------------------+
   |          | 403    | Shop. 0002       | One of:                        |
   |          | Forbid |                  |                                |
   |          | den    |                  | -  no right                    |
   |          |        |                  | -  no :ref:`agency <a>`        |
   +----------+--------+------------------+--------------------------------+
   | Stock    | 400    | Shop.0003,       | |svc| has [1]_ none of\        |
   |          |        | Shop.0004        | \_these\_. `See <x>`__         |
   +----------+--------+------------------+--------------------------------+
   | These are common to all modules                                       |
   +----------+--------+------------------+--------------------------------+
   |          |        | Shop.0005        | #. first                       |
   |          |        |                  | #. second                      |
   +----------+--------+------------------+--------------------------------+
"#;
    // A status that a narrow column has broken is put together by nobody.
    let page = page.replace("404/50 |", "404/500|").replace("| 0      |", "|        |");
    reads(
        "shop.rst",
        &page,
        &[
            ("Shop.0001", &[404, 500], "The order %s does not exist."),
            ("Shop.0002", &[403], "One of: no right no agency"),
            ("Shop.0003", &[400], "The shop has none of_these_. See"),
            ("Shop.0004", &[400], "The shop has none of_these_. See"),
            ("Shop.0005", &[400], "1. first 2. second"),
        ],
    );
}

#[test]
fn simple_tables_and_the_tables_that_are_directives() {
    let simple = "\
=========  ======  ===================
Code       HTTP    Description
=========  ======  ===================
Shop.0001  404     No such order,
                   as it seems.
Shop.0002  409     It exists.
=========  ======  ===================
";
    let list = "\
.. list-table:: Errors
   :header-rows: 1
   :widths: 10 10 80

   * - HTTP Status Code
     - Message
     - Error Code
   * - 404
     - No such order,

       as it seems.
     - Shop.0001
   * - 409
     - It exists.
     - Shop.0002
";
    let csv = "\
.. csv-table:: Errors
   :header: \"Error code\", \"Status\", \"Error message\"

   Shop.0001, 404, \"No such order, as it seems.\"
   Shop.0002, 409, It exists.
";
    for (form, page) in [("list", list), ("csv", csv)] {
        let rows = rows("page.rst", page);
        assert_eq!(rows.len(), 2, "{form}");
        assert_eq!(rows[0], ("Shop.0001".into(), vec![404], "No such order, as it seems.".into()), "{form}");
    }
    let folder = Folder::new();
    let path = folder.write("simple.rst", simple);
    let read = run(["catalog", "import", "--format", "json", &path]).json();
    assert_eq!(read["pages"][0]["rows"][0]["description"], "No such order, as it seems.");
    assert_eq!(read["pages"][0]["rows"][0]["message"], "");
}

#[test]
fn markdown_html_and_values() {
    let expected: &[(&str, &[u64], &str)] =
        &[("Shop.0001", &[404], "No order <id> | \"x\"."), ("Shop.0002", &[404], "second line")];
    let pipes = "# Errors\n\nError Code | Status | Message\n:--|--:|:-:\n`Shop.0001` | 404 | No order \\<id> \\| &quot;x&quot;.\n\
                 **Shop.0002** | ^^ | second<br/>line\n";
    reads("a.md", pipes, expected);
    let html = "<h1>Errors</h1><table><thead><tr><th><p>Status Code</p></th><th>Message</th><th><b>Error&nbsp;Code</b></th></tr>\
                </thead><tbody><tr><td rowspan=\"2\">404</td><td><p>No order &lt;id&gt; | \"x\".</p></td><td>Shop.0001</td></tr>\
                <tr><td>second<br>line</td><td><a name=\"x\"></a>Shop.0002</td></tr></tbody></table>";
    reads("a.html", html, expected);
    reads("a.md", &format!("Text\n\n{}\n", html.replace("<tr>", "\n<tr>\n\n")), expected);
    let csv = "\"Error Code\",\"HTTP Status\",\"Message\"\nShop.0001,404,\"No order <id> | \"\"x\"\".\"\nShop.0002,404,\"second\nline\"\n";
    reads("a.csv", csv, expected);
    reads(
        "a.csv",
        &csv.replace("\",\"", "\";\"").replace("0001,404,", "0001;404;").replace("0002,404,", "0002;404;"),
        expected,
    );
    reads(
        "a.tsv",
        "错误码\t状态码\t错误信息\nShop.0001\t404\t\"No order <id> | \"\"x\"\".\"\nShop.0002\t404\tsecond line\n",
        expected,
    );
}

#[test]
fn a_header_of_two_rows_and_codes_with_their_statuses() {
    let two = "<table><tr><th colspan=2>Error</th><th rowspan=2>Solution</th></tr><tr><th>Code</th><th>Message</th></tr>\
               <tr><td>Shop.0001 (404)</td><td>gone</td><td>-</td></tr></table>";
    reads("a.html", two, &[("Shop.0001", &[404], "gone")]);
    let both =
        "| Error code and message | What to do |\n|---|---|\n| Shop.0001: the order is gone | Look |\n";
    reads("a.md", both, &[("Shop.0001", &[], "the order is gone")]);
    let return_code = "| Return code | Error code | Error |\n|---|---|---|\n| 404 | Shop.0001 | gone |\n";
    reads("a.md", return_code, &[("Shop.0001", &[404], "gone")]);
}

#[test]
fn what_is_no_row_is_told_with_its_reason() {
    let page = "| Parameter | Type | Description |\n|---|---|---|\n| error_code | String | The code |\n\n\
                | Error Code | Status | Message |\n|---|---|---|\n| Shop.0000 | 200 | Success |\n| Shop.0001 | 404 | Gone |\n\
                | Error Code | Status | Message |\n| ask the helpdesk for others | | |\n| | | |\n| Shop.0001 | 404 | Gone |\n\
                | Denied | 403 | No. |\n| Shop. 0002 | 400 | Bad %s |\n";
    let folder = Folder::new();
    let path = folder.write("shop.md", page);
    let ended = run(["catalog", "import", &path]);
    for told in [
        "1 table of codes, 8 rows, 5 codes read; 1 repaired, 0 merged, 3 refused; 1 table passed over",
        "passed over: line 1, 2 rows: no column of codes in: Parameter | Type | Description",
        "refused: table 1, row 3: the header again",
        "refused: table 1, row 4: no code: ask the helpdesk for others",
        "refused: table 1, row 5: empty",
        "repaired: table 1, row 8: `Shop. 0002` read as Shop.0002",
        "left out: Shop.0000: it says that the call succeeded",
        "left out: Denied: a word",
        "merged: Shop.0001",
    ] {
        assert!(ended.stderr.contains(told), "{told} in:\n{}", ended.stderr);
    }
    let yaml = ended.ok();
    assert_eq!(yaml.matches("- code:").count(), 2, "{yaml}");
}

/// A page with a status inside its codes.
fn inside() -> String {
    let mut page = "| Error Code | Message |\n|---|---|\n".to_owned();
    for (code, message) in [
        ("WARE.01400001", "Invalid shelf."),
        ("WARE.01404002", "The shelf does not exist."),
        ("WARE.02403001", "No permission."),
        ("WARE.02409001", "The shelf already exists."),
        ("WARE.03500001", "Internal error."),
        ("WARE.03429001", "Too many requests."),
    ] {
        page.push_str(&format!("| {code} | {message} |\n"));
    }
    page
}

#[test]
fn from_a_page_to_codes_that_are_counted_and_explained() {
    let folder = Folder::new();
    let page = folder.write("warehouse.md", inside());
    let out = folder.path().join("ware.yaml").display().to_string();
    let told = run(["catalog", "import", &page, "--service", "WARE", "--out", &out]);
    assert!(told.stderr.contains("wait for a person"), "{}", told.stderr);
    assert_eq!(told.ok(), "");
    let checked = run(["catalog", "check", &out]).ok();
    assert!(checked.contains("WARE.MMSSSNNN") && checked.contains("to review"), "{checked}");
    let log = b"2026-01-02 ERROR upload failed: WARE.02409001 The shelf already exists.\n";
    let report = finish_with(errtally().args(["scan", "--format", "json", "--catalog", &out]), log).json();
    assert_eq!(report["hits"][0]["code"], "WARE.02409001");
    assert_eq!(report["hits"][0]["category"], "conflict");
    assert_eq!(report["hits"][0]["http_status"], 409);
    let explained = run(["explain", "WARE.03500001", "--catalog", &out]).ok();
    assert!(explained.contains("Internal error.") && explained.contains("a draft by rules"), "{explained}");
}

#[test]
fn folders_standard_input_and_several_services() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("pages")).expect("a folder");
    folder.write("pages/ware.md", inside());
    folder.write(
        "pages/shop.csv",
        "Error Code,Message\nShop.0001,The order does not exist.\nShop.0002,Bad name\n",
    );
    folder.write("pages/logo.png", "x");
    let pages = folder.path().join("pages").display().to_string();
    let ended = run(["catalog", "import", &pages]);
    assert!(ended.stderr.contains("logo.png: no ending of a page, passed over"), "{}", ended.stderr);
    let said = ended.failed(1);
    assert!(said.contains("2 services: SHOP, WARE") && said.contains("--out"), "{said}");
    let out = format!("{}/", folder.path().join("out").display());
    run(["catalog", "import", &pages, "--out", &out]).ok();
    let checked = run(["catalog", "check", &out]).ok();
    assert!(checked.contains("Shop.NNNN") && checked.contains("WARE.MMSSSNNN"), "{checked}");

    let ended =
        finish_with(errtally().args(["catalog", "import", "-", "--service", "WARE"]), inside().as_bytes());
    assert_eq!(ended.ok().matches("- code:").count(), 6);
    for (args, told) in [
        (vec!["catalog", "import"], "PAGE"),
        (vec!["catalog", "import", "nowhere.md"], "nowhere.md"),
        (vec!["catalog", "import", "README.md"], "no row of an error code"),
    ] {
        let ended = run(args.clone());
        assert!(
            ended.stderr.contains(told) && matches!(ended.status, Some(1 | 2)),
            "{args:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn families_of_the_built_in_catalog_keep_their_form() {
    let folder = Folder::new();
    let page = folder.write("p.csv", "Error Code,Status,Message\nEcs.9001,400,It is bad\nCommon.9001,404,It is gone\nOwn.1,400,x\nOwn.00001,400,It is x\n");
    let yaml = run(["catalog", "import", &page, "--service", "OWN"]).ok();
    for family in [
        "{prefix: Ecs, grammar: NNNN, shared: true}",
        "{prefix: Common, grammar: NNNN, shared: true}",
        "{prefix: Own, grammar: NNNNN}",
    ] {
        assert!(yaml.contains(family), "{family} in:\n{yaml}");
    }
    let out = folder.path().join("own.yaml").display().to_string();
    run(["catalog", "import", &page, "--service", "OWN", "--out", &out]).ok();
    run(["catalog", "check", &out]).ok();
}

#[test]
fn an_update_keeps_what_a_person_judged() {
    let folder = Folder::new();
    let page = folder.write("shop.csv", "Error Code,Status,Message\nShop.0001,400,one is bad\nShop.0002,400,two is bad\nShop.0003,400,three is bad\n");
    let out = folder.path().join("shop.yaml").display().to_string();
    run(["catalog", "import", &page, "--out", &out]).ok();
    let first = std::fs::read_to_string(&out).expect("a file");
    run(["catalog", "import", &page, "--out", &out]).ok();
    assert_eq!(std::fs::read_to_string(&out).expect("a file"), first, "the same page changes nothing");

    let judged: String = first
        .replacen("category: invalid_request", "category: state  # seen in March", 1)
        .lines()
        .filter(|l| !l.contains("review:"))
        .map(|l| format!("{l}\n"))
        .collect();
    std::fs::write(&out, &judged).expect("a file");
    let old = folder.write("old.yaml", &judged);
    let page = folder.write("shop.csv", "Error Code,Status,Message\nShop.0001,400,one is bad\nShop.0002,400,two is worse\nShop.0004,404,four does not exist\n");
    let ended = run(["catalog", "import", &page, "--out", &out]);
    for told in [
        "1 row kept, 1 new, 1 changed, 1 no longer on a page",
        "new: Shop.0004 404 \"four does not exist\"",
        "changed: Shop.0002 400: \"two is bad\" is now \"two is worse\"",
        "vanished, and kept: Shop.0003 400 \"three is bad\"",
    ] {
        assert!(ended.stderr.contains(told), "{told} in:\n{}", ended.stderr);
    }
    let now = std::fs::read_to_string(&out).expect("a file");
    assert!(now.contains("category: state  # seen in March"), "{now}");
    assert_eq!(now.matches("review: true").count(), 1, "{now}");

    let table = run(["catalog", "diff", &old, &out]).ok();
    assert!(table.contains("+ Shop.0004") && table.contains("~ Shop.0002"), "{table}");
    assert!(table.ends_with("1 row added, 0 removed, 1 changed\n"), "{table}");
    let diff = run(["catalog", "diff", &old, &out, "--format", "json"]).json();
    let diff = &diff["services"][0];
    assert_eq!((&diff["service"], &diff["added"][0]["code"]), (&json!("SHOP"), &json!("Shop.0004")));
    assert_eq!(
        diff["changed"][0]["fields"][0],
        json!({"key": "message", "old": "two is bad", "new": "two is worse"})
    );
    assert_eq!(run(["catalog", "diff", &out, &out]).ok(), "0 rows added, 0 removed, 0 changed\n");
    assert!(run(["catalog", "diff", &old, &page]).failed(2).contains("shop.csv"));
}

#[test]
fn a_file_that_is_wrong_stays_as_it_is() {
    let folder = Folder::new();
    let page = folder.write("shop.csv", "Error Code,Message\nShop.0001,It is bad\n");
    let out = folder.write("shop.yaml", "service: SHOP\ncolour: red\n");
    let ended = finish(errtally().args(["catalog", "import", &page, "--out", &out]));
    assert!(ended.failed(2).contains("colour"));
    assert_eq!(std::fs::read_to_string(&out).expect("a file"), "service: SHOP\ncolour: red\n");
}
