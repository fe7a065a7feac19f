//! A web configuration may hold anything: it protects as it says, or what is wrong with it is told with its remedy.

use std::fs;
use std::path::PathBuf;

use errtally::server::Web;

/// What bytes from 0x80 on stand for: what such files are made of.
const FRAGMENTS: &[&str] = &[
    "\n",
    ": ",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    ", ",
    "# ",
    "tls_server_config:\n",
    "  cert_file: ",
    "  key_file: ",
    "  client_auth_type: ",
    "RequireAndVerifyClientCert",
    "NoClientCert",
    "  client_ca_file: ",
    "  client_allowed_sans: ",
    "  min_version: ",
    "TLS12",
    "TLS13",
    "TLS10",
    "  cipher_suites: ",
    "basic_auth_users:\n",
    "  a: ",
    "$2y$05$abcdefghijklmnopqrstuuJ0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0",
    "$2y$31$",
    "$2b$",
    "http_server_config:\n",
    "  http2: ",
    "  headers:\n",
    "    X-Frame-Options: ",
    "deny",
    "rate_limit:\n",
    "  interval: ",
    "1s",
    "200years",
    "  burst: ",
    "0",
    "4294967295",
    "99999999999999999999",
    "-1",
    "/dev/null",
    "/nowhere",
    "true",
    "null",
    "&a ",
    "*a",
    "!x ",
    "---\n",
    "\t",
    "é",
];

#[test]
fn web() {
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-web-{}.yaml", std::process::id()));
    let told = path.display().to_string();
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut text = String::new();
        for &byte in bytes {
            match byte.checked_sub(0x80) {
                None => text.push(char::from(byte)),
                Some(number) => text.push_str(FRAGMENTS[number as usize % FRAGMENTS.len()]),
            }
        }
        fs::write(&path, &text).expect("the file is written");
        match Web::open(Some(&path)) {
            // No certificate and key of those fragments is one, so nothing can have been switched to TLS.
            Ok(web) => assert!(!web.is_tls(), "{text}"),
            Err(problems) => {
                for line in problems.lines() {
                    assert!(line.starts_with(&told) || line.starts_with("and "), "no file: {line}");
                    assert!(line.contains("; ") || line.starts_with("and "), "no remedy: {line}");
                }
            }
        }
    });
    let _ = fs::remove_file(&path);
}
