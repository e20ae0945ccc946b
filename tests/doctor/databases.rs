//! What can be wrong with a database.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use vestibule_test_support::{TestDatabase, free_port};

use super::Ward;

/// The failures, of which there are some.
async fn failures(ward: &Ward) -> Vec<String> {
    let examined = ward.examine().await;
    assert_eq!(examined.status, Some(1), "{:?}", examined.lines);
    examined.lines("failure").into_iter().map(str::to_owned).collect()
}

/// What lines call a server: its address without the account.
fn shown(address: &Url) -> String {
    let mut shown = address.clone();
    shown.set_username("").unwrap();
    shown.to_string()
}

const REACH: &str = "see that the server runs and is reached from here, and that user, password and database of DATABASE_URL are right";

#[tokio::test]
async fn a_server_that_is_not_there() {
    let port = free_port();
    let url = format!("postgres://ada:hunter2@127.0.0.1:{port}/door");
    let failures = failures(&Ward::new().await.setting("DATABASE_URL", &url)).await;
    let [line] = &failures[..] else { panic!("{failures:?}") };
    let start = format!(
        "failure  database postgres://127.0.0.1:{port}/door: the database cannot be used at the moment: "
    );
    assert!(line.starts_with(&start) && line.ends_with(&format!("; {REACH}")), "{line}");
    assert!(!line.contains("hunter2"));
}

/// Where a password is asked for, a wrong one is refused in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_server_does_not_know() {
    let database = TestDatabase::postgres();
    let mut url = Url::parse(database.url()).unwrap();
    url.set_username("nobody_of_this_name").unwrap();
    let ward = Ward::on(database).await.setting("DATABASE_URL", url.as_str());
    let failures = failures(&ward).await;
    let line = format!(
        "failure  database {}: the database cannot be used at the moment: db error: FATAL: role \"nobody_of_this_name\" does \
         not exist; {REACH}",
        shown(&url)
    );
    assert_eq!(failures, [line]);
}

/// An account of this name on the shared server, gone at the end.
struct Account<'a> {
    database: &'a TestDatabase,
    name: String,
}

impl<'a> Account<'a> {
    fn new(database: &'a TestDatabase) -> Self {
        let name = Url::parse(database.url()).unwrap().path().replace("/test_", "guest_");
        database.query(&format!("CREATE ROLE {name} LOGIN"));
        Self { database, name }
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        self.database.query(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights() {
    let ward = Ward::on(TestDatabase::postgres()).await;
    assert!(ward.program.run(&["migrate"]).await.status.success());
    let account = Account::new(&ward.database);
    let mut url = Url::parse(ward.database.url()).unwrap();
    url.set_username(&account.name).unwrap();
    let strange = Ward::on(TestDatabase::sqlite()).await.setting("DATABASE_URL", url.as_str());
    let examined = strange.examine().await;
    let rights = examined.lines("failure  rights");
    let shown = shown(&url);
    assert_eq!(
        rights[..2],
        [
            format!(
                "failure  rights {shown}: the account may not create tables in the schema public; GRANT USAGE, CREATE ON SCHEMA \
                 public TO the account, or make it the owner of the database"
            ),
            format!(
                "failure  rights {shown}: the account may not read and write the table audit_events; use the account that owns \
                 the tables, or grant it SELECT, INSERT, UPDATE and DELETE on all of them"
            ),
        ]
    );
    assert_eq!((rights.len(), examined.status), (11, Some(1)), "{rights:?}");

    // With every right on the tables of another the service runs, until they have to be migrated.
    ward.database.query(&format!("GRANT CREATE ON SCHEMA public TO {}", account.name));
    ward.database.query(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", account.name));
    assert_eq!(strange.examine().await.status, Some(0));
    ward.database.query("DELETE FROM schema_migrations WHERE version > 1");
    let examined = strange.examine().await;
    let line = format!(
        "failure  rights {shown}: the table users belongs to another account, so it cannot be migrated; run `vestibule migrate` \
         with the account that owns the tables"
    );
    assert!(examined.lines("failure").contains(&line.as_str()), "{:?}", examined.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_enough_connections() {
    let ward = Ward::on(TestDatabase::postgres()).await.setting("DATABASE_CONNECTIONS", "1000");
    let examined = ward.examine().await;
    let [line] = examined.lines("warning  connections")[..] else { panic!("{:?}", examined.lines) };
    assert!(line.contains(", a replica needs 1002; raise max_connections of the server"), "{line}");
}

/// A pooler in transaction mode gives the connection that listens to others, so that what is sent to it does not arrive. Here
/// everything else does.
async fn server_without_notifications(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let (mut from_client, to_client) = client.into_split();
            let (from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(pass_all_but_notifications(from_server, to_client));
        }
    });
    own
}

/// A message is its kind in one byte, its length in four with these, and the rest.
async fn pass_all_but_notifications(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
) -> std::io::Result<()> {
    const NOTIFICATION: u8 = b'A';
    loop {
        let (kind, length) = (server.read_u8().await?, server.read_u32().await?);
        let mut rest = vec![0; length as usize - 4];
        server.read_exact(&mut rest).await?;
        if kind != NOTIFICATION {
            client.write_all(&[&[kind], &length.to_be_bytes()[..], &rest].concat()).await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_delivers_no_notification() {
    let ward = Ward::on(TestDatabase::postgres()).await;
    let mut url = Url::parse(ward.database.url()).unwrap();
    let pooled = server_without_notifications(url.port().unwrap_or(5432)).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(pooled)).unwrap();
    let address = shown(&url);
    url.set_query(Some("sslmode=disable"));
    let ward = ward.setting("DATABASE_URL", url.as_str());
    let examined = ward.examine().await;
    let line = format!(
        "warning  notifications {address}: every check asks the database: no notification arrives; is there a connection pooler in \
         transaction mode?; let a pooler keep a session on one connection (pool_mode = session in PgBouncer), or go around it"
    );
    assert_eq!((examined.lines("warning  notifications"), examined.status), (vec![line.as_str()], Some(0)));
}

#[tokio::test]
async fn a_folder_in_which_others_may_put_files() {
    let ward = Ward::new().await;
    let file = ward.database.file().unwrap();
    let folder = file.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let failures = failures(&ward).await;
    let [line] = &failures[..] else { panic!("{failures:?}") };
    let start = format!("failure  database sqlite://{}: the database cannot be opened: ", file.display());
    assert!(line.starts_with(&start) && line.contains("where others may change files"), "{line}");
}

#[tokio::test]
async fn a_folder_in_which_the_service_may_not_write() {
    let ward = Ward::new().await.with(vestibule_test_support::ProgramBuilder::without_root);
    let file = ward.database.file().unwrap();
    let folder = file.parent().unwrap();
    // It belongs to root, or to us, and is for reading.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
    ward.program.give(&ward.program.directory().join("vestibule.toml"));
    ward.program.give(&ward.program.keys_dir());
    for key in fs::read_dir(ward.program.keys_dir()).unwrap() {
        ward.program.give(&key.unwrap().path());
    }
    let failures = failures(&ward).await;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    let line = format!(
        "failure  database sqlite://{}: the user that looks may not write its folder; give both to the user of the service, and \
         look as this user",
        file.display()
    );
    assert_eq!(failures, [line]);
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let ward = Ward::new().await;
    fs::write(ward.database.file().unwrap(), "not a database, and longer than a page's header would be")
        .unwrap();
    let failures = failures(&ward).await;
    let [line] = &failures[..] else { panic!("{failures:?}") };
    assert!(line.contains("the database is damaged: file is not a database"), "{line}");
}
