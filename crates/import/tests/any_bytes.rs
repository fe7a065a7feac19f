//! Nothing panics, whatever a page is; what is written is read again.

use errtally_import::{draft, file, read, title};
use proptest::prelude::*;

/// Pieces of which pages are made, whole and broken.
fn page() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("+----+------+\n".to_owned()),
        Just("+====+======+\n".to_owned()),
        Just("| Error Code | Status Code | Message |\n".to_owned()),
        Just("|----|---|---|\n".to_owned()),
        Just("==== ====\n".to_owned()),
        Just(".. list-table::\n   :header-rows: 1\n\n   * - Code\n     - Message\n".to_owned()),
        Just(".. csv-table::\n   :header: Code, Message\n\n".to_owned()),
        Just("   A.0001, \"x\"\n".to_owned()),
        Just("<table><tr><th rowspan=99999999>Code<td colspan=0>".to_owned()),
        Just("</table>".to_owned()),
        Just("<thead><tr><th>Error Code</th><th>Message</th></tr></thead>".to_owned()),
        Just("<td>A.0001/002</td><td rowspan=0>x<ol><li>".to_owned()),
        Just("| A. 0001 | 404/500 | **x** :ref:`y <z>` |\n".to_owned()),
        Just("错误码,状态码,错误信息\n".to_owned()),
        Just("```\n".to_owned()),
        "[ -~\n]{0,24}",
        "\\PC{0,8}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_in_any_form(bytes in proptest::collection::vec(any::<u8>(), 0..400), name in "(a.rst|a.md|a.html|a.csv|a.tsv|-)") {
        let reading = read(&name, &bytes);
        let _ = (title(&name, &bytes), draft("A", "A", "a", &reading.rows, &[]));
    }

    #[test]
    fn any_page_in_any_form(text in page(), name in "(a.rst|a.md|a.html|a.csv|a.tsv|-)") {
        let reading = read(&name, text.as_bytes());
        prop_assert!(reading.rows_seen >= reading.refused.len() + reading.merged.len());
        let _ = title(&name, text.as_bytes());
        let file = draft("A", "A", "a", &reading.rows, &[]).file;
        if !file.rows.is_empty() {
            let mut again = file::parse(&file.to_yaml()).expect("YAML").file;
            again.rows.iter_mut().zip(&file.rows).for_each(|(a, b)| a.note.clone_from(&b.note));
            prop_assert_eq!(again, file);
        }
    }

    #[test]
    fn any_catalog_file(text in "\\PC{0,200}") {
        let _ = file::parse(&text);
    }
}
