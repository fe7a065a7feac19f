//! The page for people at `/`: what was found so far, as plain HTML.

use std::fmt::Write;

use crate::report::Report;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.95em}\
@media(prefers-color-scheme:dark){body{background:#16181d;color:#dde}a{color:#8be}}";

/// The page; `state` is what `/readyz` says.
pub fn render(report: &Report, state: &str) -> String {
    let mut out = String::with_capacity(4096);
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>errtally</title><style>{STYLE}</style><h1>errtally</h1>\
         <p>{}. {} records, {} with a code, {} bytes.</p>\
         <p><a href=\"/metrics\">metrics</a> · <a href=\"/api/v1/codes\">codes</a> · \
         <a href=\"/api/v1/catalog\">catalog</a> · <a href=\"/healthz\">alive</a> · <a href=\"/readyz\">ready</a></p>",
        Escaped(state),
        report.records,
        report.matched_records,
        report.bytes,
    );
    if report.hits.is_empty() && report.unknown.is_empty() {
        out.push_str("<p>No code seen yet.</p>");
    }
    if !report.hits.is_empty() {
        out.push_str(
            "<h2>Known codes</h2><table><tr><th class=\"n\">records</th><th>code</th><th>service</th>\
             <th>status</th><th>category</th><th>message</th><th>what to do</th></tr>",
        );
        for hit in &report.hits {
            let _ = write!(
                out,
                "<tr><td class=\"n\">{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                hit.count,
                Escaped(&hit.code),
                Escaped(&hit.api_service),
                crate::catalog::status_label(hit.http_status),
                hit.category,
                Escaped(&hit.message),
                Escaped(&hit.action),
            );
        }
        out.push_str("</table>");
    }
    if !report.unknown.is_empty() {
        out.push_str(
            "<h2>Unknown codes</h2><table><tr><th class=\"n\">records</th><th>code</th><th>service</th><th>category</th></tr>",
        );
        for unknown in &report.unknown {
            let _ = write!(
                out,
                "<tr><td class=\"n\">{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                unknown.count,
                Escaped(&unknown.code),
                Escaped(&unknown.api_service),
                unknown.category,
            );
        }
        out.push_str("</table>");
    }
    out.push_str("</html>\n");
    out
}

/// Text with HTML's special characters escaped: codes and messages come from
/// logs and files.
struct Escaped<'t>(&'t str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
