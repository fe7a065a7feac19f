//! How many connections there may be within the descriptors of the process: the
//! server of `/metrics` needs some, whatever senders do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::connections;
use crate::config::{Settings, SourceKind, SourceSettings};

/// Descriptors that are left for everything that is neither a connection nor a
/// followed file.
const OTHERS: u64 = 64;

/// Most connections to `source`. The limit of the process is raised as far as
/// it may be; where that is not enough, sources share what there is.
pub fn most_connections(source: &SourceSettings, settings: &Settings) -> usize {
    let inputs = settings.inputs();
    let files = inputs.iter().filter(|s| s.kind == SourceKind::File).map(|s| s.file.max_open).sum::<usize>();
    let others = OTHERS + (settings.http.max_connections + files) as u64;
    let senders: usize = inputs.iter().map(connections).sum();
    let limit = raise(others + senders as u64);
    let sharing = inputs.iter().filter(|source| connections(source) > 0).count().max(1);
    let share = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit.saturating_sub(others)).unwrap_or(usize::MAX) / sharing
    });
    let wanted = source.socket.max_connections;
    let most = wanted.min(share.max(1));
    if most < wanted {
        tracing::warn!(
            source = source.name,
            "socket.max_connections is {wanted}, and this process may have {} descriptors, {others} of them for \
             others: {most} connections are taken; raise the limit (ulimit -n, LimitNOFILE)",
            limit.unwrap_or(0)
        );
    }
    most
}

/// Raises the limit to `wanted` where it is lower and may be raised; gives the
/// limit, where there is one.
fn raise(wanted: u64) -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current?;
    if now >= wanted {
        return Some(now);
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted)).max(now);
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => Some(raised),
        Err(_) => Some(now),
    }
}
