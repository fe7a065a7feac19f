//! The library counts what the reference classifier counts, whatever the bytes and however they
//! are cut into reads.

mod generate;
mod reference;
mod subject;

use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;

use generate::{code, damaged, document, evidence, odd, soup};
use reference::{Catalog, Options};
use subject::Subject;

/// The two classifiers with one catalog and one set of options.
struct Pair {
    catalog: Arc<Catalog>,
    options: Options,
    library: Subject,
}

impl Pair {
    fn embedded(options: Options) -> Self {
        Self { catalog: EMBEDDED.clone(), options, library: Subject::embedded(options) }
    }

    fn custom(catalog: Catalog) -> Self {
        let options = Options::default();
        Self { library: Subject::with_catalog(&catalog, options), catalog: Arc::new(catalog), options }
    }

    /// Compares one input: in one read, cut as given, and, where short, byte by byte.
    fn agree(&self, input: &[u8], cuts: &[Index]) -> Result<(), TestCaseError> {
        let expected = reference::classify(&self.catalog, self.options, input);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        ends.push(input.len());
        ends.sort_unstable();
        let mut start = 0;
        let reads: Vec<&[u8]> =
            ends.into_iter().map(|end| &input[std::mem::replace(&mut start, end)..end]).collect();
        let show = || input[..input.len().min(4000)].escape_ascii();
        let whole = self.library.count([input]);
        prop_assert!(whole == expected, "{}\nlibrary   {whole}\nreference {expected}", show());
        let cut = self.library.count(reads.iter().copied());
        let at: Vec<usize> = reads.iter().map(|read| read.len()).collect();
        prop_assert!(cut == expected, "reads of {at:?}\n{}\nlibrary   {cut}\nreference {expected}", show());
        if input.len() <= 300 {
            let bytewise = self.library.count(input.chunks(1));
            prop_assert!(
                bytewise == expected,
                "byte by byte\n{}\nlibrary   {bytewise}\nreference {expected}",
                show()
            );
        }
        Ok(())
    }
}

static EMBEDDED: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(subject::embedded_catalog()));
static PLAIN: LazyLock<Pair> = LazyLock::new(|| Pair::embedded(Options::default()));
static NO_DISCOVERY: LazyLock<Pair> =
    LazyLock::new(|| Pair::embedded(Options { discovery: false, ..Options::default() }));
static NESTED: LazyLock<Pair> = LazyLock::new(|| Pair::custom(odd::nested()));
static FORMS: LazyLock<Pair> = LazyLock::new(|| Pair::custom(odd::forms()));
static CROWD: LazyLock<Pair> = LazyLock::new(|| Pair::custom(odd::crowd()));
/// Limits around the lengths that buffers and vectors have.
static SMALL_CAPS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    [64, 65, 100, 127, 128, 200, 255, 256, 500, 1000, 1024, 4096]
        .map(|max_record_bytes| Pair::embedded(Options { max_record_bytes, ..Options::default() }))
        .into()
});

/// Bytes that a failure shows as text.
#[derive(Clone)]
struct Input(Vec<u8>);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

fn input(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Input> {
    bytes.prop_map(Input)
}

fn lines(records: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Input> {
    vec(records, 1..4).prop_map(|records| Input(records.join(&b'\n')))
}

fn cases(cases: u32) -> ProptestConfig {
    // A failure worth keeping becomes a golden case, where its reason can be told.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..6)
}

/// Long runs of one byte, which push what follows across the edge of a window.
fn run(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    (select(&b" -.a0_\\=\"{\xff"[..]), 0..longest).prop_map(|(byte, n)| vec![byte; n])
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn arbitrary_bytes(input in input(vec(any::<u8>(), 0..400)), cuts in cuts()) {
        PLAIN.agree(&input.0, &cuts)?;
    }

    #[test]
    fn arbitrary_bytes_of_a_small_alphabet(
        input in input(vec(select(&b"ECSecsCNn.0011\\\"{}:=,- %mu[;\n"[..]), 0..200)), cuts in cuts(),
    ) {
        PLAIN.agree(&input.0, &cuts)?;
        NESTED.agree(&input.0, &cuts)?;
    }

    #[test]
    fn json(input in lines(document(&EMBEDDED)), cuts in cuts()) {
        PLAIN.agree(&input.0, &cuts)?;
    }

    #[test]
    fn damaged_json(input in lines(damaged(&EMBEDDED)), cuts in cuts()) {
        PLAIN.agree(&input.0, &cuts)?;
    }

    #[test]
    fn grammar_soup_without_discovery(input in input(soup(&EMBEDDED, 16)), cuts in cuts()) {
        NO_DISCOVERY.agree(&input.0, &cuts)?;
    }

    #[test]
    fn odd_families(input in input(soup(&NESTED.catalog, 16)), cuts in cuts()) {
        NESTED.agree(&input.0, &cuts)?;
    }

    #[test]
    fn families_of_every_form(input in input(soup(&FORMS.catalog, 16)), cuts in cuts()) {
        FORMS.agree(&input.0, &cuts)?;
    }

    #[test]
    fn families_of_every_form_in_a_small_alphabet(
        input in input(vec(select(&b"ORA-AEMSD.K_c0012\\\"':= %/@[m\x1b\n"[..]), 0..200)), cuts in cuts(),
    ) {
        FORMS.agree(&input.0, &cuts)?;
    }

    #[test]
    fn very_many_families(input in input(soup(&CROWD.catalog, 12)), cuts in cuts()) {
        CROWD.agree(&input.0, &cuts)?;
    }

    #[test]
    fn evidence_for_very_many_families(input in input(evidence(&CROWD.catalog)), cuts in cuts()) {
        CROWD.agree(&input.0, &cuts)?;
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn grammar_soup(input in input(soup(&EMBEDDED, 16)), cuts in cuts()) {
        PLAIN.agree(&input.0, &cuts)?;
    }

    #[test]
    fn evidence_inside_and_outside_of_objects(input in input(evidence(&EMBEDDED)), cuts in cuts()) {
        PLAIN.agree(&input.0, &cuts)?;
    }

    #[test]
    fn records_around_small_limits(
        which in any::<Index>(),
        input in input(vec((run(300), soup(&EMBEDDED, 6)).prop_map(|(run, soup)| [run, soup].concat()), 1..5).prop_map(|parts| parts.concat())),
        cuts in cuts(),
    ) {
        let pair = which.get(&SMALL_CAPS);
        pair.agree(&input.0, &cuts)?;
    }

    #[test]
    fn one_code_around_the_edge_of_a_small_limit(
        which in 0..SMALL_CAPS.len(),
        off in 0usize..80,
        windows in 1usize..3,
        filler in select(&b" .-x\\\xff"[..]),
        code in input(prop_oneof![2 => code(&EMBEDDED), 1 => soup(&EMBEDDED, 3)]),
        after in input(run(200)),
        cuts in cuts(),
    ) {
        let pair = &SMALL_CAPS[which];
        let before = (pair.options.max_record_bytes * windows + 20).saturating_sub(off);
        let input = [&vec![filler; before][..], &code.0, &after.0].concat();
        pair.agree(&input, &cuts)?;
    }
}

proptest! {
    #![proptest_config(cases(60))]

    /// Blocks and windows of the library end at powers of two, if anywhere.
    #[test]
    fn codes_across_the_edges_of_blocks(
        power in 9u32..18,
        short in any::<bool>(),
        off in 0usize..60,
        soup in input(soup(&EMBEDDED, 8)),
        cuts in cuts(),
    ) {
        let edge = (1usize << power).saturating_sub(off);
        let filler: Vec<u8> = if short { b"x y\n".repeat(edge / 4 + 1) } else { vec![b' '; edge + 4] };
        let input = [&filler[..edge], &soup.0, b"\n", &filler, &soup.0].concat();
        PLAIN.agree(&input, &cuts)?;
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn codes_in_records_longer_than_the_default_limit(
        off in 0usize..200,
        start in input(soup(&EMBEDDED, 4)),
        end in input(soup(&EMBEDDED, 12)),
        filler in select(&b" .-x{"[..]),
    ) {
        let input = [&start.0[..], &vec![filler; (1 << 20) + 60 - off], &end.0, b"\n", &end.0].concat();
        PLAIN.agree(&input, &[])?;
    }
}

/// Shapes at which JSON parsers have broken: each around a code, whole and in an array.
#[test]
fn json_of_known_bad_shapes() -> Result<(), TestCaseError> {
    const SHAPES: &[&[u8]] = &[
        b"{}",
        b"[]",
        b"{\"a\":1,}",
        b"[1,]",
        b"[,1]",
        b"{,}",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{a:1}",
        b"{'a':1}",
        b"{\"a\":1 \"b\":2}",
        b"{\"a\":1,\"a\":2}",
        b"{\"\":0}",
        b"[1e400]",
        b"[-1e400]",
        b"[1e-400]",
        b"[123456789012345678901234567890]",
        b"[-123456789012345678901234567890]",
        b"[18446744073709551615]",
        b"[18446744073709551616]",
        b"[-9223372036854775808]",
        b"[-9223372036854775809]",
        b"[01]",
        b"[-]",
        b"[+1]",
        b"[1.]",
        b"[.1]",
        b"[1e]",
        b"[0x1]",
        b"[NaN]",
        b"[Infinity]",
        b"[-0]",
        b"[-0.0]",
        b"[1.7976931348623159e308]",
        b"[tru]",
        b"[nul]",
        b"[True]",
        b"[truee]",
        b"[\"\\ud800\"]",
        b"[\"\\udc00\"]",
        b"[\"\\ud800\\u0041\"]",
        b"[\"\\ud83d\\ude00\"]",
        b"[\"\\ud800\\ud800\"]",
        b"[\"\\u00\"]",
        b"[\"\\x\"]",
        b"[\"\\\"]",
        b"[\"\\u0000\"]",
        b"[\"\x00\"]",
        b"[\"\t\"]",
        b"[\"\x1f\"]",
        b"[\"\x7f\"]",
        b"[\"\xff\"]",
        b"[\"\xc0\x80\"]",
        b"[\"\xed\xa0\x80\"]",
        b"[\"\xf4\x90\x80\x80\"]",
        b"[\"\xe9\"]",
        b"\xef\xbb\xbf[]",
        b"[1]]",
        b"[[1]",
        b"{\"a\":[}",
        b"[1}",
        b"[\"a]",
        b"[1]x",
        b"[1] [2]",
        b"[1]\x00",
        b"[1]\x0c",
        b"[1]\r",
        b"\t [1]",
        b"[1/*c*/]",
        b"[1]//c",
        b"[\"a\" \"b\"]",
        b"[1 2]",
        b"{\"a\":1}}",
        b"{\"a\":{\"b\":[{}]}}",
        b"[\"\\/\\b\\f\\n\\r\\t\"]",
        b"[\xc2\xa0]",
        b"[\x0b]",
        b"{\"a\":\"\xf0\x9f\x98\x80\"}",
        b"[\"\xe2\x80\xa8\"]",
        b"[-1.5E+3]",
        b"[1e+]",
        b"{\"a\":::1}",
    ];
    let pair = &*PLAIN;
    for shape in SHAPES {
        let inner = [&b"[\"Ecs.0114\","[..], shape, b"]"].concat();
        let member = [&b"{\"x\":"[..], shape, b",\"errorCode\":\"Dli.0003\"}"].concat();
        // The shape as the outermost value, with a code in its first string place or behind it.
        let outer = [shape, &b" Ecs.0114"[..]].concat();
        let replaced = match shape.iter().position(|&byte| byte == b'[') {
            Some(at) => [&shape[..=at], b"\"Ecs.0114\",", &shape[at + 1..]].concat(),
            None => outer.clone(),
        };
        for record in [inner, member, outer, replaced] {
            pair.agree(&record, &[])?;
            pair.agree(&[&record[..], b"\r\n", &record].concat(), &[])?;
        }
    }
    Ok(())
}

#[test]
fn json_cut_off_at_every_byte() -> Result<(), TestCaseError> {
    let record = br#" {"errorCode":"Dli.0003","e":[1.5e3,true,null,"\u00e9\ud83d\ude00\\"],"log":"{\"code\":\"Ecs.1000\",\"http_code\":404}"}"#;
    for end in 0..=record.len() {
        PLAIN.agree(&record[..end], &[])?;
    }
    Ok(())
}

#[test]
fn json_of_every_critical_depth() -> Result<(), TestCaseError> {
    for depth in [1, 1022, 1023, 1024, 1025, 1026, 4096, 100_000] {
        let arrays = [&b"[".repeat(depth)[..], b"\"Ecs.0114\"", &b"]".repeat(depth)].concat();
        let objects = [&b"{\"a\":".repeat(depth)[..], b"\"Ecs.0114\"", &b"}".repeat(depth)].concat();
        let mixed =
            [&b"[{\"a\":".repeat(depth / 2)[..], b"[\"Ecs.0114\"]", &b"}]".repeat(depth / 2)].concat();
        let unclosed = [&b"[".repeat(depth)[..], b"\"Ecs.0114\""].concat();
        let in_string = [&b"[\"Ecs.0114 "[..], &b"[{".repeat(depth), b"\"]"].concat();
        let in_turn = [&b"[\"Ecs.0114\""[..], &b",[]".repeat(depth), b"]"].concat();
        for record in [arrays, objects, mixed, unclosed, in_string, in_turn] {
            PLAIN.agree(&record, &[])?;
        }
    }
    Ok(())
}

/// Section 7: the limit on different unknown codes of one record.
#[test]
fn more_unknown_codes_in_one_record_than_are_counted() {
    let families: Vec<u8> = (0..131_082u32).flat_map(|n| format!("CCE.99{n:06} ").into_bytes()).collect();
    let options = Options { max_record_bytes: 1 << 22, ..Options::default() };
    let counted = Subject::embedded(options).count([&families[..]]);
    assert_eq!(counted["unknown"].as_array().map(Vec::len), Some(131_072));
    assert_eq!(counted["matched_records"], 1);
}
