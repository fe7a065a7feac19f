//! Every path of the server: the router serves these, and `docs/http.md` lists them.

/// The counts for Prometheus.
pub(super) const METRICS: &str = "/metrics";
/// Whether the process lives.
pub(super) const HEALTHZ: &str = "/healthz";
/// Whether records are read.
pub(super) const READYZ: &str = "/readyz";
/// The live page.
pub(super) const PAGE: &str = "/";
/// The catalog for people.
pub(super) const CATALOG: &str = "/catalog";
/// One code for people.
pub(super) const CODE: &str = "/catalog/{code}";
/// What the live page shows.
pub(super) const API_LIVE: &str = "/api/v1/live";
/// The counts with their codes.
pub(super) const API_CODES: &str = "/api/v1/codes";
/// The catalog.
pub(super) const API_CATALOG: &str = "/api/v1/catalog";

/// Each path, and what it shows; the page's own files under `/assets/` apart.
pub const ALL: &[(&str, &str)] = &[
    (METRICS, "the metrics"),
    (HEALTHZ, "200 while the process lives"),
    (READYZ, "200 while errtally reads records; otherwise 503 with the reason"),
    (PAGE, "the live page"),
    (CATALOG, "the catalog for people; `?q=TEXT&service=S&category=C` searches it"),
    (
        CODE,
        "one code, in any case: all meanings, and its count since the start; 404 with near codes if no catalog has it",
    ),
    (API_LIVE, "what the live page shows, as JSON: see [live.md](live.md)"),
    (API_CODES, "the counts with what the catalog knows about each code, as JSON"),
    (API_CATALOG, "the catalog, as JSON"),
];
