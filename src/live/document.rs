//! The members of the document, as `/api/v1/live` gives them. Times are
//! seconds since 1970; "the last minute" is 60 to 65 seconds.

use serde::Serialize;

use errtally_core::catalog::Category;

/// The whole.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// Of errtally.
    pub version: &'static str,
    /// When this was so.
    pub time: f64,
    /// When the process started.
    pub started: f64,
    /// How long ago that is.
    pub uptime_seconds: f64,
    /// Whether records are read, as `/readyz`.
    pub ready: bool,
    /// What there is to say about that.
    pub state: String,
    /// The state in words.
    pub headline: Headline,
    /// What is read.
    pub records: Records,
    /// All codes together.
    pub hits: Hits,
    /// How long a bar of the lists `bars` is.
    pub bar_seconds: u64,
    /// Codes, most frequent in the last minute first, then in all.
    pub codes: Vec<Code>,
    /// Codes that were too many for the list.
    pub codes_left_out: usize,
    /// Codes that no catalog has.
    pub unknown_codes: usize,
    /// Services with hits, in the same order.
    pub services: Vec<Service>,
    /// Configured labels, where there are any.
    pub labels: Option<Labels>,
    /// Where events go, where they do.
    pub events: Option<Events>,
    /// The consumer, with Kafka as the source.
    pub kafka: Option<Kafka>,
    /// Configuration and catalog.
    pub reload: Reload,
}

/// The state in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Headline {
    /// `failing`, `healthy`, `quiet` or `blocked`.
    pub tone: &'static str,
    /// Some words.
    pub title: String,
    /// A sentence.
    pub detail: String,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Records {
    /// Records since the start.
    pub total: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records with a code.
    pub matched: u64,
    /// Records with a code that begin like JSON and do not parse.
    pub malformed_json: u64,
    /// Records longer than `max_record_bytes`.
    pub oversized: u64,
    /// Records of the last minute.
    pub last_minute: u64,
    /// Those of them with a code.
    pub matched_last_minute: u64,
    /// Records a second, over the last minute.
    pub per_second: f64,
    /// Bytes a second, over the last minute.
    pub bytes_per_second: f64,
}

/// All codes together.
#[derive(Clone, Debug, Serialize)]
pub struct Hits {
    /// Since the start.
    pub total: u64,
    /// In the last minute.
    pub last_minute: u64,
    /// Over the last fifteen minutes, the oldest first.
    pub bars: Vec<u64>,
}

/// A code.
#[derive(Clone, Debug, Serialize)]
pub struct Code {
    /// Tells it from the others.
    pub id: String,
    /// Whether a catalog has it.
    pub known: bool,
    /// As it is reported.
    pub code: String,
    /// Its service.
    pub api_service: String,
    /// Why the call failed.
    pub category: Category,
    /// The HTTP status, where known.
    pub http_status: Option<u16>,
    /// Whether the same request can succeed later, where known.
    pub retryable: Option<bool>,
    /// The API's message.
    pub message: String,
    /// What to do.
    pub action: String,
    /// Whether a reload took it out of the catalog; its counts stay.
    pub retired: bool,
    /// Records with it since the start.
    pub count: u64,
    /// Late records with it, which are not among them.
    pub late_count: u64,
    /// In the last minute; null where more than 2,000 codes are active.
    pub last_minute: Option<u64>,
    /// The same of fifteen minutes.
    pub last_15_minutes: Option<u64>,
    /// When it was first counted since the start; 0 for never.
    pub first_seen: f64,
    /// When it was last counted; 0 for never.
    pub last_seen: f64,
    /// Over the last fifteen minutes, the oldest first.
    pub bars: Vec<u64>,
}

/// A service.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// Its name.
    pub api_service: String,
    /// Its full name; empty without a catalog.
    pub full_name: String,
    /// Hits since the start.
    pub count: u64,
    /// In the last minute.
    pub last_minute: u64,
    /// In the last fifteen minutes.
    pub last_15_minutes: u64,
    /// Over the last fifteen minutes, the oldest first.
    pub bars: Vec<u64>,
    /// By category, in the same order.
    pub categories: Vec<CategoryCount>,
}

/// A category of one service.
#[derive(Clone, Debug, Serialize)]
pub struct CategoryCount {
    /// Which.
    pub category: Category,
    /// Hits since the start.
    pub count: u64,
    /// In the last minute.
    pub last_minute: u64,
}

/// Configured labels.
#[derive(Clone, Debug, Serialize)]
pub struct Labels {
    /// Combinations of their values.
    pub sets: usize,
    /// Hits whose value was replaced by `other`.
    pub overflows: u64,
    /// Labels with such hits.
    pub overflowing: Vec<String>,
}

/// Where events go.
#[derive(Clone, Debug, Serialize)]
pub struct Events {
    /// `stdout`, `file` or `kafka`.
    pub to: &'static str,
    /// Events that have arrived.
    pub delivered: u64,
    /// Events that were dropped.
    pub dropped: u64,
    /// Attempts to write that failed.
    pub write_failures: u64,
    /// What is waited for.
    pub waiting: Option<String>,
}

/// The consumer.
#[derive(Clone, Debug, Serialize)]
pub struct Kafka {
    /// Whether a broker is connected.
    pub connected: bool,
    /// Partitions that are owned.
    pub partitions: usize,
    /// Messages that are not yet counted, where known.
    pub lag: Option<u64>,
    /// The age of the last counted message of the partition that is most
    /// behind, where known.
    pub lag_seconds: Option<f64>,
    /// Assignments and revocations.
    pub rebalances: u64,
    /// Commits that succeeded.
    pub commits: u64,
    /// Commits that failed.
    pub commit_failures: u64,
    /// Errors of the client.
    pub errors: u64,
}

/// Configuration and catalog.
#[derive(Clone, Debug, Serialize)]
pub struct Reload {
    /// Whether the last load succeeded.
    pub successful: bool,
    /// When one last did.
    pub last_success: f64,
}

impl Code {
    /// Whether there is a page about it: of all but those that are not told apart.
    pub fn has_page(&self) -> bool {
        self.code != errtally_core::labels::OTHER
    }

    /// Of which nothing is known.
    pub fn blank() -> Code {
        Code {
            id: String::new(),
            known: true,
            code: String::new(),
            api_service: String::new(),
            category: Category::Unknown,
            http_status: None,
            retryable: None,
            message: String::new(),
            action: String::new(),
            retired: false,
            count: 0,
            late_count: 0,
            last_minute: None,
            last_15_minutes: None,
            first_seen: 0.0,
            last_seen: 0.0,
            bars: Vec::new(),
        }
    }
}

impl Service {
    /// Without hits.
    pub fn blank() -> Service {
        Service {
            api_service: String::new(),
            full_name: String::new(),
            count: 0,
            last_minute: 0,
            last_15_minutes: 0,
            bars: Vec::new(),
            categories: Vec::new(),
        }
    }
}
