//! The apps behind the service.

use toml::{Table, Value};
use vestibule_domain::{App, Apps, Origin, ServiceName};

use super::keys::app as keys;
use super::kinds::as_text;
use super::reader::{Found, Reader};

/// Reads the tables of all apps.
pub(super) fn read(reader: &mut Reader<'_>) -> Apps {
    let tables = reader.table("apps").into_iter().flatten();
    let mut apps: Vec<App> = Vec::new();
    for (name, value) in tables {
        let app = read_app(name, value).and_then(|app| match taken(&apps, &app) {
            Some(reason) => Err(vec![reason]),
            None => Ok(app),
        });
        match app {
            Ok(app) => apps.push(app),
            Err(reasons) => reader.report_all(&format!("[apps.{name}]"), &reasons),
        }
    }
    Apps::new(apps)
}

fn read_app(name: &str, value: &Value) -> Result<App, Vec<String>> {
    let parsed = ServiceName::parse(name).map_err(as_text);
    let reserved = || "the name is reserved for the service itself".to_owned();
    let named = parsed.and_then(|name| if name.is_reserved() { Err(reserved()) } else { Ok(name) });
    let table = value.as_table().ok_or_else(|| vec!["expected a table".to_owned()]);
    match (named, table.and_then(read_origin)) {
        (Ok(name), Ok(origin)) => Ok(App { name, origin }),
        (name, origin) => Err(name.err().into_iter().chain(origin.err().into_iter().flatten()).collect()),
    }
}

fn read_origin(table: &Table) -> Result<Origin, Vec<String>> {
    let mut reader = keys::read(table);
    let origin = match reader.find(&keys::ORIGIN) {
        Found::Value(origin) => Some(origin),
        Found::Absent => {
            reader.refuse("origin is not set");
            None
        }
        Found::Unusable => None,
    };
    reader.finish(origin)
}

fn taken(apps: &[App], app: &App) -> Option<String> {
    let other = apps.iter().find(|other| other.origin == app.origin)?;
    Some(format!("origin: [apps.{}] has {} already", other.name, app.origin))
}
