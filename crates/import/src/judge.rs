//! Why a call failed, proposed by rules over status, message and description.
//!
//! Each rule is a phrase with a weight for one category (`rules`); what the
//! message says counts more than what the description says, and the status is one
//! voice among them. The lead of the first category over the second becomes a
//! confidence, so that a person can begin with the doubtful rows.

mod phrase;
mod rules;
mod voices;

use self::phrase::Words;
use self::rules::{CATEGORIES, DEPENDENCY, RULES};
use self::voices::CHINESE;

/// What rules propose for a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The category by its name.
    pub category: &'static str,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// How sure the rules are, 0 to 1.
    pub confidence: f64,
    /// What decided: the phrases, and the status.
    pub because: Vec<String>,
}

/// From this confidence on, a draft needs no second look at its category.
pub const SURE: f64 = 0.7;

/// What a description counts, where the message has its say, too.
const DESCRIPTION: f64 = 0.6;

/// Proposes a category. `None` where the row says that the call succeeded.
pub fn judge(statuses: &[u16], message: &str, description: &str) -> Option<Draft> {
    if is_success(statuses, message, description) {
        return None;
    }
    let mut scores = [0.0; CATEGORIES.len()];
    let mut because: Vec<(f64, usize, String)> = Vec::new();
    let same = message.eq_ignore_ascii_case(description);
    let texts = [
        (message, 1.0),
        (if same { "" } else { description }, if message.is_empty() { 1.0 } else { DESCRIPTION }),
    ];
    let mut retry = 0.0;
    for (text, weight) in texts {
        if text.is_empty() {
            continue;
        }
        let words = Words::of(text);
        for rule in RULES.iter() {
            if words.has(rule.phrase) {
                let score = rule.weight * weight;
                scores[rule.category] += score;
                because.push((score, rule.category, rule.phrase.to_owned()));
            }
        }
        for (phrases, category, own) in CHINESE {
            if let Some(phrase) = phrases.iter().find(|p| text.contains(**p)) {
                scores[*category] += own * weight;
                because.push((own * weight, *category, (*phrase).to_owned()));
            }
        }
        if voices::has_cut_reason(&words, text) {
            scores[DEPENDENCY] += 2.0 * weight;
            because.push((2.0 * weight, DEPENDENCY, "a reason that is cut off".to_owned()));
        }
        retry += weight * voices::retry(&words, text);
    }
    for (category, score) in voices::by_status(statuses) {
        scores[category] += score;
        let said = statuses.first().map_or("no status".to_owned(), |s| format!("status {s}"));
        because.push((score, category, said));
    }
    let (first, best) = highest(&scores, None);
    let (_, next) = highest(&scores, Some(first));
    because.retain(|(score, category, _)| *category == first && *score > 0.0);
    because.sort_by(|a, b| b.0.total_cmp(&a.0));
    let confidence = (best.max(0.1) / (best.max(0.1) + next.max(0.0) + 0.6)).clamp(0.0, 0.99);
    Some(Draft {
        category: CATEGORIES[first],
        retryable: voices::retryable(CATEGORIES[first], retry),
        confidence,
        because: because.into_iter().take(3).map(|(_, _, phrase)| example(&phrase)).collect(),
    })
}

/// A phrase with the first word of each choice: it is to be read.
fn example(phrase: &str) -> String {
    let words: Vec<&str> = phrase.split(' ').map(|w| w.split('|').next().unwrap_or(w)).collect();
    words.join(" ").replace(" .. ", " … ")
}

fn highest(scores: &[f64], without: Option<usize>) -> (usize, f64) {
    let all = scores.iter().copied().enumerate().filter(|(i, _)| Some(*i) != without);
    all.fold((0, f64::MIN), |best, next| if next.1 > best.1 { next } else { best })
}

/// Whether a row says that nothing failed.
fn is_success(statuses: &[u16], message: &str, description: &str) -> bool {
    if statuses.iter().any(|s| *s >= 300) {
        return false;
    }
    let says = |text: &str| {
        let words = Words::of(text);
        let yes = [
            "success",
            "successful",
            "successfully",
            "succeeded",
            "ok",
            "no error",
            "request accepted",
            "properly executed|processed",
        ];
        let no = ["fail*", "error*", "not", "invalid", "cannot", "unsuccessful*", "exceed*", "already"];
        let other = ["成功"].iter().any(|p| text.contains(p))
            && !["失败", "未", "不"].iter().any(|p| text.contains(p));
        (yes.iter().any(|p| words.has(p)) && (words.has("no error") || !no.iter().any(|p| words.has(p))))
            || other
    };
    let texts = [message, description];
    let said = texts.iter().filter(|t| !t.is_empty());
    // A status of success, and nothing that sounds like a failure.
    let plain = |text: &str| {
        let words = Words::of(text);
        let bad = [
            "fail*|error*|not|no|cannot|unable|invalid|illegal|incorrect|wrong|exception|denied|forbidden",
            "exceed*|exceeded|already|exists|exist|insufficient|missing|unavailable|timeout|limit*|conflict*|abnormal",
        ];
        text.is_ascii() && !bad.iter().any(|p| words.has(p))
    };
    let fine = !statuses.is_empty() && statuses.iter().all(|s| (200..300).contains(s));
    if fine && said.clone().count() > 0 && said.clone().all(|t| plain(t)) {
        return true;
    }
    said.clone().count() > 0 && said.clone().all(|t| says(t) || t.len() < 12) && said.clone().any(|t| says(t))
}

/// What an operator can do about a category for which a row must say it, where
/// nobody has written anything better. `None` where the category's own is enough.
pub fn action(category: &str) -> Option<&'static str> {
    Some(match category {
        "quota" => "Raise the quota or release what is no longer used",
        "throttling" => "Slow the caller down and retry with growing pauses",
        "capacity" => "Try another size, zone or time; the provider has none left",
        "authentication" => "Renew token or key and check that it belongs to this project",
        "permission" => "Grant the caller's user or agency the right for this operation",
        "billing" => "Settle the account; until then nothing of it will be served",
        "dependency" => "Check the health of the service behind this API, then retry",
        "internal" => "Retry; if it stays, escalate with the request ID and the time",
        "timeout" => "Retry with a longer limit, and look for load on the way",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_rows() {
        for (statuses, message, category) in [
            (&[400][..], "Insufficient volume quota.", "quota"),
            (&[500], "Failed to query the quota.", "dependency"),
            (&[429], "Too many requests.", "throttling"),
            (&[404], "The order does not exist.", "not_found"),
            (&[400], "The name already exists.", "conflict"),
            (&[400], "Invalid parameter size.", "invalid_request"),
            (&[401], "Token expired.", "authentication"),
            (&[403], "No permission.", "permission"),
            (&[400], "The account is in arrears.", "billing"),
            (&[400], "The instance is being deleted.", "state"),
            (&[500], "Internal server error.", "internal"),
            (&[504], "Request timed out.", "timeout"),
            (&[400], "The flavor is sold out.", "capacity"),
            (&[404], "云服务器不存在。", "not_found"),
            (&[], "", "invalid_request"),
        ] {
            let draft = judge(statuses, message, "").expect("an error");
            if !message.is_empty() {
                assert_eq!(draft.category, category, "{message}: {draft:?}");
            }
            assert!((0.0..1.0).contains(&draft.confidence));
        }
    }

    #[test]
    fn successes_are_none() {
        assert!(judge(&[204], "Successful", "").is_none());
        assert!(judge(&[], "", "The operation succeeded.").is_none());
        assert!(judge(&[202], "The traffic has exceeded the limit.", "").is_some());
        assert!(judge(&[200], "Labels exported.", "").is_none());
        assert!(judge(&[200], "The endpoint already exists.", "").is_some());
        assert!(judge(&[200], "Not successful.", "").is_some());
        assert!(judge(&[400], "Success", "").is_some());
    }

    #[test]
    fn actions_fit_into_a_catalog() {
        for category in CATEGORIES {
            assert!(action(category).is_none_or(|a| a.len() <= 80), "{category}");
        }
    }
}
