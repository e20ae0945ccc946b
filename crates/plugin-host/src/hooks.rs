//! Events: every extension hears of them in turn, and may change the user for those after it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use vestibule_domain::{PatchError, User, UserPatch};

use crate::describe::user_json;
use crate::failure::CallFailure;
use crate::instance::{Call, Instance};
use crate::observer::{CallObserver, PatchField};
use crate::question::Question;
use crate::text::printable;

/// The most that one hook may take.
const HOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// The most that all hooks of one event may take.
const EVENT_TIMEOUT: Duration = Duration::from_secs(3);
/// How many refused members of a patch the log names.
const NAMED_REFUSALS: usize = 8;

/// What happened to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// The user was made. Comes before the sign-in that made it.
    NewUser,
    /// The user signed in.
    UserLogin,
    /// The user signed out.
    UserLogout,
}

/// What the extensions made of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct HookOutcome {
    /// The user that they were told of, after all patches. What is kept is decided by applying them to the user as it is
    /// then.
    pub user: User,
    /// What they change, in this order.
    pub patches: Vec<ExtensionPatch>,
    /// Why an extension that may do so refuses the sign-in, if one does; for the operator.
    pub denied: Option<String>,
    /// Whether any extension was told of the event, for which there was a wait.
    pub was_told: bool,
}

/// What one extension changes.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtensionPatch {
    /// The extension's alias.
    pub alias: String,
    /// Names something, and only what an extension may change.
    pub patch: UserPatch,
}

/// Tells the extensions in their order. A failure is logged and skipped; a denial that counts ends the round. Those for
/// whom no time is left are skipped too, and logged as late.
pub(crate) async fn run(extensions: &[Instance], hook: Hook, user: User, provider_id: &str) -> HookOutcome {
    let event_deadline = Instant::now() + EVENT_TIMEOUT;
    let mut outcome = HookOutcome { user, patches: Vec::new(), denied: None, was_told: false };
    for extension in extensions.iter().filter(|extension| extension.provides(hook.into())) {
        let question = Question::Event { hook, user_json: user_json(&outcome.user, provider_id) };
        let time = extension.settings().timeout.min(HOOK_TIMEOUT);
        // The sign-out has taken effect: there is nothing to refuse.
        let may_deny = extension.settings().may_deny && hook != Hook::UserLogout;
        let deadline = (Instant::now() + time).min(event_deadline);
        let call = Call { asker: outcome.user.id.as_str(), question, deadline, time, may_deny };
        let answered = extension.ask(call, Ok).await;
        outcome.was_told = true;
        match answered.verdict {
            Ok(Some(patch)) => outcome.patches.extend(apply(&mut outcome.user, patch, extension)),
            Err(CallFailure::Denied(reason)) => {
                outcome.denied = Some(reason);
                break;
            }
            // A failure is already logged and counted.
            Ok(None) | Err(_) => {}
        }
    }
    outcome
}

/// Applies what an extension may change, for those after it to see, and logs the rest. Answers what is to be kept, if it is
/// anything.
fn apply(user: &mut User, patch: Map<String, Value>, extension: &Instance) -> Option<ExtensionPatch> {
    let (mut patch, mut refused) = UserPatch::from_merge_patch(patch);
    if let Err(error) = patch.apply(user) {
        patch.attributes = None;
        refused.push(error);
    }
    note_refusals(extension.observer.as_ref(), extension.alias(), &refused);
    (!patch.is_empty()).then(|| ExtensionPatch { alias: extension.alias().to_owned(), patch })
}

/// Logs and counts what is left out of a patch.
pub(crate) fn note_refusals(observer: &dyn CallObserver, alias: &str, refused: &[PatchError]) {
    if refused.is_empty() {
        return;
    }
    for error in refused {
        observer.patch_rejected(alias, PatchField::of(error));
    }
    let reasons: Vec<_> = refused.iter().take(NAMED_REFUSALS).map(ToString::to_string).collect();
    let reasons: String = printable(&reasons.join("; ")).chars().take(1_000).collect();
    tracing::warn!(plugin = alias, refused = refused.len(), "a part of a patch is refused: {reasons}");
}
