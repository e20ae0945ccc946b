//! Users whom nobody signed in: rows as the program writes them.

/// As large as a column of digits allows, and prime, so that each number has one place.
const MODULUS: u64 = 899_999_999_999_983;
/// Scatters the ids, as random ones are.
const FACTOR: u64 = 3_370_191_003_937;

/// Statements that add so many users, each with an identity, a verified address and a session of two weeks.
pub(crate) fn statements(count: u64, now_micros: i64) -> Vec<String> {
    let day = 86_400_000_000;
    let (joined, over) = (now_micros - day, now_micros + 13 * day);
    // A number below a million times this factor stays below 2^63.
    let scattered = format!("CAST(100000000000000 + (n * {FACTOR}) % {MODULUS} AS TEXT)");
    let id = format!("{scattered} || {scattered} || '00'");
    let each = |columns: &str, values: &str| {
        format!(
            "INSERT INTO {columns} WITH RECURSIVE numbers(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers \
             WHERE n < {count}) SELECT {values} FROM numbers"
        )
    };
    vec![
        each(
            "users (id, name, email, avatar_url, attributes, join_date, tokens_valid_after)",
            &format!(
                "{id}, 'A Person Of Many', 'many-' || n || '@example.com', \
                 'https://pictures.example.com/' || n || '.jpg', '{{}}', {joined}, 0"
            ),
        ),
        each(
            "identities (issuer, subject, user_id, email, email_verified, last_used_at, provider)",
            &format!(
                "'https://accounts.example.com', 'many-' || n, {id}, 'many-' || n || '@example.com', true, \
                 {joined}, 'google'"
            ),
        ),
        each("verified_emails (address, user_id)", &format!("'many-' || n || '@example.com', {id}")),
        each(
            "sessions (id, user_id, provider_id, created_at, last_seen_at, expires_at, issuer)",
            &format!(
                "{id} || '0', {id}, 'google:many-' || n, {joined}, {joined}, {over}, 'https://accounts.example.com'"
            ),
        ),
    ]
}
