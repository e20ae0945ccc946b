//! Which known name an unknown one may be meant for.

use super::table;

/// How alike two names are that may be meant for each other, from 0 to 1.
const ALIKE: f64 = 0.7;
/// What others call a part of a name, and what it is called here.
const CALLED_HERE: [(&str, &str); 2] = [("_CLIENT_ID", "_KEY"), ("_CLIENT_SECRET", "_SECRET")];

/// The known name that is most like this one, regardless of letter case, if one is.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(&name, &known.to_ascii_lowercase());
    let rated = known.into_iter().map(|known| (likeness(known), known));
    let alike = rated.filter(|(likeness, _)| *likeness >= ALIKE);
    alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

/// What is said about a key of the settings file that is neither a setting nor one of these tables. Its own letter case is kept.
pub(super) fn unknown_setting(key: &str, tables: &[&'static str]) -> String {
    let names = || table::rows().map(|row| row.name);
    let near = called_here(key).or_else(|| nearest(key, names().chain(tables.iter().copied())));
    let is_small = key.chars().any(char::is_lowercase);
    let near = near.map(|near| if is_small { near.to_ascii_lowercase() } else { near.to_owned() });
    unknown(key, near.as_deref())
}

/// What is said about a key that a table does not have, and which of its keys may be meant.
pub(super) fn unknown_key(
    key: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> (String, Option<&'static str>) {
    let near = nearest(key, known);
    let is_setting = || table::is_known(&key.to_ascii_uppercase());
    if near.is_none() && is_setting() {
        // In TOML all that stands below the head of a table belongs to it.
        let reason = "it is a setting of its own; write it above the first [table] of the file";
        return (format!("unknown key {key:?}: {reason}"), None);
    }
    (unknown(key, near), near)
}

fn unknown(key: &str, near: Option<&str>) -> String {
    let question = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    format!("unknown key {key:?}{question}")
}

fn called_here(key: &str) -> Option<&'static str> {
    let key = key.to_ascii_uppercase();
    let own =
        CALLED_HERE.iter().find_map(|(theirs, ours)| Some(format!("{}{ours}", key.strip_suffix(theirs)?)));
    own.and_then(|own| table::find(&own)).map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keys_finds_the_name_that_was_meant() {
        for (key, meant) in [
            ("ALLOWED_ORIGIN", "ALLOWED_ORIGINS"),
            ("alowed_origins", "allowed_origins"),
            ("GITHUB_SECERT", "GITHUB_SECRET"),
            ("user_token_tll", "user_token_ttl"),
            ("google_client_id", "google_key"),
            ("GITHUB_CLIENT_SECRET", "GITHUB_SECRET"),
        ] {
            assert_eq!(unknown_setting(key, &[]), format!("unknown key {key:?}; did you mean {meant}?"));
        }
    }

    #[test]
    fn what_is_like_no_name_is_named_alone() {
        assert_eq!(
            unknown_setting("provider", &["providers"]),
            "unknown key \"provider\"; did you mean providers?"
        );
        for key in ["smtp_host", "x", "", "ä"] {
            assert_eq!(unknown_setting(key, &[]), format!("unknown key {key:?}"));
        }
    }

    #[test]
    fn the_nearest_of_several_is_the_one() {
        assert_eq!(nearest("timout", ["queue", "timeout", "tint"]), Some("timeout"));
        assert_eq!(
            nearest("client_secret_fil", ["client_secret", "client_secret_file"]),
            Some("client_secret_file")
        );
        assert_eq!(nearest("timeout", []), None);
    }

    #[test]
    fn a_setting_below_the_head_of_a_table_is_told_its_place() {
        let (reason, near) = unknown_key("listen", ["timeout"]);
        assert!(reason.contains("above the first [table]") && near.is_none(), "{reason}");
    }
}
