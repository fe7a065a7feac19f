//! Inputs for fuzz targets: any bytes as text that log lines are made of.
//!
//! A fuzzer that knows nothing of codes would take years to write one. So each byte from 0x80 on
//! stands for a fragment of a log line, and all others for themselves; bytes that are no ASCII come
//! as fragments, too. A fuzzer that goes by coverage puts fragments together as it puts bytes together.

/// What bytes from 0x80 on stand for, in turn.
const FRAGMENTS: &[&[u8]] = &[
    b"\"error_code\":\"",
    b"\"errorCode\": \"",
    b"error_code=",
    b"\\\"error_code\\\":\\\"",
    b"Error code: ",
    b"<Code>",
    b"</Code>",
    b"code: ",
    b"\"code\":200",
    b"ECS.0114",
    b"Ecs.0319",
    b"CCE.01400007",
    b"CCI.01.400101",
    b"CS.13001",
    b"DRS.M05006",
    b"SFS.TURBO.0001",
    b"SVCSTG_AMS_4000001",
    b"APIG.0308",
    b"VPC.0202",
    b"Common.0011",
    b"111401001",
    b"ABC.1234",
    b"X.0000",
    b"0000",
    b"1400",
    b"\"status\":404",
    b"\"error_msg\":\"",
    b"status_code=429",
    b" 503 ",
    b"HTTP/1.1 400",
    b"ecs.region.example.com",
    b"https://",
    b"level=error ",
    b"\"level\":\"warn\"",
    b"ERROR ",
    b"2026-11-02T03:04:05Z ",
    b"stdout F ",
    b"stderr P ",
    b"{\"log\":\"",
    b"\\n\",\"stream\":\"stderr\"}",
    b"\n    at ",
    b"\nCaused by: ",
    b"Traceback (most recent call last):\n",
    b"\x1b[31m",
    b"\x1b[0m",
    b"\x1b]8;;",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b"{\"",
    b"\"}",
    b"\":",
    b"\\\"",
    b"\\\\",
    b"\\u0041",
    b"\\u005f",
    b"%22",
    b"&quot;",
    b"&#34;",
    b"\\_",
    b"\xc3\xa9",
    b"\xe9\x94\x99\xe8\xaf\xaf\xe7\xa0\x81\xef\xbc\x9a",
    b"\xff",
    b"\x00",
    b"                ",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    b"request_id=",
    b"traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
];

/// The text that `bytes` stand for.
pub fn text(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(4 * bytes.len());
    for &byte in bytes {
        match byte.checked_sub(0x80) {
            None => text.push(byte),
            Some(number) => text.extend_from_slice(FRAGMENTS[number as usize % FRAGMENTS.len()]),
        }
    }
    text
}

/// A text, and places in it in ascending order: the first byte says how many, a byte each where.
pub fn text_and_cuts(bytes: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let count = bytes.first().map_or(0, |&first| usize::from(first % 8)).min(bytes.len().saturating_sub(1));
    let text = text(bytes.get(1 + count..).unwrap_or_default());
    let place = |&byte: &u8| usize::from(byte) * (text.len() + 1) / 256;
    let mut cuts: Vec<usize> = bytes.iter().skip(1).take(count).map(place).collect();
    cuts.sort_unstable();
    (text, cuts)
}

/// `text` in the reads that `cuts` make of it.
pub fn reads<'t>(text: &'t [u8], cuts: &[usize]) -> Vec<&'t [u8]> {
    let ends = cuts.iter().copied().chain([text.len()]);
    let mut start = 0;
    ends.map(|end| &text[std::mem::replace(&mut start, end)..end]).collect()
}
