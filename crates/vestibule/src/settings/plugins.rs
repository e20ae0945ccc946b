//! Which plugins are loaded, and what each of them gets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::Value;
use vestibule_domain::ServiceName;
use vestibule_plugin_host::{InstanceSettings, InstanceSpec, PluginName, PluginPath, PluginPlan};

use super::keys::plugin as keys;
use super::kinds::as_text;
use super::reader::{Found, Reader};
use super::setting::Optional;
use super::suggestions::nearest;
use super::table::{ALLOWED_SERVICES, INSTALLED_EXTENSIONS, PLUGIN_PATH, TOKEN_HANDLERS};

/// What the table of each alias says, if it can be used.
type Tables = BTreeMap<String, Option<InstanceSettings>>;

/// Reads the services, the extensions and the token handlers in their order, and the folders to search for libraries.
pub(super) fn read(reader: &mut Reader<'_>) -> PluginPlan {
    let path = PluginPath::new(read_path(reader));
    // In a folder where libraries are built, the group may often write.
    let path = if reader.dev() { path.dangerous_trusting_the_group() } else { path };
    let tables = read_tables(reader);
    let mut aliases = BTreeSet::new();
    let services = read_list(reader, &ALLOWED_SERVICES, &tables, &mut aliases);
    let extensions = read_list(reader, &INSTALLED_EXTENSIONS, &tables, &mut aliases);
    let handlers = read_list(reader, &TOKEN_HANDLERS, &tables, &mut aliases);
    if let (Some(services), Some(extensions), Some(token_handlers)) = (services, extensions, handlers) {
        report_unused_tables(reader, &tables, &aliases);
        report_who_names_users(reader, services.iter().chain(&extensions));
        return PluginPlan { path, services: name_services(services), extensions, token_handlers };
    }
    PluginPlan { path, ..PluginPlan::default() }
}

/// Only what reads tokens can say whose they are.
fn report_who_names_users<'s>(reader: &mut Reader<'_>, specs: impl Iterator<Item = &'s InstanceSpec>) {
    for spec in specs.filter(|spec| spec.settings.may_name_users) {
        let reason = format_args!("may_name_users: it is for what {} has", TOKEN_HANDLERS.name()).to_string();
        reader.report(&format!("[plugin.{}]", spec.alias), &reason);
    }
}

/// The folders that are named, and behind them those that are always searched: `plugins` beside the program, where the plugins are that
/// come with it, then the program's own folder.
fn read_path(reader: &mut Reader<'_>) -> Vec<PathBuf> {
    let named = reader.find(&PLUGIN_PATH).value().unwrap_or_default();
    let program = std::env::current_exe().ok();
    let own = program.as_deref().and_then(Path::parent);
    let own = own.into_iter().flat_map(|folder| [folder.join("plugins"), folder.to_owned()]);
    named.into_iter().chain(own).collect()
}

/// Reads the tables of all aliases, also those that no list has, so that every mistake is found.
fn read_tables(reader: &mut Reader<'_>) -> Tables {
    let tables = reader.table("plugin").into_iter().flatten();
    let read = |(alias, value): (&String, &Value)| {
        let settings = read_settings(value);
        let settings = settings.map_err(|reasons| reader.report_all(&format!("[plugin.{alias}]"), &reasons));
        (alias.clone(), settings.ok())
    };
    tables.map(read).collect()
}

/// Reads `[alias:]plugin;...`. Every alias is used once: it also names the plugin's own table. `None` if the list cannot be read.
fn read_list(
    reader: &mut Reader<'_>,
    setting: &Optional<Vec<String>>,
    tables: &Tables,
    aliases: &mut BTreeSet<String>,
) -> Option<Vec<InstanceSpec>> {
    let items = match reader.find(setting) {
        Found::Value(items) => items,
        Found::Absent => Vec::new(),
        Found::Unusable => return None,
    };
    let mut specs = Vec::new();
    for item in items {
        let (alias, plugin) = item.split_once(':').unwrap_or((&item, &item));
        if !aliases.insert(alias.to_owned()) {
            reader.report(setting.name(), &format_args!("{alias}: the alias is used twice"));
        }
        let (name, plugin) = (check_alias(alias), PluginName::parse(plugin).map_err(as_text));
        // Without a colon both are one text, and so one mistake.
        let most = if item.contains(':') { 2 } else { 1 };
        for reason in name.as_ref().err().into_iter().chain(plugin.as_ref().err()).take(most) {
            reader.report(setting.name(), &format_args!("{item}: {reason}"));
        }
        let settings = tables.get(alias).cloned().unwrap_or_else(|| Some(InstanceSettings::default()));
        if let (Ok(plugin), Some(settings)) = (plugin, settings) {
            specs.push(InstanceSpec { alias: alias.to_owned(), plugin, settings });
        }
    }
    Some(specs)
}

fn check_alias(alias: &str) -> Result<(), String> {
    let name = ServiceName::parse(alias).map_err(|error| format!("{alias:?}: {error}"))?;
    if name.is_reserved() { Err("the name is reserved for the service itself".to_owned()) } else { Ok(()) }
}

/// The services under their names. One whose alias is no name has been reported.
fn name_services(specs: Vec<InstanceSpec>) -> Vec<(ServiceName, InstanceSpec)> {
    specs.into_iter().filter_map(|spec| Some((ServiceName::parse(&spec.alias).ok()?, spec))).collect()
}

fn report_unused_tables(reader: &mut Reader<'_>, tables: &Tables, aliases: &BTreeSet<String>) {
    let lists = [ALLOWED_SERVICES.name(), INSTALLED_EXTENSIONS.name(), TOKEN_HANDLERS.name()];
    let [services, extensions, handlers] = lists;
    for alias in tables.keys().filter(|alias| !aliases.contains(*alias)) {
        let free = aliases.iter().map(String::as_str).filter(|alias| !tables.contains_key(*alias));
        let question =
            nearest(alias, free).map(|near| format!("; did you mean [plugin.{near}]?")).unwrap_or_default();
        let reason = format!("neither {services} nor {extensions} nor {handlers} has this alias{question}");
        reader.report(&format!("[plugin.{alias}]"), &reason);
    }
}

fn read_settings(value: &Value) -> Result<InstanceSettings, Vec<String>> {
    let table = value.as_table().ok_or_else(|| vec!["expected a table".to_owned()])?;
    let mut reader = keys::read(table);
    let defaults = InstanceSettings::default();
    let settings = InstanceSettings {
        isolation: reader.find_or(&keys::ISOLATION, defaults.isolation),
        timeout: reader.find_or(&keys::TIMEOUT, defaults.timeout),
        concurrency: reader.find_or(&keys::CONCURRENCY, defaults.concurrency),
        queue: reader.find_or(&keys::QUEUE, defaults.queue),
        sha256: reader.find(&keys::SHA256).value(),
        may_deny: reader.find_or(&keys::MAY_DENY, defaults.may_deny),
        may_name_users: reader.find_or(&keys::MAY_NAME_USERS, defaults.may_name_users),
        may_spawn: reader.find_or(&keys::MAY_SPAWN, defaults.may_spawn),
        max_ttl: reader.find(&keys::MAX_TTL).value(),
        config: reader.find_or(&keys::CONFIG, defaults.config),
    };
    reader.finish(Some(settings))
}
