//! A real Prometheus as a child, and what tests of rules and dashboards ask it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::Value;

use super::http::ask;
use super::{DEADLINE, Folder};

/// Names and values of labels, without the name of the metric.
pub type Labels = BTreeMap<String, String>;

/// A running Prometheus with a store of its own. Killed when dropped.
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: Folder,
}

impl Prometheus {
    /// Starts it with this configuration on a free port, and waits until it listens.
    #[track_caller]
    pub fn start(config: &str) -> Prometheus {
        let folder = Folder::new();
        let config = folder.write("prometheus.yml", config);
        let mut child = Command::new("prometheus")
            .args(["--config.file", &config, "--web.listen-address", "127.0.0.1:0"])
            .args(["--storage.tsdb.path", &folder.path().join("data").display().to_string()])
            .args(["--enable-feature", "exemplar-storage"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is on the path");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, receiver) = mpsc::channel();
        // Read to its end: a full pipe would stop it.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|l| drop(sender.send(l))));
        let mut said = String::new();
        let address = loop {
            let line = receiver
                .recv_timeout(DEADLINE)
                .unwrap_or_else(|_| panic!("it does not tell its address:\n{said}"));
            if let Some((_, address)) = line.split_once("msg=\"Listening on\" address=") {
                break address.trim().parse().expect("an address");
            }
            said.push_str(&line);
            said.push('\n');
        };
        Prometheus { child, address, _folder: folder }
    }

    /// The data of an answer of its API; an error is a failure of the test.
    #[track_caller]
    pub fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let pairs: Vec<_> =
            parameters.iter().map(|(k, v)| format!("{}={}", escaped(k), escaped(v))).collect();
        let answer = ask(self.address, "GET", &format!("/api/v1/{path}?{}", pairs.join("&")), &[])
            .expect("Prometheus answers");
        // Before it has loaded its store it says so in plain text.
        if answer.status == 503 {
            return Value::Null;
        }
        let mut json = answer.json();
        assert_eq!(json["status"], "success", "{path} {parameters:?}: {json}");
        json["data"].take()
    }

    /// The series of a query at a time, or now; a scalar is a series without labels.
    #[track_caller]
    pub fn query(&self, query: &str, time: Option<f64>) -> BTreeMap<Labels, f64> {
        let time = time.map(|t| t.to_string());
        let mut parameters = vec![("query", query)];
        parameters.extend(time.as_deref().map(|t| ("time", t)));
        let data = self.api("query", &parameters);
        if data["resultType"] == "scalar" {
            return BTreeMap::from([(Labels::new(), number(&data["result"][1]))]);
        }
        series(&data, |found| number(&found["value"][1]))
    }

    /// The series of a query over a time, each by its value at the end; those that ended before are left out.
    #[track_caller]
    pub fn query_range(&self, query: &str, start: f64, end: f64) -> BTreeMap<Labels, f64> {
        // Steps are counted from the start: the last one must be the end.
        let (start, last) = ((end - (end - start).floor()).to_string(), end.to_string());
        let data =
            self.api("query_range", &[("query", query), ("start", &start), ("end", &last), ("step", "1")]);
        let mut at_end = series(&data, |found| {
            let point = found["values"].as_array().and_then(|v| v.last()).expect("a value");
            let is_last = point[0].as_f64().expect("a time") > end - 0.5;
            if is_last { number(&point[1]) } else { f64::INFINITY }
        });
        at_end.retain(|_, value| *value != f64::INFINITY);
        at_end
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn series(data: &Value, value: impl Fn(&Value) -> f64) -> BTreeMap<Labels, f64> {
    let Some(result) = data["result"].as_array() else {
        return BTreeMap::new();
    };
    let mut all = BTreeMap::new();
    for found in result {
        let mut labels: Labels = serde_json::from_value(found["metric"].clone()).expect("labels");
        labels.remove("__name__");
        let twice = all.insert(labels, value(found));
        assert!(twice.is_none(), "two series with the same labels: {found}");
    }
    all
}

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("no number: {value}"))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The names of errtally's metrics and of recorded series in a query.
pub fn metrics_in(query: &str) -> BTreeSet<&str> {
    // What stands in quotes is a label value: every other part.
    query
        .split('"')
        .step_by(2)
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':'))
        .filter(|word| word.contains("errtally"))
        .collect()
}
