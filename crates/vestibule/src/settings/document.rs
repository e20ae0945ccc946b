//! What the table of settings becomes for people: the list of `vestibule serve --help`, and the tables of docs/settings.md.

use std::fmt::Write as _;

use super::keys::{KeyRow, app, plugin, provider};
use super::setting::{Default, Row, Setting};
use super::table::SECTIONS;

/// A line of the document behind which a table stands, up to its title.
const MARK: &str = "<!-- settings: ";
const END_OF_MARK: &str = " -->";

/// All settings with their defaults, for a terminal.
pub(crate) fn help() -> String {
    let mut text =
        "Settings, and their defaults; in vestibule.toml the names stand in small letters:\n".to_owned();
    for (title, rows) in SECTIONS {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\n{title}:");
        for row in *rows {
            let default = default_of(row).replace('`', "");
            let _ = writeln!(text, "  {} [{default}]\n          {}", row.name, row.sentence());
        }
    }
    text
}

/// One setting with its default, for the flag that sets it.
pub(crate) fn help_of<T>(setting: &Setting<T>) -> String {
    let row = setting.row();
    format!("{} [default: {}]", row.sentence(), default_of(&row).replace('`', ""))
}

/// A document in which the table behind each mark is written anew. An error names a mark that no table belongs to.
pub(crate) fn write_tables(document: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut is_in_table = false;
    for line in document.lines() {
        is_in_table &= line.starts_with('|');
        if is_in_table {
            continue;
        }
        text += line;
        text.push('\n');
        if let Some(title) = line.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(END_OF_MARK)) {
            text +=
                &table_of(title).ok_or_else(|| format!("there is no table of settings called {title:?}"))?;
            is_in_table = true;
        }
    }
    Ok(text)
}

fn table_of(title: &str) -> Option<String> {
    match title {
        "[providers.NAME]" => Some(table("key", provider::ROWS.iter().map(cells_of_key))),
        "[apps.NAME]" => Some(table("key", app::ROWS.iter().map(cells_of_key))),
        "[plugin.ALIAS]" => Some(table("key", plugin::ROWS.iter().map(cells_of_key))),
        _ => {
            let (_, rows) = SECTIONS.iter().find(|(section, _)| *section == title)?;
            Some(table("name", rows.iter().map(cells_of_setting)))
        }
    }
}

fn table(first: &str, rows: impl Iterator<Item = [String; 3]>) -> String {
    let mut text = format!("| {first} | meaning | default |\n| --- | --- | --- |\n");
    for [name, meaning, default] in rows {
        let _ = writeln!(text, "| `{name}` | {meaning} | {default} |");
    }
    text
}

fn cells_of_setting(row: &Row) -> [String; 3] {
    let mark = if row.is_secret { "*secret*. " } else { "" };
    let (sentence, details) = (row.sentence(), row.details());
    let more =
        if details.is_empty() { String::new() } else { format!(". {}", details.trim_end_matches('.')) };
    [row.name.to_owned(), format!("{mark}{sentence}{more}"), default_of(row)]
}

fn cells_of_key(row: &KeyRow) -> [String; 3] {
    let meaning = row.meaning.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    [row.name.to_owned(), meaning, row.default.to_owned()]
}

fn default_of(row: &Row) -> String {
    let usual = match row.default {
        Default::Value(text) => format!("`{text}`"),
        Default::Absent(words) => words.to_owned(),
    };
    match row.development {
        Some(text) => format!("{usual}, with `--dev` `{text}`"),
        None => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::table::{find_mistake, rows};

    #[test]
    fn the_document_has_the_same_tables() {
        let document = include_str!("../../../../docs/settings.md");
        assert_eq!(document, write_tables(document).unwrap(), "run `make settings`");
    }

    #[test]
    fn the_document_has_every_table() {
        let document = include_str!("../../../../docs/settings.md");
        let keys = ["[providers.NAME]", "[plugin.ALIAS]"];
        for title in SECTIONS.iter().map(|(title, _)| *title).chain(keys) {
            let mark = format!("{MARK}{title}{END_OF_MARK}\n");
            assert_eq!(document.matches(&mark).count(), 1, "{mark}");
        }
        assert!(write_tables("<!-- settings: Lissening -->").unwrap_err().contains("Lissening"));
    }

    #[test]
    fn a_table_takes_the_place_of_the_one_before_and_of_nothing_else() {
        let mark = "<!-- settings: Audit trail -->";
        let written =
            write_tables(&format!("before\n{mark}\n| old |\n| older |\n\nbehind\n| another |\n")).unwrap();
        let (start, end) =
            (format!("before\n{mark}\n| name | meaning | default |\n"), "\n\nbehind\n| another |\n");
        assert!(
            written.starts_with(&start) && written.ends_with(end) && !written.contains("old"),
            "{written}"
        );
    }

    #[test]
    fn every_default_is_a_value_that_the_setting_can_have() {
        for row in rows() {
            let usual = if let Default::Value(text) = row.default { Some(text) } else { None };
            for text in usual.into_iter().chain(row.development) {
                assert_eq!(find_mistake(row.name, text), None, "{}: {text}", row.name);
            }
        }
    }

    #[test]
    fn every_sentence_fits_into_a_line_of_the_help_and_ends_without_a_full_stop() {
        for row in rows() {
            let sentence = row.sentence();
            assert!(!sentence.is_empty() && sentence.len() <= 88 && !sentence.ends_with('.'), "{}", row.name);
        }
    }
}
