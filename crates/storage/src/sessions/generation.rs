//! The counters that end all sessions and all tokens of a user.

/// The columns that a statement sets to end all sessions of a user, whatever any clock says. The moment is for the previous
/// version of the program, which compares it; this one does not.
macro_rules! new_generation {
    ($now:expr) => {{
        let now: i64 = $now.micros();
        let later = ::diesel::dsl::case_when(
            users::tokens_valid_after.lt(now),
            ::diesel::IntoSql::into_sql::<::diesel::sql_types::BigInt>(now),
        );
        (
            users::generation.eq(users::generation + 1),
            users::tokens_valid_after.eq(later.otherwise(users::tokens_valid_after)),
        )
    }};
}
/// The columns that a statement sets to end all tokens of a user.
macro_rules! new_token_generation {
    () => {
        users::token_generation.eq(users::token_generation + 1)
    };
}
pub(crate) use new_generation;
pub(crate) use new_token_generation;
