//! Sessions, other origins, headers.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "G1",
        priority: 0,
        attack: "A session or a cookie that was set before signing in",
        outcome: "every sign-in begins a session of its own, whatever the browser brought; \
                  signing out ends one, and the others live on",
        remark: "Sessions in cookies do not exist; tokens carry a session's id.",
        tests: &["threats::headers::g1_every_sign_in_begins_a_session_of_its_own"],
    },
    Row {
        id: "G2",
        priority: 0,
        attack: "Cookies that scripts, other hosts or the clear can read; a hundred of them",
        outcome: "one cookie, `__Host-`, Secure, HttpOnly, Lax, set by the login address alone",
        remark: "",
        tests: &[
            "cross_origin::headers::g2_only_the_login_address_sets_a_cookie",
            "cross_origin::headers::g2_with_https_the_browser_is_held_to_it",
            "threats::headers::g2_a_hundred_cookies_of_others_are_passed_over",
            "vestibule-http cookie::properties::g2_no_text_of_a_cookie_becomes_another_in_what_is_set",
            "vestibule-http cookie::properties::g2_the_cookie_has_its_attributes_and_no_others",
            "vestibule-http cookie::properties::g2_the_library_reads_the_cookie_as_it_was_meant",
            "vestibule-http cookie::tests::g2_the_cookie_is_bound_to_the_host_and_hidden_from_scripts",
        ],
    },
    Row {
        id: "G3",
        priority: 0,
        attack: "A slow request that is under way while its session is ended",
        outcome: "the session stays dead",
        remark: "",
        tests: &[
            "sign_out::g3_a_session_stays_dead_whatever_is_under_way",
            "tokens::clocks::c7_g3_a_sign_in_that_an_extension_holds_does_not_survive_the_end_of_its_session",
        ],
    },
    Row {
        id: "G4",
        priority: 0,
        attack: "Sessions beyond their age, by leaps of the clock and restarts",
        outcome: "a session ends with its token, and use does not prolong either",
        remark: "There is no idle time: a token lives for a fixed time.",
        tests: &["threats::headers::g4_nothing_prolongs_a_session"],
    },
    Row {
        id: "G5",
        priority: 0,
        attack: "Requests that another site makes in the name of the browser",
        outcome: "a cookie never stands for a person, so there is nothing to borrow; GET ends \
                  nothing",
        remark: "Endpoints that take a cookie for a credential do not exist.",
        tests: &["sign_out::g5_get_ends_nothing"],
    },
    Row {
        id: "G6",
        priority: 0,
        attack: "Foreign origins, `null`, suffixes, ports and bytes that are no text in `Origin`",
        outcome: "no permission to read, never a reflection, no fault",
        remark: "",
        tests: &[
            "cross_origin::cors::g6_a_preflight_of_an_allowed_origin_is_told_what_is_possible",
            "cross_origin::cors::g6_a_preflight_of_any_other_origin_is_a_method_that_is_not_there",
            "cross_origin::cors::g6_a_refused_origin_is_refused_though_the_token_is_good",
            "cross_origin::cors::g6_allowed_origins_read_every_answer_and_no_others_do",
            "cross_origin::cors::g6_bytes_that_are_no_text_are_an_origin_that_is_not_allowed",
            "cross_origin::cors::g6_without_the_setting_only_the_service_itself_is_allowed",
        ],
    },
    Row {
        id: "G7",
        priority: 0,
        attack: "JSONP, other endings of addresses, guessing of types, shared caches",
        outcome: "there is no JSONP, 404, `nosniff`, `no-store`",
        remark: "",
        tests: &[
            "cross_origin::methods::g7_there_is_no_jsonp",
            "cross_origin::methods::g7_what_is_not_there_is_not_there_by_any_method",
        ],
    },
    Row {
        id: "G8",
        priority: 0,
        attack: "Forwarded headers of whoever is no proxy, chains, odd forms",
        outcome: "believed of `TRUSTED_PROXIES` alone, from the right, as far as they reach",
        remark: "",
        tests: &[
            "threats::headers::g8_a_client_that_is_no_proxy_cannot_say_where_it_is",
            "threats::headers::g8_a_proxy_is_believed_from_the_right_and_as_far_as_proxies_reach",
            "threats::limits::k8_g8_whoever_is_no_trusted_proxy_names_nobody",
            "vestibule-http client_address::tests::g8_only_trusted_proxies_are_believed_and_only_as_far_as_they_reach",
        ],
    },
    Row {
        id: "G9",
        priority: 0,
        attack: "Pages in frames, scripts in parameters, headers missing on errors",
        outcome: "every answer has the same strict headers; what a page repeats is escaped",
        remark: "",
        tests: &[
            "browser::g9_an_error_in_the_address_is_never_shown_as_it_stands",
            "browser::g9_no_page_can_be_framed",
            "cross_origin::headers::g9_every_answer_has_its_security_headers",
            "cross_origin::headers::g9_the_policy_of_the_reference_allows_its_own_scripts_and_no_others",
            "cross_origin::headers::g9_what_a_page_repeats_is_escaped",
            "vestibule-http edge::tests::g9_a_fault_has_the_same_headers_as_any_answer",
        ],
    },
];
