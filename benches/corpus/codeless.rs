//! Lines without any code, full of what looks like one: what a search that
//! is too eager would count.
//!
//! Access logs, JSON with `"code":200`, versions, hashes, source text,
//! metrics, paths, hosts, i18n keys and more. Where a line holds the spelling
//! of a code, it stands where docs/matching.md says that none stands. No line makes its neighbours
//! say error, since an indented one belongs to the line before it.

use super::lines::{Moment, put};
use super::{Fault, Random};

const HOSTS: &[&str] = &["example.com", "cluster.local", "svc.example.net", "internal.example.org"];
const AGENTS: &[&str] =
    &["Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "kube-probe/1.31", "Go-http-client/2.0"];
const FOLDERS: &[&str] =
    &["/var/log", "/opt/app/errors", "../docs/codes", "./target", "~/.cache", "/usr/share/doc"];
const ENDINGS: &[&str] = &["log", "json", "tar.gz", "html", "md", "min.js", "min.css", "yaml"];
/// Words that say that all is well.
const CALM: &[&str] =
    &["ready", "started", "synced", "listening", "renewed", "scheduled", "completed", "moved"];
const METRICS: &[&str] =
    &["http_requests_total", "process_cpu_seconds_total", "queue_depth", "error_code_count"];
const EVERYDAY: &[&str] = &["AS", "CS", "DC", "ER", "RF", "DIS", "AIS"];

/// One line, without its newline.
pub(super) fn line(r: &mut Random, at: Moment, faults: &[Fault], out: &mut Vec<u8>) {
    let code = spelled(r, faults);
    match r.below(24) {
        0 => access(r, at, &code, out),
        1 => json_status(r, at, out),
        2 => versions(r, at, out),
        3 => hashes(r, at, out),
        4 => source(r, &code, out),
        5 => metric(r, &code, out),
        6 => {
            let (folder, ending) = (r.pick(FOLDERS), r.pick(ENDINGS));
            stamp(at, out);
            put(out, format_args!("reading {folder}/{code}.{ending} and {folder}/v{}/{code}", r.below(9)));
        }
        7 => {
            let host = r.pick(HOSTS);
            stamp(at, out);
            put(
                out,
                format_args!(
                    "resolved {code}.{host} to 10.{}.{}.7:{}",
                    r.below(256),
                    r.below(256),
                    r.below(60_000)
                ),
            );
        }
        8 => put(out, format_args!("MSG.{code}=The request was answered")),
        9 => longer_tokens(r, at, &code, out),
        10 => put(
            out,
            format_args!("https://docs.{}/{}/errors/{code}#{}", r.pick(HOSTS), r.pick(CALM), r.below(99)),
        ),
        11 => error_ids(r, at, out),
        12 => everyday(r, at, out),
        13 => successes(r, at, faults, out),
        14 => nothing_at_a_key(r, at, out),
        15 => klog(r, out),
        16 => put(out, format_args!("com.example.{code}.Handler - {} {}", r.pick(CALM), r.below(1000))),
        17 => addresses(r, at, out),
        18 => escapes(r, at, out),
        19 => numbers(r, at, out),
        20 => json_nested(r, at, &code, out),
        21 => sql(r, at, out),
        22 => shell(r, &code, out),
        _ => super::lines::json(r, at, out),
    }
}

/// A code of the catalog, in one of the ways that people spell it.
fn spelled(r: &mut Random, faults: &[Fault]) -> String {
    let code = &r.pick(faults).code;
    match r.below(3) {
        0 => code.to_ascii_lowercase(),
        1 => code.to_ascii_uppercase(),
        _ => code.clone(),
    }
}

fn stamp(at: Moment, out: &mut Vec<u8>) {
    at.write(' ', out);
    out.extend_from_slice(b" INFO ");
}

fn access(r: &mut Random, at: Moment, code: &str, out: &mut Vec<u8>) {
    let status = [200, 204, 301, 304, 400, 404, 429, 500, 503][r.below(9) as usize];
    put(out, format_args!("10.{}.{}.{} - - [", r.below(256), r.below(256), r.below(256)));
    at.write(':', out);
    put(
        out,
        format_args!(
            "] \"GET /docs/v{}/{code}?page={} HTTP/1.1\" {status} {} \"https://{}/help/{code}\" \"{}\"",
            r.below(4),
            r.below(100),
            r.below(100_000),
            r.pick(HOSTS),
            r.pick(AGENTS)
        ),
    );
}

fn json_status(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"ts\":\"");
    at.write('T', out);
    let word = r.pick(CALM);
    let status = 200 + r.below(5);
    let tail = match r.below(5) {
        0 => format!("\"code\":{status},\"msg\":\"{word}\"}}"),
        1 => format!("\"code\":\"{status}\",\"error_code\":0,\"msg\":\"{word}\"}}"),
        2 => format!("\"errorCode\":null,\"code\":\"OK\",\"status\":\"{word}\"}}"),
        3 => format!("\"error_code\":\"\",\"code\":\"SUCCESS\",\"http_status\":{status}}}"),
        _ => format!("\"code\":404,\"errcode\":40013,\"errmsg\":\"{word}\"}}"),
    };
    put(out, format_args!("Z\",\"level\":\"info\",{tail}"));
}

fn versions(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let (a, b, c) = (r.below(30), r.below(20), r.below(1000));
    let text = match r.below(6) {
        0 => format!("error_code=v{a}.{b}.{c}"),
        1 => format!("agent 7.{a}.{b}-rc.{c}+build.{}", r.below(100_000)),
        2 => format!("image registry.{}/app:v{a}.{b}.{c}", r.pick(HOSTS)),
        3 => format!("\"code\": \"release-{a}.{b}.{c}\""),
        4 => format!("openssl-3.0.{a} glibc-2.{b}.{c} kernel 6.{b}.{c}-amd64"),
        _ => format!("upgraded ecs-agent 1.{a}.{b} to 1.{a}.{c:03}"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn hashes(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let (a, b) = (r.next(), r.next());
    put(
        out,
        format_args!(
            "sha256:{a:016x}{b:016x} id={:08x}-{:04x}-4{:03x}-8{:03x}-{:012x} etag=\"cs.{}{:x}\" blob ecs.{}{b:x}g",
            a as u32,
            b as u16,
            (a >> 40) & 0xfff,
            (b >> 40) & 0xfff,
            (a ^ b) & 0xffff_ffff_ffff,
            r.below(10_000),
            a | 0xa000_0000_0000_0000,
            r.below(10_000),
        ),
    );
}

fn source(r: &mut Random, code: &str, out: &mut Vec<u8>) {
    let n = r.below(10_000);
    let text = match r.below(5) {
        0 => format!("    return self.{code}(retries={n})"),
        1 => format!("\t\tmy_{code} := fmt.Sprint({n})"),
        2 => format!("const x{code} = {{ code: {n}, errorCode: undefined }};"),
        3 => format!("<a href=\"/errors/{n}/{code}.html\" class=\"btn.{n}\">docs</a>"),
        _ => format!("import \"example.com/pkg/errors/v{}/{code}\"", n % 9),
    };
    out.extend_from_slice(text.as_bytes());
}

fn metric(r: &mut Random, code: &str, out: &mut Vec<u8>) {
    let name = r.pick(METRICS);
    put(
        out,
        format_args!(
            "{name}{{instance=\"{code}.{}:9100\",path=\"/v1/docs/{code}\"}} {}.{:03}",
            r.pick(HOSTS),
            r.below(100_000),
            r.below(1000)
        ),
    );
}

fn longer_tokens(r: &mut Random, at: Moment, code: &str, out: &mut Vec<u8>) {
    stamp(at, out);
    let n = r.below(10);
    let text = match r.below(6) {
        0 => format!("x{code} taken"),
        1 => format!("{code}{n}{n}{n}{n}{n}{n}{n}x taken"),
        2 => format!("my-{code} taken"),
        3 => format!("{code}.{n} taken"),
        4 => format!("job_{code}_{n} taken"),
        _ => format!("{code}.part{n} taken"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn error_ids(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let (day, n) = (r.below(28) + 1, r.below(1_000_000));
    let text = match r.below(4) {
        0 => format!("error_id=err.202611{day:02}.083412.{n:06}"),
        1 => format!("errorCode=app.log.{n:06}"),
        2 => format!("\"error_code\":\"backup.tar.{:03}\"", n % 1000),
        _ => format!("error_id={n:x}-{day:02}"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn everyday(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let prefix = r.pick(EVERYDAY);
    // A rack, a network, a file of eight digits.
    let digits =
        [r.below(10_000), 10_000 + r.below(90_000), 10_000_000 + r.below(90_000_000)][r.below(3) as usize];
    put(
        out,
        format_args!("rack {prefix}.{digits:04} {} and AS.{:04} is announced", r.pick(CALM), r.below(10_000)),
    );
}

fn successes(r: &mut Random, at: Moment, faults: &[Fault], out: &mut Vec<u8>) {
    at.write(' ', out);
    let code = &r.pick(faults).code;
    // All of its digits are zero, and the catalog has no such code.
    let zeros: String = code.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let zeros = if faults.iter().any(|f| f.code == zeros) { "DWS.0000".to_owned() } else { zeros };
    match r.below(3) {
        0 => put(out, format_args!(" INFO call ended with {zeros}")),
        1 => put(out, format_args!(" INFO {{\"error_code\":\"{zeros}\",\"error_msg\":\"success\"}}")),
        _ => put(out, format_args!(" INFO errorCode=Till.000 done")),
    }
}

fn nothing_at_a_key(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let n = r.below(1000);
    let text = match r.below(8) {
        0 => "error_code=".to_owned(),
        1 => "errorCode: none".to_owned(),
        2 => format!("errcode={n}"),
        3 => format!("Error code: {n}"),
        4 => "error-code: \"\", error_id: null".to_owned(),
        5 => format!("<Code>{n}</Code><errorCode>Conflict</errorCode>"),
        6 => format!("ERROR_CODE=E_{n}"),
        _ => format!("exit code {n}, barcode=4006381{n:06}.{n}, zip code 10115"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn klog(r: &mut Random, out: &mut Vec<u8>) {
    let n = r.below(1_000_000);
    put(
        out,
        format_args!(
            "I1125 08:{:02}:{:02}.{n:06}       1 reflector.go:{}] caches {} for ecs-{n:06}-{:04}",
            r.below(60),
            r.below(60),
            r.below(900),
            r.pick(CALM),
            r.below(10_000)
        ),
    );
}

fn addresses(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let n = r.below(10_000);
    let text = match r.below(4) {
        0 => format!("css.{n:04}:9200 joined"),
        1 => format!("mail from ops@ecs.{n:04} relayed"),
        2 => format!("peer 192.168.{}.{}:{n} and [2001:db8::{n:x}]", n % 256, n / 256),
        _ => format!("ssh root@css.{n:04}"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn escapes(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    let n = r.below(10_000);
    match r.below(3) {
        0 => {
            out.extend_from_slice(b"{\"log\":\"");
            at.write('T', out);
            put(
                out,
                format_args!(" {{\\\"code\\\":{},\\\"msg\\\":\\\"{}\\\"}}\\n\"}}", 200 + n % 5, r.pick(CALM)),
            );
        }
        1 => {
            stamp(at, out);
            put(out, format_args!("GET /q?error%5Fcode%3D{n}%26page%3Decs%2E{n}x"));
        }
        _ => {
            stamp(at, out);
            put(out, format_args!("\x1b[32m{}\x1b[0m my_ecs.{n:04} in {n} ms", r.pick(CALM)));
        }
    }
}

fn numbers(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let (a, b) = (r.below(1_000_000_000), r.below(1_000_000));
    put(
        out,
        format_args!("111{b:06} rows, 12{b:06} kept, offset {a}, took {a}.{b:06} s, pi 3.14159, -{b}.{a}"),
    );
}

fn json_nested(r: &mut Random, at: Moment, code: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    at.write('T', out);
    put(
        out,
        format_args!(
            "Z\",\"response\":{{\"code\":{},\"data\":{{\"url\":\"/api/v{}/codes/{code}\",\"items\":[{},{}],\"codec\":\"h.264\"}}}}}}",
            200 + r.below(3),
            r.below(5),
            r.below(1000),
            r.below(1000)
        ),
    );
}

fn sql(r: &mut Random, at: Moment, out: &mut Vec<u8>) {
    stamp(at, out);
    let n = r.below(10_000);
    put(
        out,
        format_args!("SELECT as_.id, cs.n{n} FROM ecs AS e{n} JOIN vpc.t_{n:04} ON vpc.t_{n:04}.id = as_.id"),
    );
}

fn shell(r: &mut Random, code: &str, out: &mut Vec<u8>) {
    let n = r.below(100);
    put(
        out,
        format_args!("+ cp -r ./build/{n}/{code} /srv/www/{n}/{code} && tail -n {n} /var/log/app/{code}.log"),
    );
}
