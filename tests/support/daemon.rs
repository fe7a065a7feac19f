//! `errtally run` as a child: started on a free port, watched, stopped, never left behind.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::exposition::Scrape;
use super::http::{Answer, ask};
use super::{errtally, wait_for};

/// A running daemon. Killed when dropped.
pub struct Daemon {
    child: Child,
    stdin: Option<ChildStdin>,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    logger: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts `errtally run` with these arguments and waits until it is ready.
    #[track_caller]
    pub fn start(args: &[&str]) -> Daemon {
        Daemon::start_with(args, Stdio::piped(), &[])
    }

    /// As [`Daemon::start`], with a standard input and variables of the caller's.
    #[track_caller]
    pub fn start_with(args: &[&str], stdin: Stdio, variables: &[(&str, &str)]) -> Daemon {
        let daemon = Daemon::spawn(args, stdin, variables);
        wait_for("/readyz says 200", || (daemon.get("/readyz").status == 200).then_some(()));
        daemon
    }

    /// Starts it and waits until it tells its address, but not until it is ready: its input may end before.
    #[track_caller]
    pub fn spawn(args: &[&str], stdin: Stdio, variables: &[(&str, &str)]) -> Daemon {
        let mut command = errtally();
        command.args(run_args(args)).envs(variables.iter().copied());
        Daemon::spawn_command(command.stdin(stdin).stdout(Stdio::null()))
    }

    /// As [`Daemon::spawn`], with standard output going somewhere.
    #[track_caller]
    pub fn spawn_to(args: &[&str], stdin: Stdio, stdout: Stdio) -> Daemon {
        Daemon::spawn_command(errtally().args(run_args(args)).stdin(stdin).stdout(stdout))
    }

    /// Starts a command that becomes `errtally run` with [`run_args`].
    #[track_caller]
    pub fn spawn_command(command: &mut Command) -> Daemon {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let logged = log.clone();
        let logger = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = logged.lock().expect("the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let stdin = child.stdin.take();
        let unbound = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut daemon = Daemon { child, stdin, address: unbound, log, logger: Some(logger) };
        daemon.address = wait_for("the address in the log", || {
            let log = daemon.log();
            let ended = daemon.child.try_wait().expect("a state");
            assert!(ended.is_none() || log.contains("ready: "), "it ended: {log}");
            let (_, rest) = log.split_once("ready: http")?;
            rest.trim_start_matches('s').trim_start_matches("://").split('/').next()?.parse().ok()
        });
        daemon
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// Waits until the log holds `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        wait_for(&format!("`{text}` in the log:\n{}", self.log()), || {
            self.log().contains(text).then_some(())
        });
    }

    /// Writes to its standard input.
    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stdin.as_mut().expect("the input is open").write_all(bytes.as_ref()).expect("it reads");
    }

    /// Its standard output, where that is a pipe.
    #[track_caller]
    pub fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("a pipe that nobody has taken")
    }

    /// Its standard input, to be fed by somebody else.
    #[track_caller]
    pub fn stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("the input is open")
    }

    /// Ends its input.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(self.address, method, path, headers)
            .unwrap_or_else(|e| panic!("{method} {path}: {e}; the log:\n{}", self.log()))
    }

    /// A scrape in the text format.
    #[track_caller]
    pub fn scrape(&self) -> Scrape {
        Scrape::parse(self.get("/metrics").text())
    }

    /// Scrapes until `records` records are counted.
    #[track_caller]
    pub fn wait_for_records(&self, records: u64) -> Scrape {
        wait_for(&format!("{records} records"), || {
            let scrape = self.scrape();
            let counted = scrape.sum("errtally_records_total", &[]);
            assert!(counted <= records as f64, "{counted} records, where {records} were written");
            (counted == records as f64).then_some(scrape)
        })
    }

    /// Scrapes until the input has ended: the counts are final.
    #[track_caller]
    pub fn wait_for_end_of_input(&self) -> Scrape {
        wait_for("the end of the input", || {
            self.get("/readyz").text().contains("ended").then(|| self.scrape())
        })
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it is there");
    }

    /// Waits for the end of the process; gives its status and its whole log.
    #[track_caller]
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = wait_for("the end of the process", || self.child.try_wait().expect("a state"));
        if let Some(logger) = self.logger.take() {
            logger.join().expect("the log is read");
        }
        (status, self.log())
    }

    /// Most memory that it ever had, in bytes.
    #[track_caller]
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("procfs");
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") << 10
    }
}

/// The arguments of `errtally run` on a free port.
pub fn run_args<'a>(args: &[&'a str]) -> Vec<&'a str> {
    ["run", "--listen", "127.0.0.1:0"].iter().chain(args).copied().collect()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
