//! Which plugins are loaded, and what each of them gets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Value;
use vestibule_domain::ServiceName;
use vestibule_plugin_host::{InstanceSettings, InstanceSpec, PluginName, PluginPath, PluginPlan};

use super::keys::plugin as keys;
use super::reader::Reader;
use super::setting::Optional;
use super::table::{ALLOWED_SERVICES, INSTALLED_EXTENSIONS, PLUGIN_PATH};

/// Reads the services, the extensions in their order, and the folders to search for libraries.
pub(super) fn read(reader: &mut Reader<'_>) -> PluginPlan {
    let path = PluginPath::new(read_path(reader));
    // In a folder where libraries are built, the group may often write.
    let path = if reader.dev() { path.dangerous_trusting_the_group() } else { path };
    let mut aliases = BTreeSet::new();
    let services = read_list(reader, &ALLOWED_SERVICES, &mut aliases);
    let extensions = read_list(reader, &INSTALLED_EXTENSIONS, &mut aliases);
    report_unused_tables(reader, &aliases);
    PluginPlan { path, services: name_services(reader, services), extensions }
}

/// By default the folder `plugins` beside the program, then the program's own folder.
fn read_path(reader: &mut Reader<'_>) -> Vec<PathBuf> {
    reader.find(&PLUGIN_PATH).value().unwrap_or_else(|| {
        let program = std::env::current_exe().ok();
        let folder = program.as_deref().and_then(Path::parent);
        folder.into_iter().flat_map(|folder| [folder.join("plugins"), folder.to_owned()]).collect()
    })
}

/// Reads `[alias:]plugin;...`. Every alias is used once: it also names the plugin's own table.
fn read_list(
    reader: &mut Reader<'_>,
    setting: &Optional<Vec<String>>,
    aliases: &mut BTreeSet<String>,
) -> Vec<InstanceSpec> {
    let mut specs = Vec::new();
    for item in reader.find(setting).value().unwrap_or_default() {
        let (alias, plugin) = item.split_once(':').unwrap_or((&item, &item));
        let is_new = aliases.insert(alias.to_owned());
        match read_instance(reader, alias, plugin) {
            Ok(spec) if is_new => specs.push(spec),
            Ok(_) => reader.report(setting.name(), &format_args!("{alias}: the alias is used twice")),
            Err(reason) => reader.report(setting.name(), &format_args!("{item}: {reason}")),
        }
    }
    specs
}

fn read_instance(reader: &Reader<'_>, alias: &str, plugin: &str) -> Result<InstanceSpec, String> {
    let name = ServiceName::parse(alias).map_err(|error| format!("{alias:?}: {error}"))?;
    if name.is_reserved() {
        return Err("the name is reserved for the service itself".to_owned());
    }
    let plugin = PluginName::parse(plugin).map_err(|error| error.to_string())?;
    let table = reader.table("plugin").and_then(|tables| tables.get(alias));
    let settings = table.map_or_else(|| Ok(InstanceSettings::default()), read_settings);
    let settings = settings.map_err(|reason| format!("[plugin.{alias}] {reason}"))?;
    Ok(InstanceSpec { alias: alias.to_owned(), plugin, settings })
}

fn name_services(reader: &mut Reader<'_>, specs: Vec<InstanceSpec>) -> Vec<(ServiceName, InstanceSpec)> {
    let mut services = Vec::new();
    for spec in specs {
        match ServiceName::parse(&spec.alias) {
            Ok(service) => services.push((service, spec)),
            Err(error) => reader.report(ALLOWED_SERVICES.name(), &error),
        }
    }
    services
}

fn report_unused_tables(reader: &mut Reader<'_>, aliases: &BTreeSet<String>) {
    let Some(tables) = reader.table("plugin") else { return };
    for alias in tables.keys().filter(|alias| !aliases.contains(*alias)) {
        let (services, extensions) = (ALLOWED_SERVICES.name(), INSTALLED_EXTENSIONS.name());
        let reason = format!("neither {services} nor {extensions} has this alias");
        reader.report(&format!("[plugin.{alias}]"), &reason);
    }
}

fn read_settings(value: &Value) -> Result<InstanceSettings, String> {
    let table = value.as_table().ok_or("expected a table")?;
    if let Some(unknown) = keys::find_unknown(table) {
        return Err(format!("{unknown}: unknown key"));
    }
    let defaults = InstanceSettings::default();
    Ok(InstanceSettings {
        isolation: keys::ISOLATION.find(table)?.unwrap_or(defaults.isolation),
        timeout: keys::TIMEOUT.find(table)?.unwrap_or(defaults.timeout),
        concurrency: keys::CONCURRENCY.find(table)?.unwrap_or(defaults.concurrency),
        queue: keys::QUEUE.find(table)?.unwrap_or(defaults.queue),
        sha256: keys::SHA256.find(table)?,
        may_deny: keys::MAY_DENY.find(table)?.unwrap_or(defaults.may_deny),
        may_spawn: keys::MAY_SPAWN.find(table)?.unwrap_or(defaults.may_spawn),
        max_ttl: keys::MAX_TTL.find(table)?,
        config: keys::CONFIG.find(table)?.unwrap_or(defaults.config),
    })
}
