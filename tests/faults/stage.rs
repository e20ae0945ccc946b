//! A world with a good service and faulty ones, and two people: Ada, and one for whom plugins fail.

use vestibule_provider_emulator::Persona;
use vestibule_test_support::{Answer, Method, TestDatabase};

use super::table::{FAULTS, Fault, Isolation, Made, Outcome};
use crate::authorize::plugins::PluginFolder;
use crate::world::{World, WorldBuilder};

pub(super) struct Stage {
    pub(super) world: World,
    /// The user token of a person for whom every plugin works.
    pub(super) ada: String,
    /// That of a person for whom the faulty ones fail.
    pub(super) unlucky: String,
    _folder: PluginFolder,
}

impl Stage {
    /// With a service for each fault of which this is true, and the good service `storage`.
    pub(super) async fn with(isolation: Isolation, belongs: fn(Outcome) -> bool) -> Self {
        let folder = PluginFolder::new();
        let mut services = vec!["storage:sample-permissions".to_owned()];
        let mut tables =
            format!("[plugin.storage]\nisolation = \"{}\"\ntimeout = \"60s\"\n", isolation.as_str());
        for fault in faults(isolation, belongs) {
            services.push(add(&folder, fault));
            tables.push_str(&table(fault, isolation));
        }
        let world = World::builder(TestDatabase::sqlite())
            .setting("PLUGIN_PATH", &folder.path())
            .setting("ALLOWED_SERVICES", &services.join(";"))
            .config(&tables);
        let world = world.with_metrics().start().await;
        let (ada, unlucky) = (world.sign_in("google", "ada").await, sign_in_as(&world, "fail").await);
        Self { world, ada, unlucky, _folder: folder }
    }

    /// Asks for a service as the unlucky one; nothing when the service breaks off.
    pub(super) async fn try_ask(&self, service: &str) -> Option<Answer> {
        let browser = self.world.browser();
        let request = browser.request(Method::GET, &format!("/auth/authorize?service={service}"));
        browser.try_send(request.bearer_auth(&self.unlucky)).await.ok()
    }
}

/// The lines of the table of which this is true.
pub(super) fn faults(
    isolation: Isolation,
    belongs: fn(Outcome) -> bool,
) -> impl Iterator<Item = &'static Fault> {
    FAULTS.iter().filter(move |fault| belongs(fault.outcome(isolation)))
}

/// Signs somebody in who has this name, which is what plugins look at.
pub(crate) async fn sign_in_as(world: &World, name: &str) -> String {
    let number = name.bytes().map(u32::from).sum();
    world.control().put_persona(Persona::ordinary(name, name, number));
    world.sign_in("google", name).await
}

/// Puts the plugin of a fault into the folder; `SERVICE:PLUGIN`.
pub(super) fn add(folder: &PluginFolder, fault: &Fault) -> String {
    let name = fault.name;
    match fault.made {
        Made::Rust(_) => return format!("{name}:faulty-plugin"),
        Made::Turns(option) => folder.add_turns(name, &[option]),
        Made::Variant(option) => folder.add_variant(name, &[option]),
        Made::Spoilt(_) => folder.add_variant(name, &[]),
    }
    format!("{name}:{name}")
}

/// The settings of a fault's instance. Only what is never to end has a limit that could be felt.
pub(super) fn table(fault: &Fault, isolation: Isolation) -> String {
    let timeout = if matches!(fault.outcome(isolation), Outcome::Fails(_, "timeout")) { "5s" } else { "60s" };
    let config = match fault.made {
        Made::Rust(word) => {
            format!("config = {{ fault = \"{word}\", only_for = \"fail\", seconds = 600 }}\n")
        }
        Made::Turns(_) | Made::Variant(_) | Made::Spoilt(_) => String::new(),
    };
    let (name, isolation) = (fault.name, isolation.as_str());
    format!("[plugin.{name}]\nisolation = \"{isolation}\"\ntimeout = \"{timeout}\"\n{config}")
}

pub(super) fn with_folder(folder: &PluginFolder, services: &str, tables: &str) -> WorldBuilder {
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", services)
        .config(tables)
        .with_metrics()
}
