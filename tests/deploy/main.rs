//! What deploys the program: container, compose file, Kubernetes manifests. What needs other
//! tools than these tests is checked by `scripts/manifests`.

#[path = "../support/mod.rs"]
mod support;

mod compose;
mod follow;
mod kubernetes;
mod pipe;
mod script;
mod yaml;
