//! The closed set of reasons why a call failed.

use serde::Serialize;

/// Why a call failed. The names are label values: dashboards depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A limit on how much the caller may own is reached.
    Quota,
    /// Too many requests or too much traffic.
    Throttling,
    /// The provider has run out.
    Capacity,
    /// The caller is not who it must be: token missing, expired, mismatched.
    Authentication,
    /// The caller is known and may not do this.
    Permission,
    /// Balance, arrears, frozen account.
    Billing,
    /// The request itself is wrong.
    InvalidRequest,
    /// The thing named does not exist.
    NotFound,
    /// Already exists, duplicate, locked, out-of-date version.
    Conflict,
    /// The resource's present state forbids it.
    State,
    /// A service behind the API failed.
    Dependency,
    /// Something took too long.
    Timeout,
    /// The service failed inside.
    Internal,
    /// Of a code that no catalog has and whose grammar holds no status.
    Unknown,
}

impl Category {
    /// Those that a catalog row may have.
    pub const CATALOG: [Category; 13] = [
        Category::Quota,
        Category::Throttling,
        Category::Capacity,
        Category::Authentication,
        Category::Permission,
        Category::Billing,
        Category::InvalidRequest,
        Category::NotFound,
        Category::Conflict,
        Category::State,
        Category::Dependency,
        Category::Timeout,
        Category::Internal,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Quota => "quota",
            Category::Throttling => "throttling",
            Category::Capacity => "capacity",
            Category::Authentication => "authentication",
            Category::Permission => "permission",
            Category::Billing => "billing",
            Category::InvalidRequest => "invalid_request",
            Category::NotFound => "not_found",
            Category::Conflict => "conflict",
            Category::State => "state",
            Category::Dependency => "dependency",
            Category::Timeout => "timeout",
            Category::Internal => "internal",
            Category::Unknown => "unknown",
        }
    }

    /// Why the call failed, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Category::Quota => "the caller owns as much as a quota or limit allows",
            Category::Throttling => "there were too many requests, or too much traffic",
            Category::Capacity => {
                "the provider has run out: sold out, no resources, no free IP in the subnet"
            }
            Category::Authentication => {
                "the service does not know who calls: the token is missing, expired, or made for another project"
            }
            Category::Permission => {
                "the service knows the caller, but does not permit the call; or the caller has yet to authorize, enroll or verify something"
            }
            Category::Billing => "the account has no balance, is in arrears, suspended or frozen",
            Category::InvalidRequest => {
                "the request is wrong, and would be wrong tomorrow: syntax, a missing field, a value out of range, \
                 values that contradict each other"
            }
            Category::NotFound => "the named thing does not exist, or not where the request looks for it",
            Category::Conflict => {
                "it exists already, is a duplicate, overlaps another, is locked, or has a newer version"
            }
            Category::State => "the resource's present state forbids it: busy, stopped, frozen, in use",
            Category::Dependency => "a service behind the API failed",
            Category::Timeout => "something took too long",
            Category::Internal => "the service itself failed",
            Category::Unknown => {
                "no catalog has the code, and neither the code nor the record states the HTTP status of an error"
            }
        }
    }

    /// What to do about a row that says nothing of its own: for the categories where it is nearly
    /// always the same.
    pub fn usual_action(self) -> Option<&'static str> {
        match self {
            Category::InvalidRequest => Some("Correct the request: the message names what is wrong"),
            Category::NotFound => Some("Check the ID, project and region; the thing may be deleted"),
            Category::Conflict => Some("Look for what is there already, then rename, reuse or wait"),
            Category::State => Some("Check the resource's status; wait or repair it, then send it again"),
            _ => None,
        }
    }

    /// The catalog category with this name.
    pub fn parse(name: &str) -> Option<Category> {
        Category::CATALOG.into_iter().find(|c| c.as_str() == name)
    }

    /// What a status alone says about an unknown code; `None` for a status
    /// that is no error.
    pub fn infer(status: u16) -> Option<Category> {
        match status {
            401 => Some(Category::Authentication),
            403 => Some(Category::Permission),
            404 => Some(Category::NotFound),
            409 => Some(Category::Conflict),
            429 => Some(Category::Throttling),
            400..=499 => Some(Category::InvalidRequest),
            500..=599 => Some(Category::Internal),
            _ => None,
        }
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
