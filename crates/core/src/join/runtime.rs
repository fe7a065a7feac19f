//! A line as a container runtime has written it: CRI's form and Docker's; the
//! journal's entries.

pub mod journal;

use std::ops::Range;

use super::line::{HEAD_BYTES, Line};

/// Which of a container's streams a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a line is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `2026-04-02T01:00:00.5Z stdout F text`.
    Cri,
    /// `{"log":"text\n","stream":"stdout","time":"…"}`.
    Docker,
}

/// A wrapped line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// How.
    pub form: Form,
    /// Of which stream.
    pub stream: Stream,
    /// What was written, as it stands in the line; of Docker's with its `\n`.
    pub content: Range<usize>,
    /// The runtime has cut it: the next line of the stream goes on with it.
    pub partial: bool,
}

/// What every line of Docker's begins with.
pub const DOCKER_HEAD: &[u8] = b"{\"log\":\"";

/// Longest time of a CRI line.
const MAX_TIME_BYTES: usize = 48;

/// Whether a line begins as wrapped ones do: what an input is known by.
pub fn begins(line: &[u8]) -> bool {
    line.starts_with(DOCKER_HEAD) || cri(line).is_some() || journal::begins(line)
}

/// How `line`, without its newline, is wrapped.
pub fn read(line: &[u8]) -> Option<Wrapped> {
    if line.first() == Some(&b'{') { docker(line) } else { cri(line) }
}

fn cri(line: &[u8]) -> Option<Wrapped> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let head = &line[..line.len().min(MAX_TIME_BYTES)];
    let time = head.iter().position(|&b| b == b' ')?;
    if !head[..time].contains(&b'T') {
        return None;
    }
    let rest = &line[time + 1..];
    let stream = match rest.get(..7)? {
        b"stdout " => Stream::Out,
        b"stderr " => Stream::Err,
        _ => return None,
    };
    let tags = time + 8;
    let partial = match line.get(tags)? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    let start = match line.get(tags + 1) {
        None => tags + 1,
        Some(b' ') => tags + 2,
        // Further tags.
        Some(b':') => tags + 2 + line[tags + 1..].iter().take(64).position(|&b| b == b' ')?,
        Some(_) => return None,
    };
    Some(Wrapped { form: Form::Cri, stream, content: start..line.len(), partial })
}

fn docker(line: &[u8]) -> Option<Wrapped> {
    let start = DOCKER_HEAD.len();
    let text = line.strip_prefix(DOCKER_HEAD)?;
    let end = start + text_end(text)?;
    let rest = line[end..].strip_prefix(b"\",\"stream\":\"std")?;
    let stream = match rest.get(..4)? {
        b"out\"" => Stream::Out,
        b"err\"" => Stream::Err,
        _ => return None,
    };
    let content = &line[start..end];
    let partial = !ends_in_newline(content);
    Some(Wrapped { form: Form::Docker, stream, content: start..end, partial })
}

/// Where a text of JSON ends that begins before `text`.
fn text_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some(at);
        }
        at = (at + 2).min(text.len());
    }
}

/// Whether a text of JSON ends with a newline: `\n` behind an even number of
/// backslashes.
fn ends_in_newline(content: &[u8]) -> bool {
    let Some(before) = content.strip_suffix(b"\\n") else { return false };
    before.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 0
}

/// What was written, as a line to be judged; `head` takes its first bytes.
pub fn judged<'h>(form: Form, content: &[u8], head: &'h mut Vec<u8>) -> Line<'h> {
    head.clear();
    match form {
        Form::Cri => {
            let line = Line::new(content);
            let last = line.last();
            head.extend_from_slice(&content[..content.len().min(HEAD_BYTES)]);
            Line::of(head, last)
        }
        Form::Docker => {
            let content = if ends_in_newline(content) { &content[..content.len() - 2] } else { content };
            unescape(content, head);
            Line::of(head, last_of(content))
        }
    }
}

/// The first bytes of a text of JSON; escapes other than the common ones become `?`.
fn unescape(content: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while out.len() < HEAD_BYTES
        && let Some(&byte) = content.get(at)
    {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let escape = content.get(at).copied().unwrap_or(b'\\');
        at += 1;
        out.push(match escape {
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            b'"' | b'\\' | b'/' => escape,
            b'u' => {
                let digits = content.get(at..at + 4).and_then(|d| std::str::from_utf8(d).ok());
                at += 4;
                let code = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                code.filter(u8::is_ascii).unwrap_or(b'?')
            }
            _ => b'?',
        });
    }
}

/// The last byte of a text of JSON that is not blank, or 0.
fn last_of(content: &[u8]) -> u8 {
    let mut rest = content;
    loop {
        rest = match rest {
            [head @ .., b' '] => head,
            [head @ .., b'\\', b't' | b'r'] if ends_escape(head) => head,
            // Docker writes `<`, `>` and `&` so.
            [head @ .., b'\\', b'u', b'0', b'0', b'3', b'c'] if ends_escape(head) => return b'<',
            [.., last] => return *last,
            [] => return 0,
        };
    }
}

/// Whether a backslash behind `head` begins an escape.
fn ends_escape(head: &[u8]) -> bool {
    head.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 0
}
