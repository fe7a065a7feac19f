//! Whether a line continues the record before it: the rules of
//! docs/joining.md, from line to line.

use super::Patterns;
use super::line::{BoxPart, Line};

/// What is known of the lines before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    kind: Kind,
    /// The last line opened a block.
    opens: bool,
    /// The first line begins with a time or a level.
    stamped: bool,
    /// The first line begins with `Error: ` or `Warning: `.
    error: bool,
    /// The last line began a panic of Go.
    panic: bool,
}

/// What the record has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One line.
    Plain,
    /// Indented lines.
    Indented,
    /// A stack trace.
    Frames,
    /// A stack trace of Python, before its last line.
    Trace,
    /// Behind that line.
    TraceEnd,
    /// Before the next of chained exceptions.
    Chain,
    /// An empty line within a record.
    Gap,
    /// A box.
    Box,
}

/// A line that may be needed to judge another.
#[derive(Clone, Copy, Debug)]
pub enum Next<'b> {
    /// It is here.
    Line(Line<'b>),
    /// There is none.
    End,
    /// It has not come yet.
    Unknown,
}

/// What is said of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It continues the record, by this rule; nothing more does where there is no `Open`.
    Join(Option<Open>, &'static str),
    /// It begins a record, which nothing continues where there is no `Open`.
    New(Option<Open>),
    /// More lines must come first.
    Undecided,
}

const CHAINED: [&str; 2] =
    ["During handling of the above exception", "The above exception was the direct cause"];

const TRACE_HEADS: [&str; 4] = ["Stack trace:", "[stacktrace]", "stack backtrace:", "Stack backtrace:"];

const TRACEBACK: &str = "Traceback (most recent call last):";

/// Asks a question of a line that may have to come first.
macro_rules! known {
    ($next:expr) => {
        match $next {
            Next::Unknown => return Step::Undecided,
            Next::End => None,
            Next::Line(line) => Some(line),
        }
    };
}

/// Judges `line`, which comes after `open` and before `next` and `after`.
pub fn step(
    patterns: &Patterns,
    open: Option<Open>,
    line: &Line<'_>,
    next: Next<'_>,
    after: Next<'_>,
) -> Step {
    if let Some(own) = patterns.judge(line.head()) {
        return match (own, open) {
            (true, Some(open)) => {
                let kind = if open.kind == Kind::Plain { Kind::Indented } else { open.kind };
                join(open, line, kind, "a pattern of the configuration")
            }
            _ => head(line, next, after),
        };
    }
    match open {
        Some(open) => continued(open, line, next, after),
        None => head(line, next, after),
    }
}

/// Whether some history makes `line` continue a record.
pub fn may_join(patterns: &Patterns, line: &Line<'_>, next: Next<'_>, after: Next<'_>) -> Step {
    use Kind::{Box, Chain, Frames, Gap, Indented, Plain, Trace, TraceEnd};
    let mut last = Step::New(None);
    for kind in [Plain, Indented, Frames, Trace, TraceEnd, Chain, Gap, Box] {
        let open = Open { kind, opens: true, stamped: true, error: true, panic: true };
        match step(patterns, Some(open), line, next, after) {
            Step::New(_) => {}
            Step::Undecided => last = Step::Undecided,
            joined @ Step::Join(..) => return joined,
        }
    }
    last
}

fn join(open: Open, line: &Line<'_>, kind: Kind, why: &'static str) -> Step {
    let panic =
        line.starts_with(&["panic: ", "fatal error: "]) || open.panic && line.starts_with(&["[signal "]);
    Step::Join(Some(Open { kind, opens: line.opens(), panic, ..open }), why)
}

/// Begins a record with `line`.
fn head(line: &Line<'_>, next: Next<'_>, after: Next<'_>) -> Step {
    if line.is_empty() || line.is_object() {
        return Step::New(None);
    }
    let kind = match line.box_part() {
        Some(BoxPart::Bottom) => return Step::New(None),
        Some(_) => Kind::Box,
        None if line.starts_with(&[TRACEBACK]) => match known!(next) {
            Some(next) if next.is_indented() => Kind::Trace,
            _ => Kind::Plain,
        },
        None if line.is_goroutine() => match known!(after) {
            Some(after) if after.is_tabbed() => Kind::Frames,
            _ => Kind::Plain,
        },
        None => Kind::Plain,
    };
    Step::New(Some(Open {
        kind,
        opens: line.opens(),
        stamped: line.is_timed() || line.is_levelled(),
        error: line.starts_with(&["Error: ", "Warning: "]),
        panic: line.starts_with(&["panic: ", "fatal error: "]),
    }))
}

fn continued(open: Open, line: &Line<'_>, next: Next<'_>, after: Next<'_>) -> Step {
    if open.kind == Kind::Box || line.box_part().is_some() {
        return boxed(open, line, next, after);
    }
    if line.is_empty() {
        return match known!(next) {
            Some(next) if gap(open, &next) => {
                join(open, line, Kind::Gap, "an empty line before one that continues the record")
            }
            _ => head(line, next, after),
        };
    }
    if line.is_indented() {
        return indented(open, line, next, after);
    }
    if line.is_timed() {
        return head(line, next, after);
    }
    unindented(open, line, next, after)
}

fn boxed(open: Open, line: &Line<'_>, next: Next<'_>, after: Next<'_>) -> Step {
    match line.box_part() {
        Some(BoxPart::Side) if open.kind == Kind::Box => join(open, line, Kind::Box, "the side of a box"),
        Some(BoxPart::Bottom) if open.kind == Kind::Box => Step::Join(None, "the bottom of a box"),
        _ => head(line, next, after),
    }
}

/// Whether an empty line before `next` belongs to the record.
fn gap(open: Open, next: &Line<'_>) -> bool {
    let special = matches!(open.kind, Kind::Indented | Kind::Frames | Kind::Trace);
    next.starts_with(&CHAINED) && matches!(open.kind, Kind::TraceEnd | Kind::Trace)
        || next.starts_with(&["Caused by:"])
        || next.starts_with(&[TRACEBACK]) && open.kind == Kind::Chain
        || next.is_goroutine() && (open.panic || open.kind == Kind::Frames)
        || special && next.is_indented() && !next.is_timed()
        || open.error && next.starts_with(&["  with ", "  on "])
}

fn indented(open: Open, line: &Line<'_>, next: Next<'_>, after: Next<'_>) -> Step {
    let why = if line.is_timed() {
        return head(line, next, after);
    } else if line.is_frame() || line.is_go_frame() {
        "a line of a stack trace"
    } else if line.is_tabbed() {
        "it begins with a tab"
    } else if open.opens {
        "indented in a block that the line before opens"
    } else if open.kind != Kind::Plain {
        "indented, as the lines before"
    } else if open.stamped {
        "indented behind a line with a time or level, and without a time"
    } else {
        return head(line, next, after);
    };
    let kind = if line.is_python_frame() || open.kind == Kind::Trace {
        Kind::Trace
    } else if line.is_frame() || line.is_go_frame() || open.kind == Kind::Frames {
        Kind::Frames
    } else {
        Kind::Indented
    };
    join(open, line, kind, why)
}

fn unindented(open: Open, line: &Line<'_>, next: Next<'_>, after: Next<'_>) -> Step {
    use Kind::{Chain, Frames, Gap, Indented, Plain, Trace, TraceEnd};
    let kind = open.kind;
    if let Some(zero) = line.numbered()
        && (zero || kind == Frames)
    {
        return join(open, line, Frames, "a numbered line of a stack trace");
    }
    if kind == Frames && line.starts_with(&["\"}"]) {
        return join(open, line, Plain, "the end of a text with a stack trace");
    }
    if line.closes() && matches!(kind, Indented | Frames | Trace) {
        return join(open, line, Indented, "it closes a block of the record");
    }
    if line.starts_with(&["Caused by:", "Suppressed:"]) && matches!(kind, Frames | Indented | Gap) {
        return join(open, line, Frames, "the cause of an exception");
    }
    if line.starts_with(&CHAINED) && matches!(kind, Gap | TraceEnd | Trace) {
        return join(open, line, Chain, "an exception that follows another");
    }
    if line.starts_with(&[TRACEBACK]) && !matches!(kind, Trace | TraceEnd) {
        let trace = matches!(kind, Gap | Chain) || known!(next).is_some_and(|next| next.is_indented());
        if trace {
            return join(open, line, Trace, "the start of a traceback");
        }
    }
    if kind == Trace && line.is_exception() {
        return join(open, line, TraceEnd, "the exception at the end of a traceback");
    }
    if kind == TraceEnd && line.is_labelled_body() {
        return join(open, line, TraceEnd, "a document behind an exception");
    }
    if line.is_goroutine() && known!(after).is_some_and(|after| after.is_tabbed()) {
        return join(open, line, Frames, "a goroutine of a panic");
    }
    if kind == Frames && known!(next).is_some_and(|next| next.is_go_frame()) {
        return join(open, line, Frames, "a function of a stack trace");
    }
    if open.panic && line.starts_with(&["[signal "]) && known!(next).is_some_and(|next| next.is_empty()) {
        return join(open, line, Plain, "the signal of a panic");
    }
    if line.starts_with(&TRACE_HEADS)
        && known!(next).is_some_and(|next| next.numbered() == Some(true) || next.is_indented())
    {
        return join(open, line, Frames, "the head of a stack trace");
    }
    if kind == Plain && line.is_exception() && known!(next).is_some_and(|next| next.is_at()) {
        return join(open, line, Plain, "an exception before its stack trace");
    }
    head(line, next, after)
}
