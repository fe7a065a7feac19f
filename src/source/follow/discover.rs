//! Which files there are: patterns to paths, again and again, by a thread of
//! its own, so that a folder of a hundred thousand files, or one on a server
//! that is away, does not hold up reading.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use glob::{MatchOptions, Pattern};

use crate::source::settings::FileSettings;

/// Most files that are followed: the memory of each is bounded, so is theirs.
pub const MOST_FILES: usize = 100_000;

/// A star stands for no slash, and for a leading dot as for any other byte.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Whether `pattern` can be read.
///
/// # Errors
/// When it cannot, with what is wrong.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    Pattern::new(pattern).map(drop).map_err(|e| format!("{} at character {}", e.msg, e.pos + 1))
}

/// What was found at one moment.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, or what else the patterns lead to.
    pub paths: BTreeSet<PathBuf>,
    /// Patterns that lead to nothing.
    pub empty: Vec<String>,
    /// Folders that cannot be read, and why.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// There are more files than are followed.
    pub too_many: bool,
}

/// The patterns, made ready.
#[derive(Debug)]
pub struct Patterns {
    paths: Vec<(String, Vec<Part>)>,
    exclude: Vec<Pattern>,
    /// Those that are held against the name alone.
    exclude_names: Vec<Pattern>,
}

/// What stands between two slashes of a pattern.
#[derive(Debug)]
enum Part {
    /// A name.
    Name(String),
    /// Names.
    Names(Pattern),
    /// `**`: this folder and all below it. Links are not followed, which may
    /// lead in circles.
    Below,
}

impl Patterns {
    /// Of settings that were checked: a pattern that cannot be read is none.
    pub fn new(settings: &FileSettings) -> Patterns {
        let absolute = |pattern: &str| {
            let path = std::path::absolute(pattern).ok();
            path.and_then(|path| path.into_os_string().into_string().ok())
                .unwrap_or_else(|| pattern.to_owned())
        };
        let read = |pattern: &str| Pattern::new(pattern).ok();
        let (by_path, by_name): (Vec<&String>, Vec<&String>) =
            settings.exclude.iter().partition(|pattern| pattern.contains('/'));
        let paths = settings.paths.iter().map(|pattern| {
            let pattern = absolute(pattern);
            let parts = parts(&pattern);
            (pattern, parts)
        });
        Patterns {
            paths: paths.collect(),
            exclude: by_path.into_iter().filter_map(|p| read(&absolute(p))).collect(),
            exclude_names: by_name.into_iter().filter_map(|p| read(p)).collect(),
        }
    }

    fn is_excluded(&self, path: &Path) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches_path_with(path, MATCHING))
            || path.file_name().is_some_and(|name| {
                self.exclude_names.iter().any(|p| p.matches_path_with(Path::new(name), MATCHING))
            })
    }

    /// Looks for files.
    pub fn find(&self) -> Found {
        let mut found = Found::default();
        for (pattern, parts) in &self.paths {
            let mut any = false;
            walk(Path::new("/"), parts, &mut found.unreadable, &mut |path| {
                any = true;
                if self.is_excluded(&path) {
                    return;
                }
                if found.paths.len() >= MOST_FILES && !found.paths.contains(&path) {
                    found.too_many = true;
                } else {
                    found.paths.insert(path);
                }
            });
            if !any {
                found.empty.push(pattern.clone());
            }
        }
        found
    }
}

fn parts(pattern: &str) -> Vec<Part> {
    let is_glob = |part: &str| part.contains(['*', '?', '[']);
    let mut parts: Vec<Part> = Vec::new();
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        match Pattern::new(part) {
            _ if part == "**" => parts.push(Part::Below),
            Ok(pattern) if is_glob(part) => parts.push(Part::Names(pattern)),
            _ => parts.push(Part::Name(part.to_owned())),
        }
    }
    if matches!(parts.last(), Some(Part::Below)) {
        parts.extend(Pattern::new("*").ok().map(Part::Names));
    }
    parts
}

/// Gives what `parts` lead to from `folder` on, but for folders.
fn walk(
    folder: &Path,
    parts: &[Part],
    unreadable: &mut Vec<(PathBuf, io::Error)>,
    to: &mut impl FnMut(PathBuf),
) {
    let (part, rest) = match parts {
        [] => return,
        [Part::Name(name), rest @ ..] => {
            let path = folder.join(name);
            if !rest.is_empty() {
                walk(&path, rest, unreadable, to);
            } else if std::fs::metadata(&path).is_ok_and(|found| !found.is_dir()) {
                to(path);
            }
            return;
        }
        [part, rest @ ..] => (part, rest),
    };
    if matches!(part, Part::Below) {
        walk(folder, rest, unreadable, to);
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // What is not there, or has gone meanwhile, holds nothing.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return,
        Err(e) => {
            // `**` comes twice.
            if unreadable.last().is_none_or(|(path, _)| path != folder) {
                unreadable.push((folder.to_owned(), e));
            }
            return;
        }
    };
    for entry in entries.flatten() {
        let kind = entry.file_type();
        let is_folder = kind.as_ref().is_ok_and(|kind| kind.is_dir());
        let is_link = kind.is_ok_and(|kind| kind.is_symlink());
        match part {
            Part::Below if is_folder => walk(&entry.path(), parts, unreadable, to),
            Part::Names(pattern) if pattern.matches_path_with(Path::new(&entry.file_name()), MATCHING) => {
                if !rest.is_empty() && (is_folder || is_link) {
                    walk(&entry.path(), rest, unreadable, to);
                } else if rest.is_empty() && !is_folder {
                    to(entry.path());
                }
            }
            _ => {}
        }
    }
}

/// The thread that looks, and what it has found last.
#[derive(Debug)]
pub struct Discovery(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    found: Option<Found>,
    /// Looks that were begun.
    begun: u64,
    wanted: bool,
    closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, patterns: &Patterns, interval: Duration) {
        loop {
            self.lock().begun += 1;
            let found = patterns.find();
            let until = Instant::now() + interval;
            let mut state = self.lock();
            state.found = Some(found);
            self.changed.notify_all();
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if state.closing {
                    return;
                }
                if left.is_zero() || std::mem::take(&mut state.wanted) {
                    break;
                }
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl Discovery {
    /// Begins to look, at once and then every `interval`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(patterns: Patterns, interval: Duration) -> io::Result<Discovery> {
        let shared = Arc::<Shared>::default();
        let looking = shared.clone();
        let run = move || looking.run(&patterns, interval);
        thread::Builder::new().name("discovery".to_owned()).spawn(run)?;
        Ok(Discovery(shared))
    }

    /// What there is now, where that is known by `until`.
    pub fn look(&self, until: Instant) -> Option<Found> {
        let mut state = self.0.lock();
        let before = state.begun;
        loop {
            // A look that is under way may have passed by already.
            if state.begun > before
                && let Some(found) = state.found.take()
            {
                return Some(found);
            }
            state.found = None;
            state.wanted = true;
            self.0.changed.notify_all();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What was found since it was last asked.
    pub fn take(&self) -> Option<Found> {
        self.0.lock().found.take()
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.0.lock().closing = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_they_say() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().display().to_string();
        std::fs::create_dir_all(folder.path().join("a/b")).expect("folders");
        for name in ["x.log", "x.log.gz", "a/y.log", "a/b/z.log", "a/b/.hidden.log"] {
            std::fs::write(folder.path().join(name), "x\n").expect("a file");
        }
        let find = |paths: &[&str], exclude: &[&str]| {
            let place = |list: &[&str]| list.iter().map(|p| p.replace('~', &base)).collect();
            let settings =
                FileSettings { paths: place(paths), exclude: place(exclude), ..FileSettings::default() };
            let found = Patterns::new(&settings).find();
            let names = found.paths.iter().map(|p| p.display().to_string()[base.len() + 1..].to_owned());
            let names: Vec<String> = names.collect();
            (names, found.empty.len())
        };
        assert_eq!(find(&["~/*.log"], &[]), (vec!["x.log".to_owned()], 0));
        assert_eq!(find(&["~/x.log", "~/x*"], &["*.gz"]), (vec!["x.log".to_owned()], 0));
        let all = ["a/b/.hidden.log", "a/b/z.log", "a/y.log", "x.log"].map(str::to_owned).to_vec();
        assert_eq!(find(&["~/**/*.log"], &[]), (all, 0));
        assert_eq!(find(&["~/**/*.log"], &["~/a/**", "x*"]), (vec![], 0));
        assert_eq!(find(&["~/*.txt", "~/x.log"], &[]), (vec!["x.log".to_owned()], 1));
        assert!(
            check_pattern("a[").is_err() && check_pattern("***").is_err() && check_pattern("**/*").is_ok()
        );
    }
}
