//! The list of attacks and the tests that close them. docs/security.md has the same as a table.
//!
//! A new attack is a new [`Row`] in the file of its group. A new test begins with the id of its row, in lower case, and
//! stands in the row. When a row has changed, the test of the document writes the table anew, beside what was built,
//! and says where.

mod authorize;
mod exhaustion;
mod headers;
mod keys;
mod leaks;
mod lent;
mod merging;
mod redirects;
mod sources;
mod state;
mod tokens;
mod usernames;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use crate::documents::markdown::{Document, repository};

/// One attack.
struct Row {
    /// A letter for the group and a number within it.
    id: &'static str,
    /// 0 blocks any release, 1 comes next.
    priority: u8,
    /// What is tried.
    attack: &'static str,
    /// What becomes of it.
    outcome: &'static str,
    /// Why there is no test, or what does not exist here.
    remark: &'static str,
    /// The tests, by the names that the runner prints. Those of a crate are behind the name of the package.
    tests: &'static [&'static str],
}

/// The groups and how many rows each has.
const GROUPS: [(&str, &[Row], usize); 11] = [
    ("A", redirects::ROWS, 10),
    ("B", state::ROWS, 12),
    ("C", merging::ROWS, 18),
    ("D", tokens::ROWS, 9),
    ("E", authorize::ROWS, 9),
    ("F", usernames::ROWS, 8),
    ("G", headers::ROWS, 13),
    ("H", lent::ROWS, 20),
    ("K", exhaustion::ROWS, 12),
    ("M", keys::ROWS, 7),
    ("N", leaks::ROWS, 6),
];

/// The groups of which some rows are about what does not exist yet.
const IN_PARTS: [&str; 1] = ["H"];

const HEADING: &str = "| | attack | what becomes of it | tests |\n| --- | --- | --- | --- |\n";

fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|(_, rows, _)| rows.iter())
}

#[test]
fn every_row_is_there_once_and_in_order() {
    for (group, rows, count) in GROUPS {
        let ids: Vec<_> = rows.iter().map(|row| row.id.to_owned()).collect();
        let all = (1..=count).map(|number| format!("{group}{number}"));
        let expected: Vec<_> = all.filter(|id| !IN_PARTS.contains(&group) || ids.contains(id)).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn every_row_says_what_becomes_of_the_attack_or_why_it_cannot_be_made() {
    for row in rows() {
        assert!(!row.attack.is_empty() && row.priority <= 1, "{}", row.id);
        assert!(!row.outcome.is_empty() || row.tests.is_empty(), "{}: an outcome", row.id);
        assert!(!row.tests.is_empty() || !row.remark.is_empty(), "{}: neither tests nor a reason", row.id);
        for text in [row.attack, row.outcome, row.remark] {
            assert!(!text.contains(" | ") && !text.contains('\n'), "{}: {text:?} breaks the table", row.id);
        }
    }
}

#[test]
fn every_test_of_a_row_exists_and_bears_its_id() {
    let known = sources::tests();
    for row in rows() {
        let unknown: Vec<_> = row.tests.iter().filter(|test| !known.contains(**test)).collect();
        assert!(unknown.is_empty(), "{}: there is no {unknown:#?}", row.id);
        let strangers: Vec<_> = row.tests.iter().filter(|test| !ids_of(test).contains(row.id)).collect();
        assert!(strangers.is_empty(), "{}: {strangers:#?} are about something else", row.id);
        let distinct: BTreeSet<_> = row.tests.iter().collect();
        assert_eq!(distinct.len(), row.tests.len(), "{}: a test stands twice", row.id);
    }
}

/// A letter or a number that is mistyped in the name of a test would hide it.
#[test]
fn no_test_bears_the_id_of_a_row_that_does_not_exist() {
    let in_parts = GROUPS.iter().filter(|(group, ..)| IN_PARTS.contains(group));
    let to_come =
        in_parts.flat_map(|(group, _, count)| (1..=*count).map(move |number| format!("{group}{number}")));
    let known: BTreeSet<_> = rows().map(|row| row.id.to_owned()).chain(to_come).collect();
    let groups: BTreeSet<_> = GROUPS.iter().filter_map(|(group, ..)| group.chars().next()).collect();
    for test in sources::tests() {
        let ours = ids_of(&test).into_iter().filter(|id| id.starts_with(|letter| groups.contains(&letter)));
        let unknown: Vec<_> = ours.filter(|id| !known.contains(id)).collect();
        assert!(unknown.is_empty(), "{test}: {unknown:?}");
    }
}

/// What an attack does by requests is tested by requests.
#[test]
fn a_row_has_a_test_of_the_whole_service_unless_it_says_why_not() {
    for row in rows().filter(|row| row.remark.is_empty()) {
        assert!(row.tests.iter().any(|test| asks_whole_service(test)), "{} is tested inside alone", row.id);
    }
}

/// Whether a test makes its requests to the built program, or to the service as it is assembled in the process of the test.
fn asks_whole_service(test: &str) -> bool {
    !test.contains(' ') || test.starts_with("vestibule-http::api ")
}

#[test]
fn the_document_has_the_same_table() {
    let expected = table();
    let document = Document::read("docs/security.md").text;
    if !document.contains(&expected) {
        let path = repository().join("target/threats.md");
        fs::write(&path, expected).unwrap();
        panic!("the table in docs/security.md is to be that of {}", path.display());
    }
    assert_eq!(document.matches(HEADING).count(), 1);
}

/// The ids that the name of a test begins with, as the list writes them.
fn ids_of(test: &str) -> BTreeSet<String> {
    let name = test.rsplit([':', ' ']).next().unwrap_or(test);
    let words = name.split('_').take_while(|word| sources::is_id(word));
    words.map(str::to_uppercase).collect()
}

fn table() -> String {
    rows().fold(HEADING.to_owned(), |mut table, row| {
        let Row { id, attack, outcome, remark, .. } = row;
        let outcome = [*outcome, *remark].into_iter().filter(|text| !text.is_empty());
        let outcome = outcome.map(in_sentences).collect::<Vec<_>>().join(" ");
        writeln!(table, "| {id} | {attack} | {outcome} | {} |", cell(row.tests)).unwrap();
        table
    })
}

/// The same with a capital letter and a full stop, unless it begins with code.
fn in_sentences(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let text: String = first.into_iter().chain(letters).collect();
    if text.ends_with('.') { text } else { format!("{text}.") }
}

/// The tests of the whole service by name, and how many are beneath in which packages.
fn cell(tests: &[&str]) -> String {
    let (outside, inside): (Vec<&str>, Vec<&str>) = tests.iter().partition(|test| asks_whole_service(test));
    let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
    for test in inside {
        let package = test.split([' ', ':']).next().unwrap_or_default();
        *packages.entry(package).or_default() += 1;
    }
    let outside = outside.into_iter().map(|test| format!("`{test}`"));
    let inside = packages.into_iter().map(|(package, count)| format!("{count} in {package}"));
    outside.chain(inside).collect::<Vec<_>>().join("<br>")
}
