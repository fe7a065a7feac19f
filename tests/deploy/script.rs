//! A shipped shell command that runs errtally: started on a free port, watched, stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::exposition::Scrape;
use crate::support::http::ask;
use crate::support::wait_for;

/// The running script. It and its children are killed when dropped.
pub struct Script {
    child: Child,
    log: Arc<Mutex<String>>,
    logger: Option<JoinHandle<()>>,
    address: SocketAddr,
}

impl Script {
    /// Starts it with the program on its path and waits until errtally serves.
    pub fn start(command: &mut Command) -> Script {
        let mut child = prepare(command).stderr(Stdio::piped()).spawn().expect("it starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let logged = log.clone();
        let logger = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                logged.lock().expect("the log").push_str(&(line + "\n"));
            }
        });
        let unbound = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut script = Script { child, log, logger: Some(logger), address: unbound };
        script.address = wait_for("the address in the log", || {
            let ended = script.child.try_wait().expect("a state");
            assert!(ended.is_none(), "it ended: {}", script.log());
            let log = script.log();
            let (_, rest) = log.split_once("ready: http://")?;
            rest.split('/').next()?.parse().ok()
        });
        script
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    pub fn scrape(&self) -> Scrape {
        let answer = ask(self.address, "GET", "/metrics", &[]).expect("it serves");
        Scrape::parse(answer.text())
    }

    /// Scrapes until `records` are counted.
    #[track_caller]
    pub fn wait_for_records(&self, records: u64) -> Scrape {
        wait_for(&format!("{records} records; the log: {}", self.log()), || {
            let scrape = self.scrape();
            let counted = scrape.sum("errtally_records_total", &[]);
            assert!(counted <= records as f64, "{counted} records, where {records} were written");
            (counted == records as f64).then_some(scrape)
        })
    }

    /// The children of the script that run `program` now.
    pub fn children(&self, program: &str) -> Vec<i32> {
        let list = format!("/proc/{0}/task/{0}/children", self.child.id());
        let list = std::fs::read_to_string(list).unwrap_or_default();
        let name = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        list.split_whitespace().filter_map(|p| p.parse().ok()).filter(|p| name(p).trim() == program).collect()
    }

    pub fn signal(&self, signal: Signal) {
        send(i32::try_from(self.child.id()).expect("a process id"), signal);
    }

    /// Waits for its end; gives its status and its log.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = wait_for("the end of the script", || self.child.try_wait().expect("a state"));
        if let Some(logger) = self.logger.take() {
            logger.join().expect("the log is read");
        }
        (status, self.log())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        for program in ["errtally"] {
            for pid in self.children(program) {
                send(pid, Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that is there, or is not any more.
pub fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// The program on the path, and none of the caller's settings.
pub fn prepare(command: &mut Command) -> &mut Command {
    let program = Path::new(env!("CARGO_BIN_EXE_errtally"));
    let own = program.parent().expect("a folder").to_path_buf();
    // The command's own, if it has one.
    let set = command.get_envs().find_map(|(name, value)| (name == "PATH").then_some(value?.to_os_string()));
    let path = set.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ERRTALLY_") {
            command.env_remove(name);
        }
    }
    command
        .env("PATH", path.expect("a path"))
        .env("ERRTALLY_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
}
