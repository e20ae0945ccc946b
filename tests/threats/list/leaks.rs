//! Leaks.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "N1",
        priority: 0,
        attack: "Tokens, codes, states, secrets and addresses in logs and traces",
        outcome: "planted ones are searched for in everything that is written, at the most \
                  talkative level",
        remark: "",
        tests: &[
            "commands::plugin_check::usage::n1_a_configuration_that_cannot_be_read_is_not_quoted",
            "commands::plugin_check::usage::n1_secrets_are_in_neither_report_nor_environment",
            "leaks::n1_no_secret_and_no_address_is_in_the_json_log_or_anywhere_else",
            "leaks::n1_no_secret_and_no_address_is_in_the_text_log_or_anywhere_else",
            "leaks::start::n1_while_the_database_is_waited_for_its_password_is_not_shown",
            "vestibule logging::tests::n1_libraries_are_never_heard_below_info",
            "vestibule-plugin-host check::mask::tests::n1_no_value_of_the_configuration_is_quoted",
            "vestibule-plugin-host schema::tests::n1_no_fault_shows_what_the_configuration_holds",
            "vestibule-upstream oauth::tests::n1_what_a_provider_writes_into_an_error_is_not_repeated",
            "vestibule-upstream::sign_in id_tokens::n1_no_error_names_a_code_a_secret_or_a_token",
            "vestibule-tokens service::tests::remembered::n1_neither_a_token_nor_who_it_is_of_shows_in_debug",
        ],
    },
    Row {
        id: "N2",
        priority: 0,
        attack: "Insides of the service in the text of errors",
        outcome: "a code, a sentence, an id of the request",
        remark: "",
        tests: &[
            "leaks::outages::n2_l4_while_the_sqlite_file_is_gone_nothing_is_written_and_nothing_is_told",
            "leaks::outages::n2_l6_while_postgres_is_down_errors_say_nothing_of_it_and_then_all_is_well",
            "leaks::outages::n2_l7_a_postgres_that_says_nothing_is_not_waited_for",
            "leaks::outages::n2_refusals_say_nothing_of_the_inside",
            "vestibule-http middleware::tests::n2_the_page_of_a_fault_tells_nothing_of_it",
            "vestibule-storage error::tests::n2_what_is_displayed_holds_no_message_of_the_database",
        ],
    },
    Row {
        id: "N3",
        priority: 1,
        attack: "How long an answer takes tells of a secret",
        outcome: "secrets are compared in constant time, or looked up by a digest; signatures are \
                  checked with public numbers",
        remark: "",
        tests: &["threats::leaks::n3_secrets_are_compared_by_what_takes_the_same_time_wherever_they_differ"],
    },
    Row {
        id: "N4",
        priority: 1,
        attack: "Lines that a client writes into the log",
        outcome: "one line for one event; escaped and cut",
        remark: "",
        tests: &[
            "leaks::injection::n4_a_json_log_has_one_object_a_line",
            "leaks::injection::n4_a_text_log_has_no_line_that_a_client_wrote",
            "observability::logs::n4_a_request_is_called_as_a_trusted_proxy_calls_it_and_as_nobody_else_does",
            "vestibule logging::json::tests::n4_what_a_line_says_itself_cannot_be_replaced_by_a_span_and_nothing_is_there_twice",
            "vestibule-http middleware::request_id::tests::n4_only_what_looks_like_an_id_is_one",
            "vestibule-plugin-host library::description::tests::n4_what_a_process_says_of_its_library_forges_no_line_and_no_file",
            "vestibule-plugin-host::processes n4_what_a_plugin_s_process_reports_cannot_forge_a_line_of_the_log",
            "vestibule-storage::suite audit::n4_what_a_client_calls_itself_is_cut_and_has_no_control_characters",
        ],
    },
    Row {
        id: "N5",
        priority: 0,
        attack: "Secrets in debugging texts, in the environment of children, in `/proc`, in \
                 statements of the database; a plugin that looks into its parent as soon as it is loaded",
        outcome: "secrets have no readable form; children get none of them, and no process of the \
                  same user may look into the program from its first act on",
        remark: "",
        tests: &[
            "commands::secrets::n5_no_error_text_shows_a_secret",
            "faults::looking::n5_a_plugin_that_is_inspected_or_checked_looks_into_no_command",
            "faults::looking::n5_a_plugin_that_may_start_processes_looks_into_none_of_the_service_s",
            "faults::looking::n5_a_worker_of_python_never_looks_into_the_service_under_each_isolation",
            "faults::looking::n5_e4_e5_a_plugin_in_a_process_looks_into_no_other_acts_on_none_and_starts_none",
            "faults::looking::n5_the_environment_that_the_kernel_shows_has_no_setting_and_no_secret",
            "faults::secrets::n5_neither_the_signing_key_nor_a_setting_is_in_the_memory_of_a_plugin_s_process",
            "leaks::database_log::n5_a_postgres_log_of_all_statements_with_their_values_has_no_secret",
            "leaks::start::n5_a_mistake_in_the_file_is_not_shown",
            "leaks::start::n5_a_wrong_address_of_a_provider_does_not_show_its_password",
            "leaks::start::n5_a_wrong_database_address_is_not_shown",
            "leaks::start::n5_a_wrong_file_of_a_secret_is_not_shown",
            "leaks::start::n5_a_wrong_key_is_not_shown",
            "vestibule settings::environment::tests::n5_no_secret_stays_in_the_environment",
            "vestibule settings::kinds::traces::tests::n5_headers_that_make_no_sense_are_not_shown",
            "vestibule-plugin-host conceal::environment::tests::n5_nothing_is_left_of_a_variable_but_of_those_that_are_kept",
            "vestibule-plugin-host conceal::memory::tests::n5_a_process_that_others_may_look_into_is_known_and_can_be_closed",
            "vestibule-plugin-host config::tests::n5_a_configuration_is_not_shown",
            "vestibule-upstream oidc::settings::tests::n5_debug_does_not_show_the_secret",
            "vestibule-storage url::tests::n5_a_password_that_may_end_in_two_places_is_refused_and_not_shown",
            "vestibule-storage url::tests::n5_the_password_is_never_shown",
            "vestibule-tokens ring::tests::n5_debug_shows_key_ids_alone",
            "vestibule-tokens service::tests::issued::n5_debug_shows_no_token_and_no_key",
        ],
    },
    Row {
        id: "N6",
        priority: 1,
        attack: "Metrics from outside; health checks that open doors; another user in the place of the \
                 service that `plugin reload` asks",
        outcome: "a listener of their own; a health check is a request like any other; whose a socket is, \
                  the kernel says",
        remark: "",
        tests: &[
            "commands::plugin_reload::n6_another_user_who_takes_the_name_first_neither_answers_for_the_service_nor_hides_it",
            "commands::plugin_reload::n6_whatever_is_answered_in_the_place_of_the_service_is_cut_and_cannot_draw_on_the_terminal",
            "cross_origin::headers::n6_metrics_are_on_their_own_listener_alone",
            "threats::leaks::n6_health_tells_neither_versions_nor_places",
            "threats::leaks::n6_whoever_says_that_it_watches_the_service_is_told_no_more",
        ],
    },
];
