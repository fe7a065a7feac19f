//! The web configuration as a file: every mistake in one run, with line and remedy, and no secret told.

use crate::certificates::Authority;
use crate::support::{Folder, root, run};

/// What `config check` says of a web configuration.
#[track_caller]
fn check(folder: &Folder, content: &str, status: i32) -> String {
    let file = folder.write("web.yml", content);
    let ended = run(["config", "check", "--web.config.file", &file]);
    if status == 0 {
        return ended.ok();
    }
    ended.failed(status)
}

fn folder() -> Folder {
    let folder = Folder::new();
    let authority = Authority::new("one");
    authority.server().write(&folder, "server");
    folder.write("ca.crt", &authority.pem);
    folder
}

const FILES: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

#[test]
fn good_ones() {
    let folder = folder();
    for content in [
        "# nothing\n",
        "{}\n",
        "tls_server_config:\n",
        "tls_server_config: {}\n",
        "basic_auth_users:\n",
        "basic_auth_users: {}\n",
        "http_server_config: {http2: false}\n",
        "rate_limit: {interval: 1m30s, burst: 10}\n",
        FILES,
        &format!("{FILES}  min_version: TLS12\n  max_version: TLS13\n  cipher_suites: []\n"),
        &format!("{FILES}  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"),
        &format!("{FILES}  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n"),
        // As htpasswd writes it.
        "basic_auth_users:\n  prom: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n",
    ] {
        assert!(check(&folder, content, 0).starts_with("ok: 1 of"), "{content}");
    }
}

#[test]
fn every_mistake_has_its_line_and_a_remedy() {
    let folder = folder();
    let costly = format!("$2b$25${}O{}", "N".repeat(21), "m".repeat(31));
    for (content, line, key, what, remedy) in [
        ("- a\n", 1, "", "expected a mapping", "key: value"),
        (
            "rate_limit: {interval: 200years, burst: 4294967295}\n",
            1,
            "rate_limit.interval",
            "too long",
            "24h or less",
        ),
        (
            "rate_limit:\n  interval: 1s\n  burst: 4294967295\n",
            3,
            "rate_limit.burst",
            "no count",
            "1 to 1000000",
        ),
        ("tls_server: {}\n", 1, "tls_server", "unknown key", "tls_server_config"),
        ("a: [\n", 2, "", "not valid YAML", "syntax"),
        (
            "tls_server_config: {min_version: TLS12}\n",
            1,
            "tls_server_config.cert_file",
            "missing",
            "add `cert_file",
        ),
        (
            "tls_server_config:\n  cert_file: server.crt\n",
            2,
            "tls_server_config.key_file",
            "missing",
            "key_file",
        ),
        (
            "tls_server_config:\n  cert_file: nowhere.crt\n  key_file: server.key\n",
            2,
            "tls_server_config.cert_file",
            "nowhere.crt: cannot read it: No such file",
            "path",
        ),
        (
            "tls_server_config:\n  cert_file: server.key\n  key_file: server.key\n",
            2,
            "tls_server_config.cert_file",
            "no certificate in it",
            "PEM",
        ),
        (
            "tls_server_config:\n  cert_file: server.crt\n  key_file: server.crt\n",
            3,
            "tls_server_config.key_file",
            "no private key in it",
            "PEM",
        ),
        (&format!("{FILES}  cert: x\n"), 4, "tls_server_config.cert", "cert_file as well", "one of them"),
        (
            &format!("{FILES}  min_version: TLS11\n"),
            4,
            "tls_server_config.min_version",
            "TLS11",
            "TLS12 or TLS13",
        ),
        (
            &format!("{FILES}  min_version: 1.2\n"),
            4,
            "tls_server_config.min_version",
            "`1.2`",
            "TLS12 or TLS13",
        ),
        (
            &format!("{FILES}  min_version: TLS13\n  max_version: TLS12\n"),
            5,
            "tls_server_config.max_version",
            "below min_version",
            "TLS13",
        ),
        (
            &format!(
                "{FILES}  cipher_suites:\n  - TLS_AES_128_GCM_SHA256\n  - TLS_RSA_WITH_AES_128_CBC_SHA\n"
            ),
            6,
            "tls_server_config.cipher_suites",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            &format!("{FILES}  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"),
            5,
            "tls_server_config.cipher_suites",
            "none of them is of TLS 1.2",
            "TLS_ECDHE_",
        ),
        (
            &format!("{FILES}  curve_preferences: [CurveP521]\n"),
            4,
            "tls_server_config.curve_preferences",
            "CurveP521",
            "CurveP384",
        ),
        (
            &format!("{FILES}  prefer_server_cipher_suites: perhaps\n"),
            4,
            "tls_server_config.prefer_server_cipher_suites",
            "expected true or false",
            "true or false",
        ),
        (
            &format!("{FILES}  client_auth_type: RequireAndVerifyClientCerts\n"),
            4,
            "tls_server_config.client_auth_type",
            "no policy",
            "did you mean `RequireAndVerifyClientCert`?",
        ),
        (
            &format!("{FILES}  client_auth_type: RequireAndVerifyClientCert\n"),
            4,
            "tls_server_config.client_auth_type",
            "needs the authorities",
            "client_ca_file",
        ),
        (
            &format!("{FILES}  client_ca_file: ca.crt\n"),
            4,
            "tls_server_config.client_ca_file",
            "does nothing",
            "add `client_auth_type: RequireAndVerifyClientCert`",
        ),
        (
            &format!("{FILES}  client_allowed_sans: [a]\n"),
            4,
            "tls_server_config.client_allowed_sans",
            "does nothing",
            "add `client_auth_type: RequireAndVerifyClientCert`",
        ),
        (
            &format!("{FILES}  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: []\n"),
            5,
            "tls_server_config.client_allowed_sans",
            "no client would be let in",
            "- NAME",
        ),
        (&format!("{FILES}  certfile: x\n"), 4, "tls_server_config.certfile", "unknown key", "`cert_file`"),
        ("http_server_config:\n  http3: true\n", 2, "http_server_config.http3", "unknown key", "`http2`"),
        (
            "http_server_config:\n  headers:\n    X-Powered-By: me\n",
            3,
            "http_server_config.headers.X-Powered-By",
            "cannot be set",
            "X-Frame-Options",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
            3,
            "http_server_config.headers.X-Frame-Options",
            "`allow`",
            "deny or sameorigin",
        ),
        ("basic_auth_users: [a]\n", 1, "basic_auth_users", "expected a mapping", "NAME: VALUE"),
        (
            "basic_auth_users:\n  a: b\n  c: plain secret\n",
            3,
            "basic_auth_users.c",
            "no bcrypt hash",
            "htpasswd",
        ),
        (&format!("basic_auth_users:\n  a: {costly}\n"), 2, "basic_auth_users.a", "cost of 25", "20 at most"),
        ("basic_auth_users:\n  'a:b': x\n", 2, "basic_auth_users.a:b", "colon", "out of the name"),
        ("rate_limit: {interval: 1, burst: 2}\n", 1, "rate_limit.interval", "no duration", "such as 1s"),
        ("rate_limit:\n  interval: 1s\n", 2, "rate_limit.burst", "lets no request through", "1 or more"),
        ("rate_limit:\n  interval: 1s\n  burst: many\n", 3, "rate_limit.burst", "no count", "whole number"),
    ] {
        let said = check(&folder, content, 2);
        let place =
            if key.is_empty() { format!("web.yml:{line}: ") } else { format!("web.yml:{line}: {key}: ") };
        let found = said.lines().any(|l| l.contains(&place) && l.contains(what) && l.contains(remedy));
        assert!(found, "{place} {what} {remedy} for\n{content}\nin:\n{said}");
        assert!(!said.contains("plain secret") && !said.contains("mmmm"), "a secret: {said}");
    }
}

#[test]
fn key_and_certificate_must_belong_together() {
    let folder = folder();
    folder.write("server.key", Authority::new("two").server().key);
    let said = check(&folder, FILES, 2);
    assert!(said.contains("web.yml:3: tls_server_config.key_file: key and certificate: "), "{said}");
}

#[test]
fn all_mistakes_in_one_run_beside_those_of_the_settings() {
    let folder = folder();
    let web = folder.write(
        "web.yml",
        "tls_server_config:\n  cert_file: a.crt\n  key_file: b.key\n  client_ca_file: c.crt\n  min_version: TLS9\n\
         basic_auth_users:\n  a: b\nrate_limit: {interval: soon}\nmore: 1\n",
    );
    let file = folder.write("errtally.yaml", format!("web_config_file: {web:?}\nlingr: 1s\n"));
    let said = run(["config", "check", "--config", &file]).failed(2);
    for part in
        ["a.crt", "b.key", "c.crt", "`TLS9`", "basic_auth_users.a", "rate_limit.interval", "more", "lingr"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    // `run` says the same and serves nothing.
    let started = run(["run", "--config", &file]).failed(2);
    assert_eq!(started.replace("; nothing was started", ""), said);
    // Who only scans needs no keys.
    run(["scan", "--config", &folder.write("scan.yaml", format!("web_config_file: {web:?}\n"))]).ok();
}

#[test]
fn a_file_that_is_not_there() {
    let folder = folder();
    for empty in ["", "\n \n"] {
        let said = check(&folder, empty, 2);
        assert!(said.contains("web.yml: it is empty; write what is asked of clients, or {}"), "{said}");
    }
    let missing = folder.path().join("missing.yml").display().to_string();
    let said = run(["config", "check", "--web.config.file", &missing]).failed(2);
    assert!(said.contains(&format!("{missing}: cannot read it: ")), "{said}");
}

#[test]
fn the_example_of_the_page_is_a_good_one() {
    let page = std::fs::read_to_string(root().join("docs/web-configuration.md")).expect("the page");
    let (_, example) = page.split_once("```yaml\ntls_server_config:").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let folder = folder();
    folder.write("clients-ca.crt", Authority::new("clients").pem);
    // Whoever copies it must not get a password that everybody knows.
    let placeholder = "REPLACE-THIS-BY-THE-OUTPUT-OF-THE-COMMAND-ABOVE";
    assert!(
        check(&folder, &format!("tls_server_config:{example}"), 2).contains("basic_auth_users.prometheus")
    );
    let example = example.replace(placeholder, "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi");
    assert!(check(&folder, &format!("tls_server_config:{example}"), 0).starts_with("ok: 1 of"));
}
