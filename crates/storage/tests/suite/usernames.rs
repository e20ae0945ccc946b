//! A username is chosen once and is one person's.

use vestibule_domain::{SystemRandom, UserId, Username};
use vestibule_storage::UsernameChoice::{AlreadyChosen, Chosen, Taken, UnknownUser};

use crate::bench::{GOOGLE, all_at_once, at, event, on_both_databases, person};

fn username(text: &str) -> Username {
    Username::parse(text).expect("a username")
}

on_both_databases! {
    async fn f1_a_username_is_chosen_once(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        assert_eq!(bench.storage.choose_username(&ada.id, &username("Ada"), &event()).await.unwrap(), Chosen);
        assert_eq!(bench.storage.choose_username(&ada.id, &username("ada"), &event()).await.unwrap(), AlreadyChosen);
        assert_eq!(bench.storage.choose_username(&ada.id, &username("countess"), &event()).await.unwrap(), AlreadyChosen);
        assert_eq!(bench.user(&ada.id).await.username, Some(username("ada")));
        let found = bench.storage.find_user_by_username(&username("ADA")).await.unwrap().unwrap();
        assert_eq!(found.id, ada.id);
        assert!(bench.storage.find_user_by_username(&username("countess")).await.unwrap().is_none());
    }

    async fn c7_whoever_is_disabled_chooses_nothing_any_more(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        bench.storage.disable_user(&ada.id, at(1), &event()).await.unwrap();
        assert_eq!(bench.storage.choose_username(&ada.id, &username("ada"), &event()).await.unwrap(), UnknownUser);
        assert_eq!(bench.user(&ada.id).await.username, None);
    }

    async fn f2_a_taken_username_stays_with_its_owner(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let eve = bench.sign_in(&person(GOOGLE, "2")).await.user;
        bench.storage.choose_username(&ada.id, &username("ada"), &event()).await.unwrap();
        assert_eq!(bench.storage.choose_username(&eve.id, &username("ADA"), &event()).await.unwrap(), Taken);
        assert_eq!(bench.storage.choose_username(&eve.id, &username("eve"), &event()).await.unwrap(), Chosen);
        let nobody = UserId::random(&SystemRandom);
        assert_eq!(bench.storage.choose_username(&nobody, &username("bob"), &event()).await.unwrap(), UnknownUser);
        assert_eq!(bench.storage.choose_username(&nobody, &username("ada"), &event()).await.unwrap(), UnknownUser);
    }

    async fn f2_of_fifty_names_that_one_user_chooses_at_once_one_is_kept(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let replicas = [bench.storage.clone(), bench.replica(), bench.replica()];
        let choose = |number: usize| {
            let (storage, id) = (replicas[number % 3].clone(), ada.id.clone());
            async move {
                let name = username(&format!("ada{number}"));
                (storage.choose_username(&id, &name, &event()).await.unwrap(), name)
            }
        };
        let choices = all_at_once((0..50).map(choose).collect()).await;
        let won: Vec<_> = choices.iter().filter(|(choice, _)| *choice == Chosen).map(|(_, name)| name).collect();
        assert_eq!(won.len(), 1);
        assert!(choices.iter().all(|(choice, _)| matches!(choice, Chosen | AlreadyChosen)));
        assert_eq!(bench.user(&ada.id).await.username.as_ref(), Some(won[0]));
    }

    async fn f2_of_fifty_users_who_choose_one_name_at_once_one_has_it(bench: &Bench) {
        let replicas = [bench.storage.clone(), bench.replica(), bench.replica()];
        let mut tasks = Vec::new();
        for number in 0..50 {
            let id = bench.sign_in(&person(GOOGLE, &number.to_string())).await.user.id;
            let storage = replicas[number % 3].clone();
            let name = username(["alex", "Alex", "ALEX"][number % 3]);
            tasks.push(async move { (storage.choose_username(&id, &name, &event()).await.unwrap(), id) });
        }
        let choices = all_at_once(tasks).await;
        let won: Vec<_> = choices.iter().filter(|(choice, _)| *choice == Chosen).map(|(_, id)| id).collect();
        assert_eq!(won.len(), 1);
        assert!(choices.iter().all(|(choice, _)| matches!(choice, Chosen | Taken)));
        let owner = bench.storage.find_user_by_username(&username("alex")).await.unwrap().unwrap();
        assert_eq!(owner.id, *won[0]);
    }

    async fn a_username_is_free_again_when_its_owner_is_deleted(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let eve = bench.sign_in(&person(GOOGLE, "2")).await.user;
        bench.storage.choose_username(&ada.id, &username("ada"), &event()).await.unwrap();
        assert!(bench.storage.delete_user(&ada.id, &event()).await.unwrap());
        assert_eq!(bench.storage.choose_username(&eve.id, &username("ada"), &event()).await.unwrap(), Chosen);
    }
}
