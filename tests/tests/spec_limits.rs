//! `spec/limits.md` and `cc_proto::limits` say the same.

use std::path::Path;

/// The rows of the table: name, value.
fn table(text: &str) -> Vec<(String, u64)> {
    text.lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim);
            cells.next()?;
            let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((name.to_owned(), cells.next()?.parse().ok()?))
        })
        .collect()
}

/// The constants of the source, worked out: products and sums of numbers and earlier constants.
fn constants(source: &str) -> Vec<(String, u64)> {
    let mut known: Vec<(String, u64)> = Vec::new();
    for line in source.lines() {
        let Some(rest) = line.strip_prefix("pub const ") else {
            continue;
        };
        let (name, rest) = rest.split_once(':').expect("a constant has a type");
        let value = rest
            .split_once('=')
            .expect("and a value")
            .1
            .trim()
            .trim_end_matches(';');
        let term = |term: &str| -> u64 {
            let factor = |factor: &str| {
                let factor = factor.trim().replace('_', "");
                let named = known
                    .iter()
                    .find(|(name, _)| name.replace('_', "") == factor);
                named.map_or_else(|| factor.parse().expect("a number"), |(_, value)| *value)
            };
            term.split('*').map(factor).product()
        };
        let value = value.split('+').map(term).sum();
        known.push((name.to_owned(), value));
    }
    known
}

#[test]
fn the_table_has_every_constant_with_its_value() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = table(&std::fs::read_to_string(root.join("spec/limits.md")).unwrap());
    let source = root.join("crates/cc-proto/src/limits.rs");
    let constants = constants(&std::fs::read_to_string(source).unwrap());
    assert!(constants.len() > 20);
    assert_eq!(table, constants);
}
