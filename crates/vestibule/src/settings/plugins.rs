//! Which plugins are loaded, and what each of them gets.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use toml::{Table, Value};
use vestibule_domain::ServiceName;
use vestibule_plugin_host::{
    InstanceSettings, InstanceSpec, Isolation, PluginConfig, PluginName, PluginPath, PluginPlan,
};

use super::reader::{Reader, parse_duration, parse_switch};

const DEV_SERVICES: &str = "storage:sample-permissions;reports:sample-permissions";
const DEV_EXTENSIONS: &str = "sample-extension";

/// The services, the extensions in their order, and where libraries are searched for.
pub(super) fn read(reader: &mut Reader<'_>) -> PluginPlan {
    let path = PluginPath::new(read_path(reader));
    // Where libraries are built, the group may often write.
    let path = if reader.dev() { path.dangerous_trusting_the_group() } else { path };
    let dev = |text: &'static str| if text.is_empty() { None } else { Some(text.to_owned()) };
    let (services, extensions) =
        if reader.dev() { (dev(DEV_SERVICES), dev(DEV_EXTENSIONS)) } else { (None, None) };
    let mut aliases = BTreeSet::new();
    let services = read_list(reader, "ALLOWED_SERVICES", services, &mut aliases);
    let extensions = read_list(reader, "INSTALLED_EXTENSIONS", extensions, &mut aliases);
    report_unused_tables(reader, &aliases);
    PluginPlan { path, services: name_services(reader, services), extensions }
}

/// By default the folder `plugins` beside the program, then the program's own folder.
fn read_path(reader: &mut Reader<'_>) -> Vec<PathBuf> {
    if let Some(text) = reader.text("PLUGIN_PATH") {
        return text.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from).collect();
    }
    let program = std::env::current_exe().ok();
    let folder = program.as_deref().and_then(std::path::Path::parent);
    folder.into_iter().flat_map(|folder| [folder.join("plugins"), folder.to_owned()]).collect()
}

/// Reads `[alias:]plugin;...`. Every alias is used once: it also names the plugin's own table.
fn read_list(
    reader: &mut Reader<'_>,
    name: &str,
    default: Option<String>,
    aliases: &mut BTreeSet<String>,
) -> Vec<InstanceSpec> {
    let Some(text) = reader.text(name).or(default) else { return Vec::new() };
    let mut specs = Vec::new();
    for item in text.split(';').map(str::trim).filter(|item| !item.is_empty()) {
        let (alias, plugin) = item.split_once(':').unwrap_or((item, item));
        match read_instance(reader, alias, plugin) {
            Ok(spec) if aliases.insert(alias.to_owned()) => specs.push(spec),
            Ok(_) => reader.wrong(name, &format_args!("{alias}: the alias is used twice")),
            Err(reason) => reader.wrong(name, &format_args!("{item}: {reason}")),
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
            Err(error) => reader.wrong("ALLOWED_SERVICES", &error),
        }
    }
    services
}

fn report_unused_tables(reader: &mut Reader<'_>, aliases: &BTreeSet<String>) {
    let Some(tables) = reader.table("plugin") else { return };
    for alias in tables.keys().filter(|alias| !aliases.contains(*alias)) {
        let reason = "neither ALLOWED_SERVICES nor INSTALLED_EXTENSIONS has this alias";
        reader.wrong(&format!("[plugin.{alias}]"), &reason);
    }
}

fn read_settings(value: &Value) -> Result<InstanceSettings, String> {
    let table: &Table = value.as_table().ok_or("expected a table")?;
    let mut settings = InstanceSettings::default();
    for (key, value) in table {
        set(&mut settings, key, value).map_err(|reason| format!("{key}: {reason}"))?;
    }
    Ok(settings)
}

fn set(settings: &mut InstanceSettings, key: &str, value: &Value) -> Result<(), String> {
    let text = || match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(switch) => Ok(switch.to_string()),
        _ => Err("expected a text".to_owned()),
    };
    let count =
        || value.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=1024).contains(n));
    match key {
        "isolation" => {
            settings.isolation = Isolation::from_str(&text()?).map_err(|error| error.to_string())?;
        }
        "timeout" => settings.timeout = parse_duration(&text()?)?,
        "max_ttl" => settings.max_ttl = Some(parse_duration(&text()?)?),
        "concurrency" => settings.concurrency = count().ok_or("expected a number from 1 to 1024")?,
        "queue" => settings.queue = count().ok_or("expected a number from 1 to 1024")?,
        "may_spawn" => settings.may_spawn = parse_switch(&text()?)?,
        "may_deny" => settings.may_deny = parse_switch(&text()?)?,
        "sha256" => settings.sha256 = Some(parse_sha256(&text()?)?),
        "config" => settings.config = parse_config(value)?,
        _ => return Err("unknown key".to_owned()),
    }
    Ok(())
}

fn parse_sha256(text: &str) -> Result<[u8; 32], String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
}

fn parse_config(value: &Value) -> Result<PluginConfig, String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(object)) => Ok(PluginConfig::new(object)),
        _ => Err("expected a table".to_owned()),
    }
}
