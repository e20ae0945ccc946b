//! A sign-in finds its user by issuer and subject.

use vestibule_domain::{
    AccountLinking, AvatarUrl, ClientInfo, DisplayName, IdentityKey, SessionId, SystemRandom,
    UpstreamProfile, UserId, UserIdScheme, Username,
};
use vestibule_storage::{SignIn, SignInOutcome, StorageError};

use crate::bench::{
    GITHUB, GOOGLE, HOUR, address, at, event, on_both_databases, person, try_sign_in, verified,
};
use crate::consistency::count;

on_both_databases! {
    async fn a_first_sign_in_makes_a_user_and_a_session(bench: &Bench) {
        let profile = verified(GOOGLE, "1", "Ada@Example.org");
        let session_id = SessionId::random(&SystemRandom);
        let ada = bench.sign_in_as(&profile, |sign_in| sign_in.session_id = session_id.clone()).await;
        assert!(ada.is_new);
        assert_eq!(ada.user.name, profile.name);
        assert_eq!(ada.user.avatar_url, profile.avatar_url);
        assert_eq!(ada.user.email.as_ref().unwrap().as_str(), "Ada@Example.org");
        assert_eq!(ada.user.join_date, at(0));
        assert_eq!((&ada.user.username, ada.user.disabled_at), (&None, None));
        assert_eq!(ada.session.id, session_id);
        assert_eq!(ada.session.user_id, ada.user.id);
        assert_eq!(ada.session.provider_id, "google:1");
        assert_eq!((ada.session.created_at, ada.session.last_seen_at), (at(0), at(0)));
        assert_eq!(ada.session.expires_at, at(24 * HOUR));
        assert_eq!(bench.user(&ada.user.id).await, ada.user);
        let client = "SELECT count(*) AS n FROM sessions WHERE user_agent = 'test' AND ip = '192.0.2.1'";
        assert_eq!(count(bench.database.url(), client).await, 1);
    }

    async fn c4_a_later_sign_in_keeps_the_id_and_the_username_and_refreshes_the_rest(bench: &Bench) {
        let first = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        let username = Username::parse("ada").unwrap();
        bench.storage.choose_username(&first.user.id, &username, &event()).await.unwrap();

        let later = UpstreamProfile {
            login: Some("countess".to_owned()),
            name: DisplayName::clean("Ada King"),
            avatar_url: AvatarUrl::clean("https://pictures.example/new.png"),
            ..verified(GOOGLE, "1", "king@example.org")
        };
        let second = bench.sign_in_as(&later, |sign_in| sign_in.now = at(9)).await;
        assert!(!second.is_new);
        assert_eq!(second.user.id, first.user.id);
        assert_eq!(second.user.username, Some(username));
        assert_eq!((&second.user.name, &second.user.avatar_url), (&later.name, &later.avatar_url));
        assert_eq!(second.user.email, Some(address("king@example.org")));
        assert_eq!(second.user.join_date, at(0));
        let identity = &bench.storage.list_identities(&first.user.id).await.unwrap()[0];
        assert_eq!((identity.login.as_deref(), identity.last_used_at), (Some("countess"), at(9)));
    }

    async fn a_name_that_the_provider_no_longer_gives_is_kept(bench: &Bench) {
        let first = bench.sign_in(&person(GOOGLE, "1")).await;
        let bare = UpstreamProfile { login: None, name: None, avatar_url: None, ..person(GOOGLE, "1") };
        let second = bench.sign_in(&bare).await;
        assert_eq!(second.user.name, first.user.name);
        assert_eq!(second.user.avatar_url, first.user.avatar_url);
        assert_eq!(bench.storage.list_identities(&first.user.id).await.unwrap()[0].login, None);
    }

    async fn a_person_without_name_picture_or_address_can_sign_in(bench: &Bench) {
        let bare = UpstreamProfile { login: None, name: None, avatar_url: None, ..person(GITHUB, "1") };
        let user = bench.sign_in(&bare).await.user;
        assert_eq!((user.name, user.avatar_url, user.email), (None, None, None));
        assert!(!bench.sign_in(&bare).await.is_new);
    }

    async fn c3_one_subject_at_two_issuers_is_two_users(bench: &Bench) {
        let one = bench.sign_in(&person(GOOGLE, "12345")).await;
        let other = bench.sign_in(&person(GITHUB, "12345")).await;
        assert!(one.is_new && other.is_new);
        assert_ne!(one.user.id, other.user.id);
    }

    async fn c4_a_login_that_changed_hands_leads_nowhere(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "1")).await;
        let successor = UpstreamProfile { login: Some("login-1".to_owned()), ..person(GITHUB, "2") };
        let eve = bench.sign_in(&successor).await;
        assert!(eve.is_new);
        assert_ne!(eve.user.id, ada.user.id);
    }

    async fn c7_a_disabled_user_does_not_sign_in_and_nothing_is_written(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user;
        bench.storage.disable_user(&ada.id, at(1), &event()).await.unwrap();
        let before = bench.user(&ada.id).await;
        let renamed = UpstreamProfile {
            name: DisplayName::clean("Someone Else"),
            ..verified(GOOGLE, "1", "new@example.org")
        };
        let joining = verified(GITHUB, "9", "ada@example.org");
        for profile in [&renamed, &joining] {
            let outcome = try_sign_in(&bench.storage, profile, |sign_in| sign_in.now = at(2)).await;
            assert_eq!(outcome, SignInOutcome::Disabled);
        }
        assert_eq!(bench.user(&ada.id).await, before);
        assert_eq!(bench.storage.list_identities(&ada.id).await.unwrap().len(), 1);
        for table in ["users", "identities", "sessions", "verified_emails"] {
            let rows = count(bench.database.url(), &format!("SELECT count(*) AS n FROM {table}")).await;
            assert_eq!(rows, 1, "{table}");
        }
    }

    async fn c9_a_hostile_login_is_cut_and_cleaned(bench: &Bench) {
        let login = format!("a\0\u{1b}[31m{}", "x".repeat(1_000_000));
        let hostile = UpstreamProfile { login: Some(login), ..person(GITHUB, "1") };
        let ada = bench.sign_in(&hostile).await.user;
        let kept = bench.storage.list_identities(&ada.id).await.unwrap()[0].login.clone().unwrap();
        assert!(kept.starts_with("a[31mx"));
        assert_eq!(kept.chars().count(), 256);
    }

    async fn an_issuer_or_subject_that_cannot_be_a_key_is_refused_by_both(bench: &Bench) {
        let long = "x".repeat(5_000);
        for (issuer, subject) in [(GOOGLE, ""), ("", "1"), (GOOGLE, "a\0b"), (GOOGLE, &long), (&long, "1")] {
            let odd = UpstreamProfile {
                identity: IdentityKey { issuer: issuer.to_owned(), subject: subject.to_owned() },
                ..person(GOOGLE, "1")
            };
            let sign_in = SignIn {
                profile: odd,
                client: ClientInfo::default(),
                linking: AccountLinking::Explicit,
                id_scheme: UserIdScheme::Random,
                new_user_id: UserId::random(&SystemRandom),
                session_id: SessionId::random(&SystemRandom),
                now: at(0),
                expires_at: at(1),
                browser: None,
            };
            let refused = bench.storage.finish_sign_in(sign_in).await;
            assert!(matches!(refused, Err(StorageError::UnusableIdentity)), "{issuer:.9} {subject:.9}");
        }
        assert_eq!(bench.count_users().await, 0);
    }

    async fn the_longest_key_that_is_taken_fits_both(bench: &Bench) {
        let issuer = format!("https://{}", "i".repeat(1_016));
        let mut long = person(GOOGLE, &"\u{e4}".repeat(256));
        long.identity.issuer = issuer;
        assert!(bench.sign_in(&long).await.is_new);
        assert!(!bench.sign_in(&long).await.is_new);
    }

    async fn the_ids_of_the_original_are_made_from_the_verified_address(bench: &Bench) {
        let scheme = |sign_in: &mut SignIn| sign_in.id_scheme = UserIdScheme::EmailMd5;
        let ada = bench.sign_in_as(&verified(GOOGLE, "1", "ada@example.org"), scheme).await.user;
        assert_eq!(ada.id, UserId::from_email_md5(&address("ada@example.org")));

        let nameless = UserId::random(&SystemRandom);
        let unverified = UpstreamProfile {
            unverified_email: Some(address("bob@example.org")),
            ..person(GOOGLE, "2")
        };
        let bob = bench.sign_in_as(&unverified, |sign_in| {
            scheme(sign_in);
            sign_in.new_user_id = nameless.clone();
        }).await.user;
        assert_eq!(bob.id, nameless);
    }

    async fn an_id_of_the_original_that_is_taken_is_not_given_twice(bench: &Bench) {
        let scheme = |sign_in: &mut SignIn| sign_in.id_scheme = UserIdScheme::EmailMd5;
        let ada = bench.sign_in_as(&verified(GOOGLE, "1", "ada@example.org"), scheme).await.user;
        bench.sign_in_as(&verified(GOOGLE, "1", "king@example.org"), scheme).await;
        let candidate = UserId::random(&SystemRandom);
        let successor = bench.sign_in_as(&verified(GOOGLE, "2", "ada@example.org"), |sign_in| {
            scheme(sign_in);
            sign_in.new_user_id = candidate.clone();
        }).await;
        assert!(successor.is_new);
        assert_eq!(successor.user.id, candidate);
        assert_ne!(successor.user.id, ada.id);
    }
}
