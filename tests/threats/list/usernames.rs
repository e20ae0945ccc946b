//! Usernames.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "F1",
        priority: 0,
        attack: "A second username, GET, no token or a dead one",
        outcome: "the first name stays; refused with the reason",
        remark: "",
        tests: &[
            "vestibule-http::api usernames::f1_a_username_can_be_chosen_once",
            "vestibule-http::api usernames::f1_get_is_refused_and_changes_nothing",
            "vestibule-http::api usernames::f1_the_name_of_somebody_else_is_taken_in_any_case",
            "vestibule-http::api usernames::f1_without_a_good_token_nothing_is_set",
            "vestibule-storage::suite usernames::f1_a_username_is_chosen_once",
        ],
    },
    Row {
        id: "F2",
        priority: 0,
        attack: "Fifty names for one user, or one name for fifty users, at once, at several \
                 replicas",
        outcome: "one winner, by a unique key on the lower-case form; clean errors for the others",
        remark: "",
        tests: &[
            "replicas::races::f2_of_fifty_users_at_once_on_three_replicas_one_gets_the_name",
            "usernames::f2_of_fifty_names_at_once_one_user_gets_exactly_one",
            "usernames::f2_of_fifty_users_at_once_exactly_one_gets_the_name",
            "usernames::f2_two_processes_on_one_database_agree_on_the_winner",
            "vestibule-storage::suite usernames::f2_a_taken_username_stays_with_its_owner",
            "vestibule-storage::suite usernames::f2_of_fifty_names_that_one_user_chooses_at_once_one_is_kept",
            "vestibule-storage::suite usernames::f2_of_fifty_users_who_choose_one_name_at_once_one_has_it",
        ],
    },
    Row {
        id: "F3",
        priority: 0,
        attack: "Letters that become others when their case or form changes",
        outcome: "plain ASCII or nothing, so that there is one form",
        remark: "",
        tests: &[
            "vestibule-http::api usernames::f3_f4_letters_outside_ascii_are_refused",
            "vestibule-domain username::tests::f3_letters_that_only_look_like_ascii_are_refused",
            "vestibule-domain username::tests::f3_parsing_is_idempotent_and_gives_plain_ascii",
        ],
    },
    Row {
        id: "F4",
        priority: 1,
        attack: "Look-alike, invisible, combining and turning characters",
        outcome: "refused",
        remark: "",
        tests: &["vestibule-http::api usernames::f3_f4_letters_outside_ascii_are_refused"],
    },
    Row {
        id: "F5",
        priority: 0,
        attack: "Reserved names, the id of somebody as a name, dots, NUL, broken UTF-8, a thousand letters",
        outcome: "refused alike on both databases. A command that finds a name of before that may mean \
                  two people acts on neither, and names both",
        remark: "",
        tests: &[
            "commands::naming::f5_a_username_that_is_the_id_of_somebody_else_is_refused_until_it_is_said_which_is_meant",
            "commands::naming::f5_a_username_that_was_the_id_of_somebody_who_is_gone_leads_nobody_to_a_stranger",
            "vestibule-http::api usernames::f5_every_name_within_the_rules_is_taken",
            "vestibule-http::api usernames::f5_odd_and_reserved_names_are_refused_alike",
            "vestibule-http::api usernames::f5_the_id_of_anybody_by_any_scheme_is_no_username",
            "vestibule-domain ids::tests::f5_the_ids_of_every_scheme_look_like_ids_in_any_case_and_with_hyphens",
            "vestibule-domain username::tests::f5_reserved_and_odd_names_are_refused",
        ],
    },
    Row {
        id: "F6",
        priority: 0,
        attack: "More fields than the username; the username twice",
        outcome: "ignored; 400",
        remark: "",
        tests: &[
            "vestibule-http::api usernames::f6_a_username_that_is_given_twice_is_refused",
            "vestibule-http::api usernames::f6_other_fields_are_ignored",
        ],
    },
    Row {
        id: "F7",
        priority: 1,
        attack: "Asking which names are taken, as fast as possible; SQL, HTML and control \
                 characters in names",
        outcome: "limited by address; a name cannot hold any of it, whatever else is shown is \
                  escaped",
        remark: "",
        tests: &[
            "threats::limits::k8_f7_whether_a_username_is_taken_cannot_be_asked_without_end",
            "threats::usernames::f7_what_is_code_elsewhere_is_no_username_and_only_text_when_it_is_looked_up",
        ],
    },
    Row {
        id: "F8",
        priority: 1,
        attack: "A hundred newcomers of one name, and of a name that is taken as a username",
        outcome: "names at providers are no usernames: nothing collides, nothing is made up",
        remark: "",
        tests: &["threats::usernames::f8_a_hundred_newcomers_of_one_name_that_is_taken_all_sign_in"],
    },
];
