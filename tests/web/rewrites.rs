//! The web configuration rewritten in place, as `cp` does it: no moment at which the server is open.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::certificates::Authority;
use crate::curl::curl;
use crate::daemon_with;
use crate::support::{DEADLINE, Folder};

const REWRITES: usize = 500;

/// Truncates and writes in two parts, with a time between them that a reader can meet.
fn rewrite(path: &str, content: &str, round: usize) {
    let mut file = std::fs::File::create(path).expect("a file");
    let pause = Duration::from_micros([0, 50, 500, 2000][round % 4]);
    std::thread::sleep(pause);
    let (first, second) = content.split_at([0, content.len() / 3, content.len()][round % 3]);
    file.write_all(first.as_bytes()).expect("written");
    std::thread::sleep(pause);
    file.write_all(second.as_bytes()).expect("written");
    drop(file);
    std::thread::sleep(pause);
}

/// What a stranger is answered, in plain HTTP and without a password; none where the connection ends.
fn stranger(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Rewrites the file while strangers ask; gives how many were answered, all as `wanted`.
fn strangers_meanwhile(address: SocketAddr, path: &str, content: &str, wanted: &str) -> u64 {
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !over.load(Ordering::Acquire) {
                        let Some(answer) = stranger(address).filter(|a| !a.is_empty()) else { continue };
                        assert!(answer.contains(wanted) && !answer.contains("errtally_"), "{answer}");
                        answered.fetch_add(1, Ordering::AcqRel);
                    }
                })
            })
            .collect();
        for round in 0..REWRITES {
            rewrite(path, content, round);
            // One that failed has given its reason.
            if askers.iter().any(std::thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        over.store(true, Ordering::Release);
    });
    answered.into_inner()
}

#[test]
fn no_answer_without_a_password() {
    let folder = Folder::new();
    let users = format!("basic_auth_users:\n  prom: {}\n", bcrypt::hash("horse", 4).expect("a hash"));
    let content = format!("# {}\n{users}", "a comment before it ".repeat(20));
    let daemon = daemon_with(&folder, &content, &[]);
    let path = folder.path().join("web.yml").display().to_string();
    let answered = strangers_meanwhile(daemon.address(), &path, &content, "HTTP/1.1 401");
    println!("measured: {answered} answers during {REWRITES} rewrites, none of them open");
    assert!(answered > 100, "{answered} answers are too few to say anything");
    // Or no look met an empty file, and nothing was tried.
    daemon.wait_for_log("the web configuration stays as it was");
}

#[test]
fn no_answer_in_plain_http() {
    let folder = Folder::new();
    let authority = Authority::new("one");
    authority.server().write(&folder, "server");
    let ca = folder.write("ca.crt", &authority.pem);
    let content = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
    let daemon = daemon_with(&folder, content, &[]);
    let path = folder.path().join("web.yml").display().to_string();
    let answered = strangers_meanwhile(daemon.address(), &path, content, "HTTP/1.0 400");
    println!("measured: {answered} answers during {REWRITES} rewrites, none of them open");
    assert!(answered > 100, "{answered} answers are too few to say anything");
    assert_eq!(curl(&daemon, "https:/healthz", &["--cacert", &ca]).status, 200);
}
