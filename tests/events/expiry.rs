//! Labelled series that are idle leave the exposition, and come back with their value.

use crate::support::daemon::Daemon;
use crate::support::wait_for;

const ERRORS: &str = "errtally_errors_total";
const SERVICE: &str = "errtally_api_service_errors_total";

#[test]
fn an_idle_series_leaves_and_comes_back_with_its_value() {
    let mut daemon = Daemon::start(&["--labels", "app=app", "--label-expiry", "1s"]);
    let web = [("code", "CCE.01400007"), ("app", "web")];
    let by_service = [("api_service", "CCE"), ("category", "quota"), ("app", "web")];
    daemon.write("app=web CCE.01400007\n".repeat(3) + "CCE.01400007\n");
    let first = daemon.wait_for_records(4);
    assert_eq!(first.value(ERRORS, &web), Some(3.0));
    assert_eq!(first.value(SERVICE, &by_service), Some(3.0));
    let gone = wait_for("the series leaves", || {
        let scrape = daemon.scrape();
        scrape.value(ERRORS, &web).is_none().then_some(scrape)
    });
    assert_eq!(gone.value(SERVICE, &by_service), None);
    // Without labels it is no matter of theirs.
    assert_eq!(gone.value(ERRORS, &[("code", "CCE.01400007"), ("app", "")]), Some(1.0));
    assert_eq!(gone.of(ERRORS, &[("app", "")]).count(), first.of(ERRORS, &[("app", "")]).count());
    daemon.write("app=web CCE.01400007\n");
    let back = daemon.wait_for_records(5);
    assert_eq!(back.value(ERRORS, &web), Some(4.0), "it goes on, or rates would be wrong");
    assert_eq!(back.value(SERVICE, &by_service), Some(4.0));
}

#[test]
fn late_series_leave_too() {
    let args = ["--labels", "app=app", "--label-expiry", "1s", "--late-after", "1h"];
    let mut daemon = Daemon::start(&args);
    let late = "errtally_late_errors_total";
    daemon.write("time=2020-01-01T00:00:00Z app=web Ecs.0114\n");
    assert_eq!(daemon.wait_for_records(1).sum(late, &[("app", "web")]), 1.0);
    wait_for("it leaves", || (daemon.scrape().of(late, &[]).count() == 0).then_some(()));
    daemon.write("time=2020-01-01T00:00:00Z app=web Ecs.0114\n");
    assert_eq!(daemon.wait_for_records(2).sum(late, &[("app", "web")]), 2.0);
}

#[test]
fn never_by_default() {
    let mut idle = Daemon::start(&["--labels", "app=app"]);
    let mut short = Daemon::start(&["--labels", "app=app", "--label-expiry", "1s"]);
    for daemon in [&mut idle, &mut short] {
        daemon.write("app=web Ecs.0114\n");
        daemon.wait_for_records(1);
    }
    // When the other has let go of its series, this one had as much time.
    let web = [("code", "Ecs.0114"), ("app", "web")];
    wait_for("the other's leaves", || short.scrape().value(ERRORS, &web).is_none().then_some(()));
    assert_eq!(idle.scrape().value(ERRORS, &web), Some(1.0));
}
