//! Section 6: whether a record says that it is JSON, and whether it keeps its word.

const MAX_DEPTH: usize = 1024;

/// The first byte after spaces and tabs is an opening brace, or an opening bracket with nothing, a
/// brace, a bracket or a quote behind it.
pub fn claims_to_be_json(record: &[u8]) -> bool {
    let solid: Vec<u8> =
        record.iter().copied().filter(|&byte| byte != b' ' && byte != b'\t').take(2).collect();
    match solid.first() {
        Some(b'{') => true,
        Some(b'[') => solid.get(1).is_none_or(|byte| b"{[\"".contains(byte)),
        _ => false,
    }
}

/// "Parses" is defined by the parser in use, hence asked of it, on a copy, because it writes into
/// its input. Depth is counted here and asked first, since the rule about it is the document's own.
pub fn parses(record: &[u8]) -> bool {
    if depth(record) > MAX_DEPTH {
        return false;
    }
    simd_json::to_tape(&mut record.to_vec()).is_ok()
}

/// The deepest nesting of brackets outside strings.
fn depth(record: &[u8]) -> usize {
    let (mut open, mut deepest) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for &byte in record {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
