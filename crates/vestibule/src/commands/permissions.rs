//! `vestibule permissions`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use vestibule_domain::{ServiceName, User};
use vestibule_flows::{Administration, ExplainedPermissions, describe_user};
use vestibule_plugin_host::{NoObserver, PluginHost, PluginPlan, exit_now};

use super::administration::{administer, find_user};
use super::database::open_people;
use super::support::{block_on, say};
use crate::arguments::PermissionsCommand;
use crate::error::CommandError;
use crate::serve::host_parts;
use crate::settings::table::ALLOWED_SERVICES;
use crate::settings::{Settings, Sources};

/// How long the plugin has to clean up.
const GRACE: Duration = Duration::from_secs(1);

pub(crate) fn permissions(sources: &Sources, command: &PermissionsCommand) -> Result<(), CommandError> {
    let PermissionsCommand::Explain { user, service } = command;
    let (people, plugins) = Settings::read_people_and_plugins(sources)?;
    let outcome = block_on(async {
        let storage = open_people(&people, sources.dev()).await?;
        let admin = administer(&storage);
        let user = find_user(&admin, user.named_user()).await?;
        let host = load(plugins, service).await?;
        let outcome = explain(&admin, &host, service, &user).await;
        tokio::task::block_in_place(|| host.close(GRACE));
        outcome
    });
    if let Err(error) = &outcome {
        error.print();
    }
    std::io::stdout().flush()?;
    // A plugin may have threads that still run.
    exit_now(i32::from(outcome.is_err()))
}

/// Loads the plugin of this service alone, so that faults of others do not matter.
async fn load(plan: PluginPlan, service: &ServiceName) -> Result<PluginHost, CommandError> {
    let services: Vec<_> = plan.services.into_iter().filter(|(name, _)| name == service).collect();
    if services.is_empty() {
        let (setting, service) = (ALLOWED_SERVICES.name(), service.as_str());
        return Err(CommandError::new(format_args!("{setting} has no service {service:?}")));
    }
    let plan = PluginPlan { services, extensions: Vec::new(), token_handlers: Vec::new(), ..plan };
    let loading =
        tokio::task::spawn_blocking(move || PluginHost::load(&plan, host_parts(Arc::new(NoObserver))));
    let loaded = loading.await.map_err(CommandError::while_doing("loading the plugin"))?;
    loaded.map_err(CommandError::while_doing("the plugin cannot be loaded"))
}

async fn explain(
    admin: &Administration<'_>,
    host: &PluginHost,
    service: &ServiceName,
    user: &User,
) -> Result<(), CommandError> {
    let explained = admin.explain_permissions(host, service, user).await?;
    say_who(host, service, user)?;
    match explained {
        ExplainedPermissions::Explained(explanation) => say_explanation(&explanation),
        ExplainedPermissions::Unexplained(permissions) => {
            say(format_args!("permissions  {}", compact(&Value::Object(permissions))))?;
            Err(CommandError::new("the plugin answers permissions and does not explain them"))
        }
    }
}

fn say_who(host: &PluginHost, service: &ServiceName, user: &User) -> Result<(), CommandError> {
    say(format_args!("user         {}", describe_user(user)))?;
    for plugin in host.list() {
        say(format_args!("service      {service}, answered by {} {}", plugin.name, plugin.version))?;
    }
    if user.disabled_at.is_some() {
        say("note         the user is disabled and gets no token")?;
    }
    Ok(())
}

/// The permissions, then rule by rule what it gave and why.
fn say_explanation(explanation: &Map<String, Value>) -> Result<(), CommandError> {
    let odd = || CommandError::new("the plugin's explanation has another form than expected");
    let permissions = explanation.get("permissions").ok_or_else(odd)?;
    let because = explanation.get("because").and_then(Value::as_array).ok_or_else(odd)?;
    say(format_args!("permissions  {}", compact(permissions)))?;
    if because.is_empty() {
        say("because      no rule applies")?;
    }
    for reason in because {
        let text = |name: &str| reason.get(name).and_then(Value::as_str).map(plain);
        let rule = text("rule").ok_or_else(odd)?;
        say(format_args!("because      {rule}: {}", text("text").unwrap_or_default()))?;
        say(format_args!("             gave {}", gift(reason.get("gave").unwrap_or(&Value::Null))))?;
    }
    Ok(())
}

/// A list of texts as a list of words, anything else as JSON.
fn gift(gave: &Value) -> String {
    let words: Option<Vec<&str>> =
        gave.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
    match words {
        Some(words) if words.is_empty() => "nothing".to_owned(),
        Some(words) => plain(&words.join(", ")),
        None => compact(gave),
    }
}

fn compact(value: &Value) -> String {
    plain(&value.to_string())
}

/// What a plugin says, without the characters that would let it draw on the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
