//! Catalogs that no cloud has, to reach the corners of search: tiny, nested and very many prefixes.

use crate::reference::{Catalog, Family, Row};

fn family(service: &str, prefix: &str, grammar: &str) -> Family {
    Family {
        prefix: prefix.into(),
        separator: ".".into(),
        grammar: grammar.into(),
        service: service.into(),
        ..Family::default()
    }
}

fn row(service: &str, code: &str, http_status: Option<u16>, message: &str, is_default: bool) -> Row {
    Row {
        code: code.into(),
        service: service.into(),
        http_status,
        message: message.into(),
        category: if is_default { "internal".into() } else { "not_found".into() },
        is_default,
    }
}

/// Prefixes with digits, of one letter, in one another, and such as end an escape or a colour.
pub fn nested() -> Catalog {
    let families = [
        ("ODD", "A1B", "N"),
        ("ODD", "B", "N"),
        ("ODD", "X9", "SSS"),
        ("ODD", "Q2Q2", "N.N"),
        ("SUFFIX", "S", "NNNN"),
        ("SUFFIX", "CS", "NNNN"),
        ("SUFFIX", "ECS", "NNNN"),
        ("SUFFIX", "VEcs", "NNNN"),
        ("SUFFIX", "SCS", "NN"),
        ("TAIL", "n", "NN"),
        ("TAIL", "u", "NNN"),
        ("TAIL", "m", "NN"),
        ("TAIL", "r", "N.NN.NNN"),
        ("TAIL", "D", "NN"),
        ("HTTP", "Http", "SSS"),
        ("HTTP", "Code", "NNSSS"),
        ("DOTS", "Dot", "N.N.N.N"),
        ("DOTS", "Dot", "NN"),
        ("DOTS", "Long", "MMMMMMMMM.SSSNNNNNNN"),
    ];
    let rows = vec![
        row("ODD", "A1B.1", Some(400), "The first meaning of it.", true),
        row("ODD", "A1B.1", Some(404), "Another meaning: {0} of [%s].", false),
        row("ODD", "B.7", None, "No status.", false),
        row("ODD", "Q2Q2.1.2", Some(500), "Two digits and a dot.", false),
        row("SUFFIX", "CS.0001", Some(400), "Stream %s went wrong.", false),
        row("SUFFIX", "CS.0001", Some(404), "Stream %s was not there.", true),
        row("SUFFIX", "ECS.0001", Some(403), "Server %d is off limits.", false),
        row("TAIL", "n.11", Some(404), "Nothing.", false),
        row("TAIL", "m.31", Some(404), "Nothing.", false),
        row("HTTP", "Http.404", None, "A status for a code.", false),
        row("DOTS", "Dot.4.0.0.4", Some(404), "Dots.", false),
    ];
    let families = families.map(|(service, prefix, grammar)| family(service, prefix, grammar)).to_vec();
    Catalog { families, rows, hosts: Vec::new() }
}

/// Families of every form that the contract knows, some within others.
pub fn forms() -> Catalog {
    let form = |prefix: &str, separator: &str, grammar: &str, everyday: bool| Family {
        separator: separator.into(),
        everyday,
        ..family("FORMS", prefix, grammar)
    };
    let families = vec![
        form("ORA", "-", "NNNNN", false),
        form("A-B", "-", "NN", false),
        form("AADSTS", "", "NNNNN", false),
        form("E", "", "NNNN", false),
        form("SVC_AMS", "_", "NNN", false),
        form("AMS", "_", "NNN", false),
        form("SVC.SWR", ".", "NNN", false),
        form("DRS", ".", "'M'NNN", false),
        form("DRS", ".", "'KE'NN", false),
        form("Sql", "", "'x'NN", false),
        form("", "", "'12'NNNN", false),
        form("", "", "NNNNNNN", false),
        form("AS", ".", "NNN", true),
        form("DC", "_", "NNN", true),
        form("n", "-", "NN", false),
    ];
    let rows = vec![
        row("FORMS", "ORA-00942", Some(404), "table or view does not exist", false),
        row("FORMS", "E1101", Some(400), "No member of that name.", false),
        row("FORMS", "DRS.M001", None, "One.", false),
        row("FORMS", "AS.000", Some(400), "The zero is a code here.", false),
        row("FORMS", "AS.001", Some(400), "The group %s is being changed.", false),
        row("FORMS", "120001", None, "A number.", false),
    ];
    Catalog { families, rows, hosts: Vec::new() }
}

/// More families than a vectorised multi-pattern search can hold.
pub fn crowd() -> Catalog {
    let mut catalog = Catalog::default();
    for i in 0..130u32 {
        let letter = |n: u32| char::from(b'A' + u8::try_from(n % 26).expect("below 26"));
        let prefix = match i % 3 {
            0 => format!("{}{}", letter(i / 26), letter(i)),
            1 => format!("{}{}{i}", letter(i), letter(i / 5)),
            _ => format!("Crowd{}{}", letter(i / 26), letter(i)),
        };
        let grammar = ["NNNN", "NN", "SSSNN", "N.NNN", "NNNNN"][i as usize % 5];
        let service = format!("SVC{}", i % 40);
        let digits: String = grammar.chars().map(|rule| if rule == '.' { '.' } else { '4' }).collect();
        let code = format!("{prefix}.{digits}");
        if grammar.contains('S') {
            catalog.rows.push(row(&service, &code, None, "One meaning.", false));
        } else {
            catalog.rows.push(row(&service, &code, Some(400), "It could not be done because %s.", true));
            catalog.rows.push(row(&service, &code, Some(404), "The %s was looked for in vain.", false));
        }
        catalog.families.push(family(&service, &prefix, grammar));
    }
    let spelled: std::collections::BTreeSet<String> =
        catalog.families.iter().map(|family| family.prefix.to_ascii_lowercase()).collect();
    assert_eq!(spelled.len(), catalog.families.len(), "two families share a prefix");
    catalog
}

/// Quotes as URLs, HTML, Markdown and JSON escape them, and a colour in place of one.
pub const MARKS: &[&[u8]] =
    &[b"&quot;", b"%22", b"%2522", b"%5C%22", b"u0022", b"`", b"&amp;#39;", b"\x1b[0m"];

/// What may stand between key, sign and value.
pub const NOISE: &[&[u8]] = &[b"\x1b[0m", b"\x1b[1;31m", b"\\u001b[0m ", b"%20"];
