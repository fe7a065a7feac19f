//! Families of codes and their grammars, found in the codes of a service.

use std::collections::{BTreeMap, HashMap};

use crate::rows::Row;

/// A family as a catalog file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What codes begin with; empty where they are numbers alone.
    pub prefix: String,
    /// `.`, `_`, `-`, or empty.
    pub separator: String,
    /// What follows.
    pub grammar: String,
    /// The prefix stands for everyday things as well.
    pub everyday: bool,
    /// It is another service's.
    pub shared: bool,
}

/// A family that is known already, and the service that owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its owner.
    pub service: String,
    /// The family.
    pub family: Family,
}

/// Least digits of a code that is a number alone: a shorter one is a status.
const LEAST_DIGITS: usize = 4;

/// Statuses that a code may hold, where no page says which it has.
const HELD: [u16; 22] = [
    400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 423, 424, 429, 500, 501, 502, 503,
    504,
];

/// How many codes must agree before they are taken to hold their status, and
/// how many statuses must be among them: digits may look like one by chance.
const LEAST_AGREEING: usize = 5;
const LEAST_STATUSES: usize = 2;

/// A code taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Parts {
    prefix: String,
    separator: String,
    /// What follows, digits as `N`.
    layout: String,
    rest: String,
}

impl Parts {
    fn of(code: &str) -> Option<Parts> {
        let parts = |prefix: &str, separator: &str, rest: &str| {
            let layout: String = rest.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
            let own = |text: &str| text.to_owned();
            Some(Parts { prefix: own(prefix), separator: own(separator), layout, rest: own(rest) })
        };
        if code.bytes().all(|b| b.is_ascii_digit()) {
            return if code.len() >= LEAST_DIGITS { parts("", "", code) } else { None };
        }
        // The first separator behind which there are a few letters and digits, or digits with dots.
        for (at, separator) in code.match_indices(['.', '_', '-']) {
            let rest = &code[at + 1..];
            let letters = rest.bytes().take_while(u8::is_ascii_uppercase).count();
            let mut groups = rest[letters..].split('.');
            let digits = groups.all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit()));
            if at > 0 && letters <= 3 && digits {
                return parts(&code[..at], separator, rest);
            }
        }
        let digits = code.bytes().rev().take_while(u8::is_ascii_digit).count();
        let prefix = &code[..code.len() - digits];
        (digits >= 2 && !prefix.ends_with(['.', '_', '-']))
            .then(|| parts(prefix, "", &code[prefix.len()..]))?
    }

    fn digits(&self) -> String {
        self.rest.chars().filter(char::is_ascii_digit).collect()
    }
}

/// The families of rows, and how the codes are spelled in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Families {
    /// In the order of their prefixes.
    pub families: Vec<Family>,
    /// By code as the page has it: its spelling, and its family.
    pub codes: HashMap<String, (String, usize)>,
    /// Codes that no family can have: words, and numbers as short as statuses.
    pub words: Vec<String>,
}

impl Families {
    /// The families of `rows` of `service`; those that are `known` keep their form.
    pub fn of(rows: &[Row], service: &str, known: &[Known]) -> Families {
        // By prefix in lower case, separator and layout.
        type Key = (String, String, String);
        let mut groups: BTreeMap<Key, Vec<(&Row, Parts)>> = BTreeMap::new();
        let mut found = Families::default();
        for row in rows {
            match Parts::of(&row.code) {
                Some(parts) => {
                    let key = (parts.prefix.to_lowercase(), parts.separator.clone(), parts.layout.clone());
                    groups.entry(key).or_default().push((row, parts));
                }
                None if !found.words.contains(&row.code) => found.words.push(row.code.clone()),
                None => {}
            }
        }
        for ((_, separator, layout), group) in groups {
            let prefix = spelling(&group);
            let family = Family {
                grammar: grammar(&group, &layout),
                everyday: !prefix.is_empty() && prefix.len() <= 2 && !separator.is_empty(),
                shared: false,
                prefix,
                separator,
            };
            let family = as_known(family, &group, service, known);
            let at = found.families.len();
            for (row, parts) in group {
                let spelled = format!("{}{}{}", family.prefix, family.separator, parts.rest);
                found.codes.insert(row.code.clone(), (spelled, at));
            }
            found.families.push(family);
        }
        found
    }
}

impl Family {
    /// The status inside a code of this family: `None` where its grammar holds
    /// none, `Some(None)` where the digits are none.
    pub fn status(&self, code: &str) -> Option<Option<u16>> {
        let at = plain(&self.grammar).find("SSS")?;
        let rest = code.get(self.prefix.len() + self.separator.len()..)?;
        let status: u16 = rest.get(at..at + 3)?.parse().ok()?;
        Some((100..=599).contains(&status).then_some(status))
    }

    /// Whether both have the same codes.
    pub fn is_same(&self, other: &Family) -> bool {
        self.prefix.eq_ignore_ascii_case(&other.prefix)
            && self.separator == other.separator
            && layout(&self.grammar) == layout(&other.grammar)
    }
}

/// A grammar without its quotes.
fn plain(grammar: &str) -> String {
    grammar.replace('\'', "")
}

/// A grammar with each digit as `N` and its letters and fixed digits as they are.
fn layout(grammar: &str) -> String {
    let mut quoted = false;
    let mut out = String::new();
    for c in grammar.chars() {
        match c {
            '\'' => quoted = !quoted,
            'M' | 'S' if !quoted => out.push('N'),
            c => out.extend(c.to_uppercase()),
        }
        // Letters that are fixed are no digits, whatever they are.
        if quoted && c == 'N' {
            out.pop();
            out.push_str("'N'");
        }
    }
    out
}

/// How most codes of a group spell their prefix.
fn spelling(group: &[(&Row, Parts)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, parts) in group {
        *counts.entry(&parts.prefix).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map_or_else(String::new, |(prefix, _)| prefix.to_owned())
}

/// The grammar of codes of one layout.
fn grammar(group: &[(&Row, Parts)], layout: &str) -> String {
    let letters: String = layout.chars().take_while(|c| *c != 'N').collect();
    let tail = &layout[letters.len()..];
    let held = status_at(group);
    let module_end = tail.rfind('.').unwrap_or(0);
    let mut out = if letters.is_empty() { String::new() } else { format!("'{letters}'") };
    let mut digit = 0;
    for (at, c) in tail.char_indices() {
        if c != 'N' {
            out.push(c);
            continue;
        }
        out.push(match held {
            Some(start) if (start..start + 3).contains(&digit) => 'S',
            Some(start) if digit < start => 'M',
            None if at < module_end => 'M',
            _ => 'N',
        });
        digit += 1;
    }
    if group[0].1.prefix.is_empty() { fixed_start(group, out) } else { out }
}

/// Numbers alone with the digits that all of them begin with: the fewer other
/// numbers fit, the better.
fn fixed_start(group: &[(&Row, Parts)], grammar: String) -> String {
    let first = &group[0].1.rest;
    let common = |n: &usize| group.iter().all(|(_, p)| p.rest.starts_with(&first[..*n]));
    let most = first.len().saturating_sub(LEAST_DIGITS);
    match (1..=most).rev().find(common) {
        Some(count) if group.len() >= LEAST_AGREEING => {
            // Digits of a status are no fixed ones.
            let count = count.min(grammar.find('S').unwrap_or(count));
            if count == 0 { grammar } else { format!("'{}'{}", &first[..count], &grammar[count..]) }
        }
        _ => grammar,
    }
}

/// Which digit of the codes their status begins at, where all rows agree.
fn status_at(group: &[(&Row, Parts)]) -> Option<usize> {
    let length = group[0].1.digits().len();
    if length < 6 || group.len() < LEAST_AGREEING {
        return None;
    }
    let layout = &group[0].1.layout;
    let documented = group.iter().any(|(row, _)| !row.statuses.is_empty());
    (0..=length - 3).find(|&at| {
        let mut seen = Vec::new();
        let agree = group.iter().all(|(row, parts)| {
            let Ok(inside) = parts.digits()[at..at + 3].parse::<u16>() else { return false };
            if !seen.contains(&inside) {
                seen.push(inside);
            }
            if row.statuses.is_empty() {
                documented || HELD.contains(&inside)
            } else {
                row.statuses.contains(&inside)
            }
        });
        agree && seen.len() >= LEAST_STATUSES && side_by_side(layout, at)
    })
}

/// Whether no dot stands between three digits.
fn side_by_side(layout: &str, at: usize) -> bool {
    let digits: Vec<usize> = layout.char_indices().filter(|(_, c)| *c == 'N').map(|(i, _)| i).collect();
    digits.get(at + 2).is_some_and(|last| last - digits[at] == 2)
}

/// A family in the form that is known, where that has all these codes.
fn as_known(family: Family, group: &[(&Row, Parts)], service: &str, known: &[Known]) -> Family {
    let fits = |known: &Family| {
        let form = layout(&known.grammar);
        let has = |rest: &str| {
            form.len() == rest.len()
                && form
                    .chars()
                    .zip(rest.chars())
                    .all(|(f, c)| if f == 'N' { c.is_ascii_digit() } else { f.eq_ignore_ascii_case(&c) })
        };
        known.prefix.eq_ignore_ascii_case(&family.prefix)
            && known.separator == family.separator
            && group.iter().all(|(_, parts)| has(&parts.rest))
    };
    let mut same = known.iter().filter(|k| fits(&k.family));
    let own = same.clone().find(|k| k.service == service);
    match own.or_else(|| same.next()) {
        Some(k) => Family { shared: k.service != service, ..k.family.clone() },
        None => family,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(codes: &[(&str, u16)]) -> Vec<Row> {
        let row = |&(code, status): &(&str, u16)| Row {
            code: code.to_owned(),
            statuses: if status == 0 { Vec::new() } else { vec![status] },
            ..Row::default()
        };
        codes.iter().map(row).collect()
    }

    fn forms(codes: &[(&str, u16)]) -> Vec<String> {
        let families = Families::of(&rows(codes), "X", &[]);
        families.families.iter().map(|f| format!("{}{}{}", f.prefix, f.separator, f.grammar)).collect()
    }

    #[test]
    fn forms_of_codes() {
        assert_eq!(forms(&[("Ecs.0001", 400), ("Ecs.0002", 404)]), ["Ecs.NNNN"]);
        assert_eq!(forms(&[("DRS.M05006", 0), ("DRS.KE0001", 0)]), ["DRS.'KE'NNNN", "DRS.'M'NNNNN"]);
        assert_eq!(
            forms(&[("SVCSTG_AMS_4000115", 400), ("SVCSTG.S2I.4000115", 400)]),
            ["SVCSTG.S2I.NNNNNNN", "SVCSTG_AMS_NNNNNNN"]
        );
        assert_eq!(forms(&[("ORA-00942", 0), ("E1101", 0)]), ["ENNNN", "ORA-NNNNN"]);
        assert_eq!(forms(&[("1101", 400)]), ["NNNN"]);
        let numbers = ["111700001", "111700002", "111800003", "111700004", "111700005"];
        let numbers: Vec<_> = numbers.iter().map(|n| (*n, 0)).collect();
        assert_eq!(forms(&numbers), ["'111'NNNNNN"]);
    }

    #[test]
    fn a_status_inside_where_all_rows_agree() {
        let mut codes = vec![
            ("CCI.01.400101", 400),
            ("CCI.01.403102", 403),
            ("CCI.02.404101", 404),
            ("CCI.02.500101", 500),
            ("CCI.03.409101", 409),
        ];
        assert_eq!(forms(&codes), ["CCI.MM.SSSNNN"]);
        codes[0].1 = 404;
        assert_eq!(forms(&codes), ["CCI.MM.NNNNNN"]);
        let silent: Vec<_> = codes.iter().map(|(code, _)| (*code, 0)).collect();
        assert_eq!(forms(&silent), ["CCI.MM.SSSNNN"]);
        let family = &Families::of(&rows(&silent), "X", &[]).families[0];
        assert_eq!(family.status("CCI.01.403102"), Some(Some(403)));
    }

    #[test]
    fn what_is_known_keeps_its_form() {
        let family = Family {
            prefix: "Vpc".into(),
            separator: ".".into(),
            grammar: "MMNN".into(),
            everyday: false,
            shared: false,
        };
        let known = [Known { service: "VPC".into(), family }];
        let found = Families::of(&rows(&[("VPC.0001", 400)]), "EIP", &known);
        assert!(found.families[0].shared);
        assert_eq!(found.codes["VPC.0001"].0, "Vpc.0001");
        assert!(!Families::of(&rows(&[("VPC.0001", 400)]), "VPC", &known).families[0].shared);
    }

    #[test]
    fn words_are_of_no_family() {
        let found = Families::of(&rows(&[("AccessDenied", 403), ("404", 404)]), "X", &[]);
        assert_eq!(found.words, ["AccessDenied", "404"]);
    }
}
