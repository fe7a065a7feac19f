//! The Kubernetes manifests, as far as errtally itself can judge them: its settings, the time it
//! gets to stop, its probes, what it may do. `scripts/manifests` holds them to Kubernetes' schemas.

use serde_json::Value;

use crate::support::{Folder, errtally, finish};
use crate::yaml::{check_variables, files, load, mappings, seconds, shutdown_timeout};

/// Every pod template, with the name of its file.
fn pods() -> Vec<(String, Value)> {
    let mut pods = Vec::new();
    for file in files("kubernetes") {
        for document in load(&file) {
            let spec = &document["spec"]["template"]["spec"];
            if spec.is_object() {
                pods.push((file.display().to_string(), spec.clone()));
            }
        }
    }
    assert!(pods.len() >= 5, "{} pods", pods.len());
    pods
}

/// The containers of a pod, those that run before the others too.
fn containers(pod: &Value) -> Vec<&Value> {
    let of = |kind: &str| pod[kind].as_array().into_iter().flatten();
    of("initContainers").chain(of("containers")).collect()
}

fn variables(container: &Value) -> Vec<(&str, &str)> {
    let variables = container["env"].as_array().into_iter().flatten();
    variables
        .map(|v| (v["name"].as_str().expect("a name"), v["value"].as_str().unwrap_or("from-the-pod")))
        .collect()
}

#[test]
fn every_configuration_is_valid_and_listens_to_the_pod() {
    let mut checked = 0;
    for file in files("kubernetes").iter().filter(|f| f.ends_with("errtally.yaml")) {
        let name = file.display().to_string();
        // The pod's volume is not here: what is wrong then is that alone.
        let folder = Folder::new();
        let events = folder.path().join("events.jsonl");
        let config = |command| {
            let mut errtally = errtally();
            errtally.args(["config", command, "--config", &name]);
            finish(errtally.env("ERRTALLY_EVENTS_FILE_PATH", &events)).ok()
        };
        config("check");
        let shown = config("show");
        assert!(shown.contains("listen: \"0.0.0.0:9877\""), "{name}");
        assert!(shown.contains("watch: true"), "{name}");
        checked += 1;
    }
    assert!(checked >= 3, "{checked} configurations");
}

#[test]
fn every_variable_is_a_setting() {
    let mut checked = 0;
    for (file, pod) in pods() {
        for container in containers(&pod).into_iter().filter(|c| c["name"] == "errtally") {
            let ended = check_variables(variables(container));
            assert_eq!(ended.status, Some(0), "{file}: {}", ended.stderr);
            checked += 1;
        }
    }
    assert_eq!(checked, 4, "sidecar, shipper, Deployment, StatefulSet");
}

#[test]
fn every_errtally_gets_the_time_it_needs_to_stop() {
    for (file, pod) in pods() {
        for container in containers(&pod).into_iter().filter(|c| c["name"] == "errtally") {
            let stop =
                variables(container).into_iter().find(|(name, _)| *name == "ERRTALLY_SHUTDOWN_TIMEOUT");
            let stop = stop.map_or_else(shutdown_timeout, |(_, value)| seconds(value));
            let grace = pod["terminationGracePeriodSeconds"].as_u64().expect("a grace period");
            assert!(grace > stop, "{file}: {grace} s");
        }
    }
}

#[test]
fn a_sidecar_takes_no_application_out_of_service() {
    for (file, pod) in pods() {
        for container in containers(&pod).into_iter().filter(|c| c["restartPolicy"] == "Always") {
            assert!(container["readinessProbe"].is_null(), "{file}");
            assert!(container["startupProbe"].is_object(), "{file}: others wait for it");
        }
    }
}

#[test]
fn containers_are_bounded_and_may_do_nothing() {
    for (file, pod) in pods() {
        for container in containers(&pod) {
            let name = format!("{file}: {}", container["name"]);
            let resources = &container["resources"];
            assert!(resources["requests"]["memory"].is_string(), "{name}");
            assert!(resources["limits"]["memory"].is_string(), "{name}");
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["capabilities"]["drop"][0], "ALL", "{name}");
            if container["name"] == "errtally" {
                let non_root = [security, &pod["securityContext"]].map(|s| s["runAsNonRoot"] == true);
                assert!(non_root.contains(&true), "{name}");
                assert!(container["livenessProbe"].is_object(), "{name}");
                assert_eq!(container["ports"][0]["name"], "errtally", "{name}");
            }
        }
    }
}

/// What Prometheus scrapes and what the pods are called stand in different files.
#[test]
fn the_monitor_finds_the_pods() {
    let mut monitored = 0;
    for file in files("kubernetes") {
        for document in load(&file) {
            if document["kind"] == "PodMonitor" {
                assert_eq!(document["spec"]["selector"]["matchLabels"]["errtally/metrics"], "true");
                assert_eq!(document["spec"]["podMetricsEndpoints"][0]["port"], "errtally");
                monitored += 1;
            }
            let template = &document["spec"]["template"];
            if containers(&template["spec"]).iter().any(|c| c["name"] == "errtally") {
                let label = &template["metadata"]["labels"]["errtally/metrics"];
                assert_eq!(label, "true", "{}", file.display());
            }
        }
    }
    assert_eq!(monitored, 1);
}

/// The volume must hold the file of events and all that it becomes.
#[test]
fn events_fit_their_volume() {
    let folder = crate::support::root().join("deploy/kubernetes/overlays/kafka-stateful");
    let settings = load(&folder.join("errtally.yaml")).remove(0);
    let file = &settings["events"]["file"];
    let each: u64 =
        file["max_bytes"].as_str().and_then(|s| s.strip_suffix("MiB")?.parse().ok()).expect("MiB");
    let all = each * (1 + file["keep"].as_u64().expect("a number"));
    let set = load(&folder.join("statefulset.yaml"));
    let claim =
        set.iter().flat_map(mappings).find(|m| m["requests"]["storage"].is_string()).expect("a claim");
    assert_eq!(claim["requests"]["storage"], "1Gi");
    assert!(all < 1024, "{all} MiB");
    let mount = file["path"].as_str().and_then(|p| p.rsplit_once('/')).expect("a path").0;
    let mounted = set.iter().flat_map(mappings).any(|m| m["name"] == "state" && m["mountPath"] == mount);
    assert!(mounted, "{mount} is no volume");
}
