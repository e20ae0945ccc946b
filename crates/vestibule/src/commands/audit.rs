//! `vestibule audit`.

use serde_json::{Map, Value};
use vestibule_flows::{Administration, AuditSelection};
use vestibule_storage::RecordedEvent;

use super::administration::administer;
use super::database::open;
use super::support::{block_on, say};
use crate::arguments::AuditCommand;
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

pub(crate) fn audit(sources: &Sources, command: &AuditCommand) -> Result<(), CommandError> {
    let AuditCommand::List { user, event, since, json } = command;
    let url = Settings::read_database(sources)?;
    let line = if *json { as_json } else { as_text };
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        let admin = administer(&storage);
        let selection = admin.select_audit_events(user.named_user().as_ref(), *event, *since).await?;
        list(&admin, &selection, line).await
    })
}

async fn list(
    admin: &Administration<'_>,
    selection: &AuditSelection,
    line: fn(&RecordedEvent) -> String,
) -> Result<(), CommandError> {
    let mut after: Option<String> = None;
    loop {
        let events = admin.list_audit_events(selection, after.as_deref()).await?;
        events.iter().try_for_each(|event| say(line(event)))?;
        match events.last() {
            Some(last) => after = Some(last.id.clone()),
            None => return Ok(()),
        }
    }
}

/// The fields that have a value, with their names.
fn members(event: &RecordedEvent) -> Vec<(&'static str, Value)> {
    let texts = [
        ("user", &event.user_id),
        ("session", &event.session_id),
        ("provider", &event.provider),
        ("ip", &event.ip),
        ("user_agent", &event.user_agent),
        ("request_id", &event.request_id),
        ("reason", &event.reason),
    ];
    let details = event.details();
    let details = (!details.is_empty()).then_some(("details", Value::Object(details)));
    let present = texts.into_iter().filter_map(|(name, text)| Some((name, Value::from(text.as_deref()?))));
    present.chain(details).collect()
}

fn as_json(event: &RecordedEvent) -> String {
    let outcome = if event.reason.is_some() { "refused" } else { "ok" };
    let mut object = Map::from_iter([
        ("time".to_owned(), event.at().to_rfc3339().into()),
        ("event".to_owned(), event.event.as_str().into()),
        ("actor".to_owned(), event.actor.as_str().into()),
        ("outcome".to_owned(), outcome.into()),
    ]);
    object.extend(members(event).into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object).to_string()
}

/// Time, event and actor, then all other fields, each with its name and as JSON writes it.
fn as_text(event: &RecordedEvent) -> String {
    let start = format!("{}  {}  by {}", event.at(), event.event, event.actor);
    members(event).into_iter().fold(start, |line, (name, value)| match value {
        Value::String(text) if !text.contains([' ', '"', '\\']) => format!("{line}  {name}={text}"),
        value => format!("{line}  {name}={value}"),
    })
}
