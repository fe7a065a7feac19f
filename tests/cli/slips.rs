//! `errtally explain` of what is no known code: what may be meant, in a few lines.

use crate::support::{Ended, Folder, errtally, finish, run};

/// A service whose codes have eight digits.
const ORDERS: &str = "service: ORDERS\nfull_name: Orders\nsource: its handbook\nfamilies:\n  - {prefix: ORD, grammar: NNNNNNNN}\ncodes:\n";

fn orders(folder: &Folder) -> String {
    let rows = ["42910006", "42910007", "40910005"].map(|number| {
        format!("  - {{code: ORD.{number}, message: m, category: conflict, retryable: false, action: a}}\n")
    });
    folder.write("orders.yaml", format!("{ORDERS}{}", rows.concat()))
}

/// What is printed where nothing is known: status 1, nothing on standard error, and never long lines.
#[track_caller]
fn unknown(ended: Ended) -> String {
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    let longest = ended.stdout.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 300 && ended.stdout.lines().count() < 20, "{}", ended.stdout);
    ended.stdout
}

#[test]
fn a_mistyped_code_is_answered_with_what_may_be_meant() {
    let folder = Folder::new();
    let catalog = orders(&folder);
    for slip in ["ORD-42910006", "ORD42910006", "0RD.42910006", "ord_42910006", "ORD.429IOOO6"] {
        let told = unknown(run(["explain", "--catalog", &catalog, slip]));
        assert!(told.contains("did you mean `ORD.42910006`?"), "{slip}\n{told}");
        assert!(told.contains("known codes near it: ORD.42910006, "), "{slip}\n{told}");
    }
    let told = unknown(run(["explain", "--catalog", &catalog, "ORD-42910999"]));
    assert!(
        told.contains("did you mean `ORD.42910999`?") && told.contains("does not have that code"),
        "{told}"
    );
    // One slip among words that no message has.
    let told = unknown(run(["explain", "--catalog", &catalog, "zzzz", "ORD-42910006", "qqqq"]));
    assert!(told.contains("did you mean `ORD.42910006`?"), "{told}");
}

#[test]
fn a_digit_too_few_or_too_many_is_counted() {
    let folder = Folder::new();
    let catalog = orders(&folder);
    for (slip, digits) in [("ORD.4291006", 7), ("ORD.429100006", 9), ("ORD-4291006", 7)] {
        let told = unknown(run(["explain", "--catalog", &catalog, slip]));
        let sentence = format!("the family ORD.NNNNNNNN of ORDERS has 8 digits, and here are {digits}");
        assert!(told.contains(&sentence), "{slip}\n{told}");
        assert!(told.contains("known codes near it: ORD.42910006, "), "{slip}\n{told}");
    }
}

#[test]
fn what_is_like_no_code_is_answered_in_a_few_lines() {
    for text in ["hello", "FOO-1", "no such text anywhere", &"x".repeat(150), "ORDER-17-B"] {
        let told = unknown(run(["explain", text]));
        assert!(told.contains("errtally catalog list") && told.contains("errtally catalog check"), "{told}");
        assert!(!told.contains("did you mean"), "{told}");
    }
    let told = unknown(run(["explain", "ModelArt.0104"]));
    assert!(told.contains("families whose prefix is like its own: ModelArts.NNNN of MODELARTS"), "{told}");
}

#[test]
fn an_empty_argument_is_bad_usage() {
    for arguments in [&[""][..], &["  "], &["Ecs.0114", ""]] {
        let ended = run(["explain"].iter().chain(arguments));
        assert_eq!(ended.stdout, "");
        assert!(ended.failed(2).contains("it is empty"), "{arguments:?}");
    }
}

#[test]
fn a_code_that_no_catalog_has_leads_to_a_catalog_of_ones_own() {
    for code in ["FOO.0003", "ORD.42910006", "Ecs.9999", "ORD-42910006"] {
        let told = unknown(run(["explain", code]));
        assert!(told.contains("--catalog FILE, or ERRTALLY_CATALOG"), "{told}");
    }
    let folder = Folder::new();
    let catalog = orders(&folder);
    let told = unknown(finish(errtally().args(["explain", "FOO.0003"]).env("ERRTALLY_CATALOG", &catalog)));
    assert!(told.contains(&format!("Looked for in the built-in catalog and {catalog}; more: ")), "{told}");
    assert!(!run(["explain", "Ecs.0114"]).ok().contains("ERRTALLY_CATALOG"));
}

#[test]
fn a_code_of_a_service_that_is_left_out_says_so() {
    let folder = Folder::new();
    let config = folder.write("errtally.yaml", "linger: 1s\nservices: [CCE, EIP]\n");
    let told = unknown(run(["explain", "--config", &config, "ecs.0114"]));
    let why = format!("the catalog has it, of ECS, but `services` leaves that out ({config}:2)");
    assert!(told.contains(&why) && !told.contains("ERRTALLY_CATALOG"), "{told}");
    let told = unknown(run(["explain", "--services", "CCE", "Ecs.9999"]));
    assert!(told.contains("it fits Ecs.NNNN, of ECS, but `services` leaves that out (--services)"), "{told}");
    // A number that is no shape of a code behind its prefix, and a code of a service of one's own.
    let told = unknown(run(["explain", "--services", "CCE", "DRS.M05006"]));
    assert!(told.contains("of DRS, but `services`"), "{told}");
    let catalog = orders(&folder);
    let told = unknown(run(["explain", "--catalog", &catalog, "--services", "CCE", "ORD.42910006"]));
    assert!(told.contains("the catalog has it, of ORDERS"), "{told}");
    // What nobody has is not for `services` to have left out.
    let told = unknown(run(["explain", "--services", "CCE", "FOO.0003"]));
    assert!(!told.contains("leaves that out") && told.contains("--catalog FILE"), "{told}");
    assert!(run(["explain", "--services", "CCE", "CCE.01429002"]).ok().contains("locked"));
}
