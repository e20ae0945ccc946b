//! The counter that ends all sessions of a user.

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
pub(crate) use new_generation;
