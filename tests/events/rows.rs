//! Rows of one code and status that differ in their message: the record decides, and what has the same labels is one
//! series.

use serde_json::json;

use crate::run::exact;
use crate::support::{Folder, run};

const SHOP: &str =
    "service: SHOP\nfull_name: Shop\nsource: its handbook\nfamilies:\n  - {prefix: Shop, grammar: NNN}
codes:
  - code: Shop.001
    http_status: 400
    message: \"The name of the basket is too long.\"
    category: invalid_request
    retryable: false
    default: true
  - code: Shop.001
    http_status: 400
    message: \"The basket %(id)s cannot be opened.\"
    category: invalid_request
    retryable: false
    action: \"Ask for the key of the basket\"
  - code: Shop.001
    http_status: 400
    message: \"Too many baskets for one customer.\"
    category: quota
    retryable: false
    action: \"Return some baskets\"
";

#[test]
fn the_text_of_a_record_tells_rows_of_one_status_apart() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", SHOP);
    let input = b"HTTP 400 Shop.001: The basket b-7 cannot be opened.
Shop.001: The name of the basket is too long.
{\"status_code\":400,\"error_code\":\"Shop.001\",\"error_msg\":\"Too many baskets for one customer.\"}
Shop.001, and nothing else is known
";
    let (events, scrape) = exact(input, &["--catalog", &shop]);
    let told: Vec<_> = events.iter().map(|e| [&e["category"], &e["message"], &e["action"]]).collect();
    // A row of an invalid request may leave what to do to its category.
    let usual = json!("Correct the request: the message names what is wrong");
    let long = json!("The name of the basket is too long.");
    let (invalid, quota) = (json!("invalid_request"), json!("quota"));
    let opened = json!("The basket b-7 cannot be opened.");
    let (key, many, back) = (
        json!("Ask for the key of the basket"),
        json!("Too many baskets for one customer."),
        json!("Return some baskets"),
    );
    let wanted = [
        [&invalid, &opened, &key],
        [&invalid, &long, &usual],
        [&quota, &many, &back],
        [&invalid, &long, &usual],
    ];
    assert_eq!(told, wanted);
    // The first two rows are one series, with what the first says.
    let series =
        |category| scrape.value("errtally_errors_total", &[("code", "Shop.001"), ("category", category)]);
    assert_eq!((series("invalid_request"), series("quota")), (Some(3.0), Some(1.0)));
    let info: Vec<_> = scrape.of("errtally_code_info", &[("code", "Shop.001")]).collect();
    assert_eq!(info.len(), 2);
    assert!(info.iter().any(|s| s.labels["message"] == "The name of the basket is too long."));

    // All three are told, and each can be replaced by what has its status.
    let explained = run(["explain", "Shop.001", "--catalog", &shop]).ok();
    for text in ["too long", "cannot be opened", "Too many baskets"] {
        assert!(explained.contains(text), "{explained}");
    }
    let over =
        "service: SHOP\nfull_name: Shop\nsource: ours\ncodes:\n  - code: Shop.001\n    http_status: 400
    message: \"m\"\n    category: state\n    retryable: true\n";
    let over = folder.write("over.yaml", over);
    let listing = run(["catalog", "list", "--format", "json", "--catalog", &shop, "--catalog", &over]).json();
    let rows: Vec<_> =
        listing["codes"].as_array().expect("codes").iter().filter(|c| c["code"] == "Shop.001").collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0]["category"], &rows[0]["default"]), (&json!("state"), &json!(true)));
}

#[test]
fn what_rows_must_have_in_common_and_not() {
    let folder = Folder::new();
    let wrong = [
        (SHOP.replace("    action: \"Return some baskets\"\n", ""), "Shop.001.action: missing"),
        (SHOP.replace("    default: true\n", ""), "3 rows, 0 marked as the default"),
        (
            SHOP.replace("The basket %(id)s cannot be opened.", "The name of the basket is too long."),
            "a second row",
        ),
    ];
    for (text, told) in wrong {
        let file = folder.write("shop.yaml", text);
        let found = run(["catalog", "check", &file]).failed(2);
        assert!(found.contains(told), "{found}");
    }
}
