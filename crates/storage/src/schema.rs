//! The tables as diesel sees them. The truth is in `migrations/`.

diesel::table! {
    schema_migrations (version) {
        version -> Integer,
        name -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        username -> Nullable<Text>,
        username_key -> Nullable<Text>,
        name -> Nullable<Text>,
        email -> Nullable<Text>,
        avatar_url -> Nullable<Text>,
        attributes -> Text,
        join_date -> BigInt,
        disabled_at -> Nullable<BigInt>,
        tokens_valid_after -> BigInt,
        generation -> BigInt,
        kind -> Text,
        token_generation -> BigInt,
    }
}

diesel::table! {
    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Text,
        login -> Nullable<Text>,
        email -> Nullable<Text>,
        email_verified -> Bool,
        last_used_at -> BigInt,
        provider -> Text,
        claims -> Text,
        organizations -> Text,
        email_by_authority -> Bool,
    }
}

diesel::table! {
    verified_emails (address) {
        address -> Text,
        user_id -> Text,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        provider_id -> Text,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        user_agent -> Nullable<Text>,
        ip -> Nullable<Text>,
        generation -> BigInt,
        issuer -> Text,
        kind -> Text,
        signed_in_at -> BigInt,
        auth_time -> BigInt,
    }
}

diesel::table! {
    session_cookies (hash) {
        hash -> Text,
        session_id -> Text,
        origin -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    session_data (session_id, app) {
        session_id -> Text,
        app -> Text,
        version -> BigInt,
        data -> Text,
        updated_at -> BigInt,
    }
}

diesel::table! {
    role_accounts (user_id) {
        user_id -> Text,
        owner_id -> Nullable<Text>,
        description -> Nullable<Text>,
        metadata -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Text,
        hash -> Text,
        kind -> Text,
        user_id -> Text,
        name -> Text,
        services -> Text,
        scopes -> Text,
        metadata -> Text,
        hint -> Text,
        token_generation -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        last_used_ip -> Nullable<Text>,
        revoked_at -> Nullable<BigInt>,
        rotated_from -> Nullable<Text>,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        user_id -> Text,
        user_generation -> BigInt,
        session_id -> Nullable<Text>,
        client_name -> Text,
        services -> Text,
        scopes -> Text,
        provider_id -> Text,
        auth_time -> BigInt,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        revoked_because -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        ip -> Nullable<Text>,
    }
}

diesel::table! {
    access_tokens (hash) {
        hash -> Text,
        grant_id -> Nullable<Text>,
        services -> Text,
        scopes -> Text,
        generation -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Text,
        grant_id -> Text,
        generation -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        seen_at -> Nullable<BigInt>,
        spent_at -> Nullable<BigInt>,
        successor_sealed -> Nullable<Text>,
    }
}

diesel::table! {
    identity_refusals (issuer, subject, user_id) {
        issuer -> Text,
        subject -> Text,
        user_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    organization_logins (issuer, login, id) {
        issuer -> Text,
        login -> Text,
        id -> BigInt,
    }
}

diesel::table! {
    spent_attempts (id) {
        id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    role_assignments (id) {
        id -> Text,
        subject_kind -> Text,
        subject -> Text,
        user_id -> Nullable<Text>,
        role -> Text,
        service -> Nullable<Text>,
        created_at -> BigInt,
        provider -> Nullable<Text>,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Text,
        happened_at -> BigInt,
        event -> Text,
        actor -> Text,
        user_id -> Nullable<Text>,
        session_id -> Nullable<Text>,
        provider -> Nullable<Text>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        details -> Text,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(session_cookies -> sessions (session_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::joinable!(role_accounts -> users (user_id));
diesel::joinable!(grants -> users (user_id));
diesel::joinable!(access_tokens -> grants (grant_id));
diesel::joinable!(refresh_tokens -> grants (grant_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    identities,
    verified_emails,
    sessions,
    identity_refusals,
    session_cookies,
    session_data,
    role_accounts,
    api_tokens,
    role_assignments,
    grants,
    access_tokens,
    refresh_tokens
);

diesel::define_sql_function! {
    /// Lower case of ASCII letters; addresses have no others.
    fn lower(text: diesel::sql_types::Nullable<diesel::sql_types::Text>)
        -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

diesel::define_sql_function! {
    /// The text, or another in the place of null.
    fn coalesce(text: diesel::sql_types::Nullable<diesel::sql_types::Text>, other: diesel::sql_types::Text)
        -> diesel::sql_types::Text;
}
