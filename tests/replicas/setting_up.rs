//! Five replicas are set up at once: nobody has made a key, and the database is empty.

use tokio::task::JoinSet;
use vestibule_test_support::{Client, Program};

use super::stage::Site;

const REPLICAS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn m1_of_five_replicas_that_make_the_first_key_at_once_one_does() {
    let site = Site::new().await;
    let mut commands = JoinSet::new();
    for _ in 0..REPLICAS {
        let replica = site.replica();
        commands.spawn(async move { replica.run(&["keys", "generate"]).await });
    }
    let outcomes = commands.join_all().await;
    let (made, found): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.status.success());
    assert_eq!(made.len(), 1, "{outcomes:?}");
    for outcome in found {
        let told = String::from_utf8_lossy(&outcome.stderr);
        assert!(told.contains("has a key already"), "{told}");
    }
    assert_eq!(std::fs::read_dir(site.keys_dir()).unwrap().count(), 1, "nothing half written is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_of_five_replicas_that_start_at_once_on_an_empty_database_one_migrates() {
    let site = Site::new().await;
    site.generate_keys().await;
    let mut starting = JoinSet::new();
    for _ in 0..REPLICAS {
        starting.spawn(site.replica().start());
    }
    let replicas = starting.join_all().await;
    let steps = site.database.query("SELECT string_agg(name, ' ' ORDER BY version) FROM schema_migrations");
    let steps = steps.expect("steps");
    assert!(steps.starts_with("0001_initial 0002_"), "{steps}");
    for step in steps.split(' ') {
        let migrated =
            replicas.iter().filter(|replica| migrations_of(replica).any(|line| line.contains(step)));
        assert_eq!(migrated.count(), 1, "{step}");
    }
    assert_they_show_one_key(&replicas).await;
}

fn migrations_of(replica: &Program) -> impl Iterator<Item = String> {
    let lines: Vec<_> = replica.logs().lines().map(str::to_owned).collect();
    lines.into_iter().filter(|line| line.contains("the schema of the database was migrated"))
}

async fn assert_they_show_one_key(replicas: &[Program]) {
    let mut shown = Vec::new();
    for replica in replicas {
        shown.push(Client::new(&replica.base_url()).get("/auth/public-key").await.body);
    }
    shown.dedup();
    assert!(shown.len() == 1 && shown[0].contains("BEGIN PUBLIC KEY"), "{shown:?}");
}
