//! Records of an input: the rules of `docs/joining.md`, read from its first line to its last, with
//! everything at hand.

use regex_lite::Regex;

/// A record: where its first line starts, its text, and whether it is one line that is too long.
#[derive(Clone, Debug)]
pub struct Record {
    pub start: usize,
    pub text: Vec<u8>,
}

/// What a record has come to, as the rules name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    OneLine,
    Indented,
    Trace,
    Traceback,
    TracebackEnd,
    Chained,
    Empty,
    Box,
}

#[derive(Clone, Debug)]
struct State {
    behind: Behind,
    /// The last line, the first.
    last: String,
    first: String,
    /// The last line begins a panic of Go, or tells its signal.
    panicked: bool,
}

/// Each byte a character, so that patterns see bytes.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

fn is(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})")).expect("a pattern of the reference").is_match(text)
}

/// A line as the rules see it: 256 bytes, no colours before them, then its last byte.
fn seen(line: &[u8]) -> String {
    let mut head = latin(&line[..line.len().min(256)]);
    let colour = Regex::new("^\x1b\\[[0-9;]*m").unwrap();
    while let Some(found) = colour.find(&head) {
        head = head[found.end()..].to_owned();
    }
    let last = line.iter().rev().find(|b| !b" \t\r".contains(b)).map(|&b| char::from(b).to_string());
    // The last byte stands behind a mark that no line holds.
    format!("{head}\u{2028}{}", last.unwrap_or_default())
}

fn head(line: &str) -> &str {
    line.split_once('\u{2028}').unwrap().0
}

fn last(line: &str) -> &str {
    line.split_once('\u{2028}').unwrap().1
}

fn empty(line: &str) -> bool {
    last(line).is_empty()
}

fn indented(line: &str) -> bool {
    is("[ \t]", head(line)) && !empty(line)
}

const TIME: &str = "[ \t]*[\\[(<]?(?:\\d{4}[-/.]\\d|\\d\\d[:/]\\d|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9 ]|[IWEF]\\d{4} )";

fn timed(line: &str) -> bool {
    let text = head(line);
    let number = Regex::new("^[ \t]*[\\[(<]?(\\d+)").unwrap();
    let long = number.captures(text).is_some_and(|c| [10, 13, 16, 19].contains(&c[1].len()));
    long || is(TIME, text)
}

const LEVEL: &str =
    "[\\[(<]?(?i:trace|debug|info|notice|warning|warn|error|fail|fatal|critical|crit|severe|panic|trce|dbug)";

fn levelled(line: &str) -> bool {
    is(&format!("{LEVEL}(?:[^A-Za-z]|$)"), head(line))
}

fn exception(line: &str) -> bool {
    let text = head(line);
    let shouted = levelled(line) && {
        let word: String =
            text.trim_start_matches(['[', '(', '<']).chars().take_while(char::is_ascii_alphabetic).collect();
        word.chars().all(|c| c.is_ascii_uppercase())
    };
    let text = text.strip_prefix("Uncaught ").unwrap_or(text);
    let name = Regex::new("^[A-Za-z_][A-Za-z0-9_.$\\\\]*").unwrap();
    let Some(name) = name.find(text).map(|found| found.as_str()) else { return false };
    let rest = &text[name.len()..];
    !shouted && (rest.starts_with(':') || rest.starts_with(" [") || name.len() < 256 && is("[ \t\r]*$", rest))
}

fn at_line(line: &str) -> bool {
    is("[ \t]+(?:at |---> )", head(line))
}

fn go_frame(line: &str) -> bool {
    is("\t(?s:.)*\\.go:", head(line))
}

fn goroutine(line: &str) -> bool {
    is("goroutine \\d+ \\[", head(line)) && last(line) == ":"
}

const CHAINED: &str = "During handling of the above exception|The above exception was the direct cause";
const TRACEBACK: &str = "Traceback \\(most recent call last\\):";
const PANIC: &str = "panic: |fatal error: ";

fn begin(line: &str, next: Option<&String>, after: Option<&String>) -> Option<State> {
    if empty(line) || head(line).starts_with('{') && last(line) == "}" {
        return None;
    }
    let text = head(line);
    let behind = if is("\u{e2}\u{95}\u{b7}|\u{e2}\u{94}\u{82}", text) {
        Behind::Box
    } else if is("\u{e2}\u{95}\u{b5}", text) {
        return None;
    } else if is(TRACEBACK, text) && next.is_some_and(|n| indented(n)) {
        Behind::Traceback
    } else if goroutine(line) && after.is_some_and(|a| head(a).starts_with('\t') && !empty(a)) {
        Behind::Trace
    } else {
        Behind::OneLine
    };
    Some(State { behind, last: line.to_owned(), first: line.to_owned(), panicked: is(PANIC, text) })
}

/// Section 2: what the record has come to if `line` continues it; `Some(None)` where nothing else may.
fn continues(
    state: &State,
    line: &str,
    next: Option<&String>,
    after: Option<&String>,
) -> Option<Option<Behind>> {
    use Behind::{Box, Chained, Empty, Indented, OneLine, Trace, Traceback, TracebackEnd};
    let text = head(line);
    let behind = state.behind;
    let next_is = |question: &dyn Fn(&str) -> bool| next.is_some_and(|n| question(n));
    let after_tab = after.is_some_and(|a| head(a).starts_with('\t') && !empty(a));
    let panicked = state.panicked;

    let (side, bottom) = (is("\u{e2}\u{94}\u{82}", text), is("\u{e2}\u{95}\u{b5}", text));
    if behind == Box || side || bottom || is("\u{e2}\u{95}\u{b7}", text) {
        return match (behind == Box, side, bottom) {
            (true, true, _) => Some(Some(Box)),
            (true, _, true) => Some(None),
            _ => None,
        };
    }
    if empty(line) {
        let joins = next_is(&|n| is("Caused by:", head(n)))
            || next_is(&|n| is(CHAINED, head(n))) && [Traceback, TracebackEnd].contains(&behind)
            || next_is(&|n| is(TRACEBACK, head(n))) && behind == Chained
            || next_is(&goroutine) && (behind == Trace || panicked)
            || next_is(&|n| is("  with |  on ", head(n))) && is("Error: |Warning: ", head(&state.first))
            || next_is(&|n| indented(n) && !timed(n)) && [Indented, Trace, Traceback].contains(&behind);
        return joins.then_some(Some(Empty));
    }
    if indented(line) {
        if timed(line) {
            return None;
        }
        let frame = is(
            "[ \t]+(?:at |from |File \"|\\.\\.\\. \\d|Caused by: |Suppressed: |thrown in |---> |--- |\\d+: )",
            text,
        ) || go_frame(line);
        let opened = ["{", "[", "(", "<", ":"].contains(&last(&state.last));
        let stamped = timed(&state.first) || levelled(&state.first);
        if !(frame || text.starts_with('\t') || opened || behind != OneLine || stamped) {
            return None;
        }
        return Some(Some(if is("[ \t]+File \"", text) || behind == Traceback {
            Traceback
        } else if frame || behind == Trace {
            Trace
        } else {
            Indented
        }));
    }
    if timed(line) {
        return None;
    }
    let traced = [Indented, Trace].contains(&behind);
    if is("#0 ", text) || is("#\\d+ ", text) && behind == Trace {
        Some(Some(Trace))
    } else if is("\"\\}", text) && behind == Trace {
        Some(Some(OneLine))
    } else if is("[\\}\\])]", text) && (traced || behind == Traceback) {
        Some(Some(Indented))
    } else if is("Caused by:|Suppressed:", text) && (traced || behind == Empty) {
        Some(Some(Trace))
    } else if is(CHAINED, text) && [Traceback, TracebackEnd, Empty].contains(&behind) {
        Some(Some(Chained))
    } else if is(TRACEBACK, text)
        && ([Chained, Empty].contains(&behind)
            || next_is(&indented) && ![Traceback, TracebackEnd].contains(&behind))
    {
        Some(Some(Traceback))
    } else if exception(line) && behind == Traceback
        || behind == TracebackEnd && is("[A-Za-z][A-Za-z0-9 _-]{0,31}[:=][ \t]*[{\\[<]", text)
    {
        Some(Some(TracebackEnd))
    } else if goroutine(line) && after_tab || behind == Trace && next_is(&go_frame) {
        Some(Some(Trace))
    } else if is("\\[signal ", text) && panicked && next_is(&empty) {
        Some(Some(OneLine))
    } else if is("Stack trace:|\\[stacktrace\\]|[sS]tack backtrace:", text)
        && next_is(&|n| is("#0 ", head(n)) || indented(n))
    {
        Some(Some(Trace))
    } else if exception(line) && behind == OneLine && next_is(&at_line) {
        Some(Some(OneLine))
    } else {
        None
    }
}

/// A line of the input, or what the runtime cut into several.
#[derive(Clone, Debug)]
struct Line {
    /// Starts and ends of its pieces in the input, and their numbers.
    pieces: Vec<(usize, usize, usize)>,
    /// What was written, as it stands in each piece.
    contents: Vec<Vec<u8>>,
    wrapping: Option<(bool, String)>,
    cut: bool,
    run: usize,
    overlong: bool,
}

/// Section 3: stream, content and whether it is cut.
fn unwrapped(line: &[u8]) -> Option<(bool, String, usize, usize, bool)> {
    let text = latin(line);
    let cri = Regex::new("^\\d[^ ]{0,46} (stdout|stderr) ([PF])(?: |:[^ ]{0,62} |$)").unwrap();
    let docker =
        Regex::new("^\\{\"log\":\"((?:[^\"\\\\]|\\\\(?s:.))*)\",\"stream\":\"(stdout|stderr)\"").unwrap();
    if let Some(found) = cri.captures(&text) {
        // A pattern that sees bytes as characters: lengths are counted in characters.
        let start = found[0].chars().count();
        let time = text.split(' ').next().unwrap();
        return time.contains('T').then(|| (false, found[1].to_owned(), start, line.len(), &found[2] == "P"));
    }
    let found = docker.captures(&text)?;
    let start = "{\"log\":\"".len();
    let content = &found[1];
    let backslashes = content.strip_suffix('n').map_or(0, |c| c.len() - c.trim_end_matches('\\').len());
    Some((true, found[2].to_owned(), start, start + content.chars().count(), backslashes % 2 == 0))
}

/// What was written in a text of JSON, without the newline at its end.
fn unescaped(content: &[u8]) -> Vec<u8> {
    let text = latin(content);
    let ends = unwrapped(&[b"{\"log\":\"", content, b"\",\"stream\":\"stdout\""].concat())
        .is_some_and(|(.., cut)| !cut);
    let text = if ends { &text[..text.len() - 2] } else { &text[..] };
    let mut out = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c as u8);
            continue;
        }
        out.push(match rest.next() {
            Some('t') => b'\t',
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some(c @ ('"' | '\\' | '/')) => c as u8,
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                u8::from_str_radix(&digits, 16).ok().filter(u8::is_ascii).unwrap_or(b'?')
            }
            _ => b'?',
        });
    }
    out
}

/// The records of `input`, by their starts.
pub fn records(input: &[u8], limit: usize) -> Vec<Record> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in input.split_inclusive(|&b| b == b'\n') {
        let end = start + line.len() - usize::from(line.ends_with(b"\n"));
        spans.push((start, end));
        start += line.len();
    }
    let known = spans.iter().take(64).filter(|(start, _)| *start < 64 << 10).any(|&(start, end)| {
        let line = &input[start..end];
        let cri = is("\\d[^ ]{0,46} (?:stdout|stderr) [PF](?: |:[^ ]{0,62} |$)", &latin(line))
            && latin(line).split(' ').next().unwrap().contains('T');
        line.starts_with(b"{\"log\":\"") || cri || is_of_journal(line)
    });
    let mut lines: Vec<Line> = Vec::new();
    let mut run = 0;
    let mut before = None;
    for (number, &(start, end)) in spans.iter().enumerate() {
        let found = if known { unwrapped(&input[start..end]) } else { None };
        let overlong = end - start > limit;
        // Wrapped lines, others and overlong ones keep apart.
        let kind = (found.is_some() && !overlong, overlong);
        if before.is_some_and(|before| before != kind) || overlong {
            run += 1;
        }
        before = Some(kind);
        let (wrapping, content, cut) = match found.filter(|_| !overlong) {
            Some((form, stream, from, to, cut)) => {
                (Some((form, stream)), input[start + from..start + to].to_vec(), cut)
            }
            None => (None, input[start..end].to_vec(), false),
        };
        let open = wrapping.as_ref().and_then(|(_, stream)| {
            lines.iter().rposition(|l| l.wrapping.as_ref().is_some_and(|w| w.1 == *stream) && l.run == run)
        });
        if let Some(open) = open.map(|i| &mut lines[i])
            && open.cut
            && number - open.pieces.last().unwrap().2 <= 64
            && open.wrapping == wrapping
            && end - open.pieces[0].0 <= limit
        {
            open.pieces.push((start, end, number));
            open.contents.push(content);
            open.cut = cut;
            continue;
        }
        let (pieces, contents) = (vec![(start, end, number)], vec![content]);
        lines.push(Line { pieces, contents, wrapping, cut, run, overlong });
    }

    let mut records: Vec<(usize, Vec<Line>)> = Vec::new();
    for stream in [None, Some("stdout"), Some("stderr")] {
        let own: Vec<&Line> =
            lines.iter().filter(|l| l.wrapping.as_ref().map(|w| w.1.as_str()) == stream).collect();
        let views: Vec<String> = own
            .iter()
            .map(|l| {
                let written = l.contents.concat();
                seen(&if l.wrapping.as_ref().is_some_and(|w| w.0) { unescaped(&written) } else { written })
            })
            .collect();
        let near = |a: &Line, b: &Line| {
            a.run == b.run && !a.overlong && !b.overlong && b.pieces[0].2 - a.pieces.last().unwrap().2 <= 64
        };
        let view = |i: usize, j: usize| {
            let mut reached = i;
            while reached < j {
                if reached + 1 >= own.len() || !near(own[reached], own[reached + 1]) {
                    return None;
                }
                reached += 1;
            }
            Some(&views[j])
        };
        let mut state: Option<State> = None;
        for (i, line) in own.iter().enumerate() {
            let (next, after) = (view(i, i + 1), view(i, i + 2));
            let joined = match (&state, records.last()) {
                (Some(state), Some((first, _)))
                    if i > 0 && near(own[i - 1], line) && line.pieces.last().unwrap().1 - first <= limit =>
                {
                    continues(state, &views[i], next, after)
                }
                _ => None,
            };
            match (joined, &mut state) {
                (Some(behind), Some(now)) => {
                    records.last_mut().unwrap().1.push((*line).clone());
                    now.last.clone_from(&views[i]);
                    let text = head(&views[i]);
                    now.panicked = is(PANIC, text) || now.panicked && is("\\[signal ", text);
                    match behind {
                        Some(behind) => now.behind = behind,
                        None => state = None,
                    }
                }
                _ => {
                    records.push((line.pieces[0].0, vec![(*line).clone()]));
                    state = if line.overlong { None } else { begin(&views[i], next, after) };
                }
            }
        }
    }
    records.sort_by_key(|(start, _)| *start);
    records.into_iter().map(|(start, lines)| Record { start, text: text(input, &lines, known) }).collect()
}

/// Whether `journalctl --output=json` has written a line.
fn is_of_journal(line: &[u8]) -> bool {
    line.starts_with(b"{") && line.windows(24).any(|text| text == b"\"__REALTIME_TIMESTAMP\":\"")
}

/// A line with its message as text, where that is a list of bytes.
fn with_text(line: &[u8]) -> Vec<u8> {
    let parts = latin(line);
    let text = || {
        let (head, rest) = parts.split_once("\"MESSAGE\":[")?;
        let (list, tail) = rest.split_once(']')?;
        let bytes: Option<Vec<u8>> = list.split(',').map(|n| n.trim().parse().ok()).collect();
        let text = serde_json::to_string(&String::from_utf8_lossy(&bytes?)).ok()?;
        let (from, to) = (head.chars().count(), line.len() - tail.chars().count());
        let whole = [&line[..from], b"\"MESSAGE\":", text.as_bytes(), &line[to..]].concat();
        (whole.len() <= line.len()).then_some(whole)
    };
    text().unwrap_or_else(|| line.to_vec())
}

/// The text of a record.
fn text(input: &[u8], lines: &[Line], known: bool) -> Vec<u8> {
    let (start, end, _) = lines[0].pieces[0];
    let first = &input[start..end];
    if lines.len() == 1 && lines[0].pieces.len() == 1 {
        let decoded = known && !lines[0].overlong && lines[0].wrapping.is_none() && is_of_journal(first);
        return if decoded { with_text(first) } else { first.to_vec() };
    }
    let Some((docker, _)) = &lines[0].wrapping else {
        return input[start..lines.last().unwrap().pieces[0].1].to_vec();
    };
    let (.., from, to, _) = unwrapped(first).expect("a wrapped line");
    let contents: Vec<Vec<u8>> = lines.iter().map(|l| l.contents.concat()).collect();
    let between: &[u8] = if *docker { b"" } else { b"\n" };
    [&first[..from], &contents.join(between), &first[to..]].concat()
}
