//! Settings that come through pipes, out of devices, or not at all: read once, within a time and a size, and never
//! run without.

mod support;

use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::Signal;
use support::daemon::Daemon;
use support::{DEADLINE, Folder, errtally, finish, shop_catalog, wait_for};

const SUCCESSFUL: &str = "errtally_config_last_reload_successful";

/// `errtally` with `args` and one more, which bash makes a pipe from what `command` prints.
fn through_a_pipe(args: &[&str], flag: &str, command: &str) -> Command {
    let plain = errtally();
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(format!("exec \"$0\" \"$@\" {flag} <({command})")).arg(plain.get_program()).args(args);
    bash.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::piped());
    bash
}

/// A named pipe.
fn fifo(folder: &Folder, name: &str) -> String {
    let path = folder.path().join(name);
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path.display().to_string()
}

const RUN: [&str; 3] = ["run", "--listen", "127.0.0.1:0"];

#[test]
fn a_configuration_through_a_pipe_is_in_force_and_stays_so() {
    let folder = Folder::new();
    let hash = bcrypt::hash("horse", 4).expect("a hash");
    let web = folder.write("web.yml", format!("basic_auth_users:\n  prom: {hash}\n"));
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    let config = folder.write("errtally.yaml", format!("web_config_file: {web:?}\ncatalog: {shop:?}\n"));
    let daemon = Daemon::spawn_command(&mut through_a_pipe(&RUN, "--config", &format!("cat {config}")));
    assert_eq!(daemon.get("/metrics").status, 401, "the authentication that it asks for");
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("came through a pipe, which gives it once: it stays as it was");
    daemon.wait_for_log("configuration and catalog reloaded");
    assert_eq!(daemon.get("/metrics").status, 401);
    // The catalog that it names is a file, and read again.
    folder.write("shop.yaml", "service: SHOP\n");
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("not reloaded: configuration and catalog stay as they were");
    assert_eq!(daemon.get("/metrics").status, 401);
}

#[test]
fn mistakes_in_a_pipe_are_mistakes() {
    for (command, told) in [
        ("echo lingr: 1s", ":1: lingr: unknown key"),
        ("false", ": nothing came through this pipe; check the command that writes to it"),
        ("echo", ": it is empty; write a key"),
        ("exec sleep 60 2>&1", ": it is a pipe or a device that did not end within 5 s"),
    ] {
        let since = Instant::now();
        let mut command = through_a_pipe(&RUN, "--config", command);
        let said = finish(command.stdout(Stdio::null())).failed(2);
        assert!(said.contains(told), "{told} in {said}");
        assert!(since.elapsed() < DEADLINE, "{:?}", since.elapsed());
    }
}

#[test]
fn a_web_configuration_through_a_pipe_stays() {
    let hash = bcrypt::hash("horse", 4).expect("a hash").replace('$', "\\$");
    let print = format!("printf 'basic_auth_users:\\n  prom: %s\\n' \"{hash}\"");
    let daemon = Daemon::spawn_command(&mut through_a_pipe(&RUN, "--web.config.file", &print));
    for _ in 0..3 {
        assert_eq!(daemon.get("/metrics").status, 401);
        daemon.signal(Signal::HUP);
    }
    daemon.wait_for_log("configuration and catalog reloaded");
    assert_eq!(daemon.get("/metrics").status, 401);
    assert!(!daemon.log().contains("stays as it was"), "nothing has changed: {}", daemon.log());
}

#[test]
fn what_cannot_be_settings_is_told_in_time_and_in_little_memory() {
    let folder = Folder::new();
    let (pipe, large) = (fifo(&folder, "fifo"), folder.path().join("large.yaml"));
    std::fs::File::create(&large).and_then(|f| f.set_len(5 << 20)).expect("a file");
    let large = large.display().to_string();
    let here = folder.path().display().to_string();
    let web =
        folder.write("web.yml", format!("tls_server_config: {{cert_file: {pipe:?}, key_file: /dev/zero}}\n"));
    let pipe_told = "did not end within 5 s; write to it and close it, or name a file";
    let size_told = "it is larger than 4 MiB, the most that is read";
    for (flag, path, told) in [
        ("--config", pipe.as_str(), vec![pipe_told]),
        ("--config", "/dev/zero", vec![size_told]),
        ("--config", &large, vec![size_told]),
        ("--config", &here, vec!["it is a folder"]),
        ("--catalog", &pipe, vec![pipe_told]),
        ("--catalog", "/dev/zero", vec!["it is larger than 64 MiB"]),
        ("--web.config.file", &pipe, vec![pipe_told]),
        ("--web.config.file", "/dev/zero", vec![size_told]),
        (
            "--web.config.file",
            &web,
            vec![
                "web.yml:1: tls_server_config.cert_file: ",
                pipe_told,
                "tls_server_config.key_file: ",
                size_told,
            ],
        ),
    ] {
        let since = Instant::now();
        let mut command = Command::new("bash");
        // Far less than what /dev/zero would give.
        command.args(["-c", "ulimit -v 1000000; exec \"$0\" \"$@\""]).arg(errtally().get_program());
        let said = finish(command.args(RUN).args([flag, path])).failed(2);
        for part in told {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(since.elapsed() < DEADLINE, "{:?}", since.elapsed());
    }
    // The idiom for none.
    let ended = finish(errtally().args(["config", "check", "--config", "/dev/null"]));
    assert!(ended.ok().starts_with("ok: 0 of"));
}

#[test]
fn files_that_become_pipes_stop_nothing() {
    let folder = Folder::new();
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    let hash = bcrypt::hash("horse", 4).expect("a hash");
    let web = folder.write("web.yml", format!("basic_auth_users:\n  prom: {hash}\n"));
    let config = folder.write("errtally.yaml", format!("catalog: {shop:?}\nlinger: 1m\n"));
    let args = ["--config", &config, "--web.config.file", &web, "--watch"];
    let daemon = Daemon::spawn(&args, Stdio::piped(), &[]);
    for (times, name) in ["web.yml", "shop.yaml", "errtally.yaml"].into_iter().enumerate() {
        std::fs::rename(fifo(&folder, "fifo"), folder.path().join(name)).expect("a file");
        daemon.signal(Signal::HUP);
        let since = Instant::now();
        assert_eq!(daemon.get("/healthz").status, 401, "it answers, and nobody is let in");
        assert!(since.elapsed() < DEADLINE / 3, "{:?}", since.elapsed());
        if times > 0 {
            wait_for("a reload that fails", || {
                (daemon.log().matches("not reloaded: ").count() >= times).then_some(())
            });
        }
    }
    daemon.wait_for_log("the web configuration stays as it was");
    daemon.wait_for_log("shop.yaml: it is a pipe or a device, which was read");
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(status.success(), "{log}");
}

#[test]
fn an_empty_configuration_is_broken_at_start_and_at_reload() {
    let folder = Folder::new();
    let config = folder.write("errtally.yaml", "");
    let said = finish(errtally().args(RUN).args(["--config", &config])).failed(2);
    assert!(said.contains("errtally.yaml: it is empty; write a key, or a comment at least"), "{said}");
    let shop = folder.write("shop.yaml", shop_catalog(&["017"]));
    folder.write("errtally.yaml", format!("catalog: {shop:?}\n"));
    let daemon = Daemon::start(&["--config", &config]);
    folder.write("errtally.yaml", "");
    daemon.signal(Signal::HUP);
    wait_for("a reload that fails", || (daemon.scrape().value(SUCCESSFUL, &[]) == Some(0.0)).then_some(()));
    assert!(daemon.get("/api/v1/catalog").text().contains("Shop.017"), "the catalog stays");
}
