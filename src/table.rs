//! The report as people read it: counts with bars, what each code means, what
//! to do, totals and rate.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use errtally_core::catalog::Category;
use errtally_core::problem::{counted, grouped};
use errtally_core::report::Report;

/// Cells of the longest bar.
const BAR: usize = 16;

/// How a table is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns that may be used; `None` where nothing limits them.
    pub width: Option<usize>,
    /// How long the reading took, for the rate.
    pub elapsed: Option<Duration>,
}

/// Bold for headings, dim for what is secondary.
const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The colour that a category has everywhere: red for what wakes people,
/// yellow for limits, blue for the caller's own mistakes.
pub fn colour(category: Category) -> Style {
    let colour = match category {
        Category::Internal | Category::Dependency | Category::Timeout | Category::Capacity => AnsiColor::Red,
        Category::Quota | Category::Throttling => AnsiColor::Yellow,
        Category::Authentication | Category::Permission | Category::Billing => AnsiColor::Magenta,
        Category::InvalidRequest | Category::NotFound => AnsiColor::Blue,
        Category::Conflict | Category::State => AnsiColor::Cyan,
        Category::Unknown => AnsiColor::White,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// The whole table, with colours as escapes; the writer strips them where
/// they are not wanted.
pub fn render(report: &Report, look: Look) -> String {
    let mut out = String::new();
    if !report.hits.is_empty() {
        known(report, look, &mut out);
    }
    if !report.unknown.is_empty() {
        unknown(report, look, &mut out);
    }
    if report.hits.is_empty() && report.unknown.is_empty() {
        out.push_str("No error code found.\n\n");
    }
    categories(report, &mut out);
    totals(report, look, &mut out);
    out
}

fn known(report: &Report, look: Look, out: &mut String) {
    let most = report.hits.iter().map(|h| h.count).max().unwrap_or(1);
    let counts = width(report.hits.iter().map(|h| grouped(h.count).len()), "RECORDS");
    let codes = width(report.hits.iter().map(|h| h.code.len()), "CODE");
    let left = counts + 2 + BAR + 2 + codes + 2 + 6 + 2 + 15 + 2;
    // Beside the rest if the longest action fits there, else below its code.
    let longest = report.hits.iter().map(|h| h.action.chars().count()).max().unwrap_or(0);
    let beside = look.width.is_none_or(|w| left + longest <= w);
    let last = if beside { "WHAT TO DO" } else { "" };
    let _ = writeln!(
        out,
        "{HEAD}{:>counts$}  {:BAR$}  {:codes$}  {:6}  {:15}  {last}{HEAD:#}",
        "RECORDS", "", "CODE", "STATUS", "CATEGORY"
    );
    for hit in &report.hits {
        let tint = colour(hit.category);
        let status = hit.http_status.map_or("-".to_owned(), |s| s.to_string());
        let _ = write!(
            out,
            "{:>counts$}  {tint}{:BAR$}{tint:#}  {HEAD}{:codes$}{HEAD:#}  {status:6}  {tint}{:15}{tint:#}",
            grouped(hit.count),
            bar(hit.count, most),
            hit.code,
            hit.category,
        );
        if beside {
            let _ = writeln!(out, "  {}", hit.action);
        } else {
            let indent = counts + 2;
            let _ = writeln!(out, "\n{:indent$}{DIM}{}{DIM:#}", "", hit.action);
        }
    }
    out.push('\n');
}

fn unknown(report: &Report, look: Look, out: &mut String) {
    let most = report.unknown.iter().map(|u| u.count).max().unwrap_or(1);
    let counts = width(report.unknown.iter().map(|u| grouped(u.count).len()), "RECORDS");
    let codes = width(report.unknown.iter().map(|u| u.code.len()), "UNKNOWN CODE").min(40);
    let wide = look.width.is_none_or(|w| w > 60);
    let services = width(report.unknown.iter().map(|u| u.api_service.len()), "SERVICE").min(20);
    let _ = writeln!(
        out,
        "{HEAD}{:>counts$}  {:BAR$}  {:codes$}  {:services$}  {}{HEAD:#}",
        "RECORDS",
        "",
        "UNKNOWN CODE",
        "SERVICE",
        if wide { "CATEGORY" } else { "" }
    );
    for u in &report.unknown {
        let tint = colour(u.category);
        let inferred = if u.category == Category::Unknown { "" } else { " (inferred)" };
        let _ = write!(
            out,
            "{:>counts$}  {tint}{:BAR$}{tint:#}  {:codes$}  {:services$}",
            grouped(u.count),
            bar(u.count, most),
            u.code,
            u.api_service,
        );
        let _ = if wide {
            writeln!(out, "  {tint}{}{tint:#}{DIM}{inferred}{DIM:#}", u.category)
        } else {
            writeln!(out)
        };
    }
    out.push('\n');
}

fn categories(report: &Report, out: &mut String) {
    let mut sums: Vec<(u64, Category)> = Category::CATALOG
        .into_iter()
        .map(|c| (report.hits.iter().filter(|h| h.category == c).map(|h| h.count).sum(), c))
        .filter(|&(n, _)| n > 0)
        .collect();
    sums.sort_by_key(|&(n, c)| (std::cmp::Reverse(n), c));
    if sums.len() < 2 {
        return;
    }
    let most = sums[0].0;
    let counts = width(sums.iter().map(|(n, _)| grouped(*n).len()), "HITS");
    let _ = writeln!(out, "{HEAD}{:>counts$}  {:BAR$}  BY CATEGORY{HEAD:#}", "HITS", "");
    for (n, category) in sums {
        let tint = colour(category);
        let _ = writeln!(out, "{:>counts$}  {tint}{:BAR$}  {category}{tint:#}", grouped(n), bar(n, most));
    }
    out.push('\n');
}

fn totals(report: &Report, look: Look, out: &mut String) {
    let known: u64 = report.hits.iter().map(|h| h.count).sum();
    let unknown: u64 = report.unknown.iter().map(|u| u.count).sum();
    let share =
        if report.records == 0 { 0.0 } else { report.matched_records as f64 * 100.0 / report.records as f64 };
    let (records, rest) = number_and_word(report.records, "record");
    let _ = writeln!(
        out,
        "{HEAD}{records}{HEAD:#} {rest}, {HEAD}{}{HEAD:#} with a code ({share:.1} %): {} of known codes, {} of unknown ones",
        grouped(report.matched_records),
        counted(known, "hit"),
        grouped(unknown),
    );
    let mut odd = Vec::new();
    if report.malformed_json_records > 0 {
        odd.push(format!("{} malformed JSON", grouped(report.malformed_json_records)));
    }
    if report.oversized_records > 0 {
        odd.push(format!("{} oversized", grouped(report.oversized_records)));
    }
    if !odd.is_empty() {
        let _ = writeln!(out, "{} (codes in them are counted)", odd.join(", "));
    }
    let _ = match look.elapsed {
        Some(elapsed) => {
            let seconds = elapsed.as_secs_f64().max(1e-9);
            writeln!(
                out,
                "{DIM}{} in {}, {}/s{DIM:#}",
                bytes(report.bytes as f64),
                span(elapsed),
                bytes(report.bytes as f64 / seconds),
            )
        }
        None => writeln!(out, "{DIM}{}{DIM:#}", bytes(report.bytes as f64)),
    };
}

fn number_and_word(number: u64, what: &str) -> (String, String) {
    let text = counted(number, what);
    text.split_once(' ').map(|(number, word)| (number.to_owned(), word.to_owned())).unwrap_or_default()
}

fn width(lengths: impl Iterator<Item = usize>, heading: &str) -> usize {
    lengths.max().unwrap_or(0).max(heading.len())
}

/// A bar of eighths; anything above zero shows.
fn bar(count: u64, most: u64) -> String {
    let eighths = ((count as f64 / most.max(1) as f64) * (BAR * 8) as f64).round() as usize;
    let eighths = eighths.max(usize::from(count > 0));
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8 - 1]);
    }
    bar
}

/// Bytes in the unit that suits them.
pub fn bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1024.0 && unit < units.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0} B") } else { format!("{value:.1} {}", units[unit]) }
}

fn span(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}
