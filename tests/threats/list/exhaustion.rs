//! Exhaustion, and requests that are none.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "K1",
        priority: 0,
        attack: "Clients that send or read slowly, or say nothing",
        outcome: "closed within bounds, while others are served",
        remark: "Without a test so far.",
        tests: &[],
    },
    Row {
        id: "K2",
        priority: 0,
        attack: "More connections than descriptors",
        outcome: "no spinning; accepted again as soon as there is room",
        remark: "Without a test so far.",
        tests: &[],
    },
    Row {
        id: "K3",
        priority: 0,
        attack: "Bodies, headers and addresses that are large or endless",
        outcome: "413, 431, 414; memory does not grow",
        remark: "",
        tests: &[
            "cross_origin::bodies::k3_a_body_in_chunks_without_end_is_refused",
            "cross_origin::bodies::k3_a_body_of_more_than_64_kibibytes_is_refused",
        ],
    },
    Row {
        id: "K4",
        priority: 0,
        attack: "Two lengths, chunks and a length, folded headers, odd methods: requests that two \
                 servers read differently",
        outcome: "400 and the end of the connection, never two answers",
        remark: "Without a test so far.",
        tests: &[],
    },
    Row {
        id: "K5",
        priority: 1,
        attack: "Floods by means of HTTP/2",
        outcome: "there is no HTTP/2: a proxy speaks it, if anybody does",
        remark: "Without a test so far.",
        tests: &[],
    },
    Row {
        id: "K6",
        priority: 0,
        attack: "Floods of signatures, and of tokens that are wrong",
        outcome: "a bounded queue, 503 beyond it; what is wrong is refused before it costs \
                  anything",
        remark: "Without a test so far.",
        tests: &[],
    },
    Row {
        id: "K7",
        priority: 0,
        attack: "Floods of sign-ins that only begin",
        outcome: "nothing is written and nothing grows: the state is with the browser",
        remark: "",
        tests: &["sign_in::k7_a_sign_in_that_only_begins_writes_nothing"],
    },
    Row {
        id: "K8",
        priority: 0,
        attack: "Bursts, many addresses of one network, success in between, addresses that are \
                 pretended",
        outcome: "exactly as many as the rate allows; 429 with `Retry-After`",
        remark: "",
        tests: &[
            "threats::limits::k8_a_64_is_one_client_and_two_are_two",
            "threats::limits::k8_an_account_has_its_number_of_permission_tokens_from_wherever_it_asks",
            "threats::limits::k8_an_account_of_a_provider_signs_in_so_often_and_leaves_nothing_behind_beyond",
            "threats::limits::k8_an_address_has_its_number_of_requests_for_permission_tokens_and_of_updates",
            "threats::limits::k8_beginnings_and_ends_of_sign_ins_count_together_and_failures_count_as_well",
            "threats::limits::k8_f7_whether_a_username_is_taken_cannot_be_asked_without_end",
            "threats::limits::k8_g8_whoever_is_no_trusted_proxy_names_nobody",
            "threats::limits::k8_limits_can_be_switched_off",
            "threats::limits::k8_of_a_parallel_burst_of_sign_ins_exactly_as_many_begin_as_are_allowed",
            "vestibule-flows limits::tests::k8_a_burst_gets_exactly_what_the_rate_allows",
            "vestibule-flows limits::tests::k8_of_parallel_requests_exactly_as_many_pass",
            "vestibule-http limits::tests::k8_addresses_of_one_64_are_one_client",
        ],
    },
    Row {
        id: "K9",
        priority: 0,
        attack: "Bytes that are no text anywhere; a handler that panics",
        outcome: "4xx, or an answer of 500 in JSON, and the next request is fine",
        remark: "",
        tests: &[
            "cross_origin::odd_bytes::k9_a_token_of_odd_bytes_is_no_token",
            "cross_origin::odd_bytes::k9_odd_bytes_in_headers_are_no_fault_of_ours",
            "cross_origin::odd_bytes::k9_odd_bytes_in_the_query_are_no_fault_of_ours",
            "tokens::sizes::k9_bytes_that_are_no_text_are_nobodys_token",
            "vestibule-http edge::tests::k9_an_endpoint_that_panics_is_answered_for_and_the_next_request_is_fine",
        ],
    },
    Row {
        id: "K10",
        priority: 1,
        attack: "Page sizes and cursors",
        outcome: "",
        remark: "No endpoint gives lists.",
        tests: &[],
    },
    Row {
        id: "K11",
        priority: 1,
        attack: "An hour of mixed traffic",
        outcome: "memory, descriptors and the database stay bounded",
        remark: "Measured by `make soak`; a test would take too long.",
        tests: &[],
    },
];
