//! Which hits become events, and what is in them.

use crate::catalog::Category;

/// Which hits become events, and what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPlan {
    /// The longest part of the record that an event carries; none for no part.
    pub record_bytes: Option<usize>,
    /// Which hits.
    pub only: EventFilter,
    /// The names of the labels that an event carries.
    pub labels: Vec<String>,
}

/// Which hits become events; an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Those of these categories.
    pub category: Vec<Category>,
    /// Those of these services.
    pub api_service: Vec<String>,
    /// Those with these codes.
    pub code: Vec<String>,
    /// Those in records of these levels; `none` is a record without one.
    pub level: Vec<String>,
}

impl EventFilter {
    /// Whether hits of `code`, of `service` and `category`, may become events.
    pub(super) fn selects(&self, code: &str, service: &str, category: Category) -> bool {
        (self.category.is_empty() || self.category.contains(&category))
            && (self.api_service.is_empty()
                || self.api_service.iter().any(|s| s.eq_ignore_ascii_case(service)))
            && (self.code.is_empty() || self.code.iter().any(|c| c.eq_ignore_ascii_case(code)))
    }
}
