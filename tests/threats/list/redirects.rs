//! Where a sign-in leads: redirects and `next`.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "A1",
        priority: 0,
        attack: "`next` leads to a foreign site, at check, inside a state, or after its origin \
                 was taken out of the settings",
        outcome: "400 `invalid_next` and nothing begins; `next` is judged again at the callback, \
                  before the code is exchanged",
        remark: "",
        tests: &[
            "next::a1_an_origin_that_is_removed_during_a_sign_in_gets_no_token",
            "vestibule-http::api next::a1_another_origin_gets_no_address_and_a_stable_error",
            "vestibule-http::api next::a1_next_given_twice_is_refused",
        ],
    },
    Row {
        id: "A2",
        priority: 0,
        attack: "A host that begins or ends like an allowed one, another port, a letter in the \
                 place of a dot",
        outcome: "origins are compared whole, after parsing",
        remark: "",
        tests: &[
            "vestibule-http::api next::a2_an_origin_is_compared_whole",
            "vestibule-domain next::tests::a2_an_origin_is_compared_whole",
            "vestibule-domain origin::tests::a2_an_origin_reads_back_as_itself_and_a_header_is_compared_byte_for_byte",
        ],
    },
    Row {
        id: "A3",
        priority: 0,
        attack: "User info, backslashes, control characters, full-width dots: addresses that two \
                 parsers read differently",
        outcome: "refused; whatever is accepted, a browser reads the same allowed origin in it",
        remark: "",
        tests: &[
            "browser::a3_chromium_reads_an_allowed_origin_in_every_next_that_is_accepted",
            "vestibule-http::api next::a3_what_two_parsers_may_read_differently_is_refused",
            "vestibule-http::api next::properties::a3_whatever_is_accepted_leads_to_an_allowed_origin",
            "vestibule-domain next::tests::a3_what_two_parsers_may_read_differently_is_refused",
            "vestibule-domain next::tests::a3_whatever_is_accepted_has_an_allowed_origin_and_parses_again",
        ],
    },
    Row {
        id: "A4",
        priority: 0,
        attack: "`javascript:`, `data:`, custom schemes, http in the place of https, addresses in \
                 numbers",
        outcome: "https alone, and http at a listed loopback origin",
        remark: "",
        tests: &[
            "vestibule-http::api next::a4_only_https_and_the_listed_loopback_origin_are_followed",
            "vestibule-domain next::tests::a4_only_https_and_listed_loopback_http",
            "vestibule-tokens service::tests::remembered::a4_a_token_that_is_remembered_still_expires",
        ],
    },
    Row {
        id: "A5",
        priority: 1,
        attack: "Dot segments, encoded slashes, `;` and doubled slashes in the path of `next`",
        outcome: "no path leads away from its origin, each is given back byte for byte, and an \
                  allowed origin that pins a path is refused at the start",
        remark: "",
        tests: &[
            "vestibule-domain own_page::tests::a5_every_page_leads_to_a_place_of_ours",
            "vestibule-domain own_page::tests::a5_nothing_else_is_a_page_of_ours",
            "threats::redirects::a5_an_allowed_origin_that_pins_a_path_stops_the_start",
            "threats::redirects::a5_no_path_leads_away_from_its_origin_and_each_is_kept",
        ],
    },
    Row {
        id: "A6",
        priority: 0,
        attack: "A `next` that has parameters of its own, one of them called `jwt`",
        outcome: "exactly one `jwt`, which is ours; every other byte and their order stay, the \
                  fragment stays last",
        remark: "",
        tests: &[
            "vestibule-http::api next::properties::a6_every_other_byte_of_next_survives_a_whole_sign_in",
            "vestibule-http::api next::a6_the_frontend_gets_its_address_back_with_exactly_one_token",
            "vestibule-domain next::tests::a6_every_other_byte_survives",
            "vestibule-domain next::tests::a6_exactly_one_jwt_is_ours_and_the_rest_stays",
        ],
    },
    Row {
        id: "A7",
        priority: 0,
        attack: "Line ends, NUL, bytes outside ASCII and 64 KiB in `next`",
        outcome: "400, never a second header; 2,048 bytes at most",
        remark: "",
        tests: &[
            "next::a7_a_next_without_end_is_refused",
            "vestibule-http::api next::a7_odd_bytes_and_too_many_are_refused",
            "vestibule-domain next::tests::a7_odd_bytes_and_long_addresses_are_refused",
            "vestibule-http redirect::tests::a7_no_text_becomes_a_second_header",
            "vestibule-http redirect::tests::a7_a_second_header_in_an_address_or_a_cookie_is_refused",
        ],
    },
    Row {
        id: "A8",
        priority: 0,
        attack: "The provider, or somebody in its name, reports an error at the callback",
        outcome: "with a good state 303 to the `next` within it and one of our own error codes, \
                  without a token; else a plain page",
        remark: "",
        tests: &[
            "vestibule-http::api callback::providers::a8_a_providers_error_becomes_one_of_ours",
            "vestibule-http::api callback::providers::a8_an_error_leads_to_the_frontend_only_with_a_good_state",
        ],
    },
    Row {
        id: "A9",
        priority: 0,
        attack: "A redirect that repeats a form, can be cached, or tells the next site where it \
                 came from",
        outcome: "303, no body, `no-store`, `no-referrer`",
        remark: "",
        tests: &[
            "callback::redirects::a9_redirects_are_bare_and_the_cookie_is_for_this_host_alone",
            "vestibule-http::api callback::redirects::a9_with_https_the_cookie_has_the_host_prefix_and_a_whole_sign_in_works",
        ],
    },
    Row {
        id: "A10",
        priority: 0,
        attack: "`Host` and forwarded headers, or an absolute target, in place of our address",
        outcome: "every address that is given out is made from the settings",
        remark: "",
        tests: &[
            "vestibule-http::api callback::redirects::a10_addresses_come_from_the_settings_whatever_a_request_says",
            "callback::redirects::a10_an_absolute_request_target_decides_nothing",
            "vestibule-http::api callback::redirects::a10_the_end_of_a_sign_in_comes_from_the_settings_too",
        ],
    },
];
