//! What deploys the program: container, compose file, Kubernetes manifests, systemd units, manual
//! pages. What needs other tools than these tests is checked by `scripts/manifests` and
//! `scripts/deb`.

#[path = "../support/mod.rs"]
mod support;

#[path = "../../scripts/man.rs"]
#[allow(dead_code)] // Its main().
mod man;

mod compose;
mod kubernetes;
mod manual;
mod pipe;
mod script;
mod units;
mod yaml;
