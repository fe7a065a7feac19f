//! How often the rules agree with people, service by service: lines of service,
//! category, retryable, statuses, message and description, with tabs between them.

use std::collections::BTreeMap;
use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let shown = std::env::args().nth(1);
    let (mut services, mut pairs) =
        (BTreeMap::<&str, [usize; 4]>::new(), BTreeMap::<(String, String), usize>::new());
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [service, category, retryable, statuses, message, description, ..] = fields[..] else { continue };
        let statuses: Vec<u16> = statuses.split('/').filter_map(|s| s.parse().ok()).collect();
        let draft = errtally_import::judge::judge(&statuses, message, description);
        let (own, again, sure) = match &draft {
            Some(d) => (d.category, d.retryable, d.confidence >= errtally_import::judge::SURE),
            None => ("success", false, true),
        };
        let counts = services.entry(service).or_default();
        counts[0] += 1;
        counts[1] += usize::from(own == category);
        counts[2] += usize::from(own == category && again == (retryable == "true"));
        counts[3] += usize::from(sure);
        if own != category {
            *pairs.entry((category.to_owned(), own.to_owned())).or_default() += 1;
            if shown.as_deref().is_some_and(|s| s == service || s == "all") {
                println!("{category} -> {own}: {statuses:?} {message} || {description} {draft:?}");
            }
        }
    }
    let mut all = [0; 4];
    for (service, counts) in &services {
        all.iter_mut().zip(counts).for_each(|(a, c)| *a += c);
        let share = |n: usize| 100.0 * n as f64 / counts[0] as f64;
        println!(
            "{service:14} {:5} rows, category {:5.1} %, with retryable {:5.1} %, sure {:5.1} %",
            counts[0],
            share(counts[1]),
            share(counts[2]),
            share(counts[3])
        );
    }
    let share = |n: usize| 100.0 * n as f64 / all[0] as f64;
    println!(
        "all            {:5} rows, category {:5.1} %, with retryable {:5.1} %, sure {:5.1} %",
        all[0],
        share(all[1]),
        share(all[2]),
        share(all[3])
    );
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for ((people, rules), n) in pairs.iter().take(15) {
        println!("{n:5} {people} -> {rules}");
    }
    Ok(())
}
