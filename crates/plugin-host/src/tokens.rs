//! Whom a bearer token stands for that is not one of ours: from what is known already, or from the handlers in their order.

mod cache;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use vestibule_domain::ServiceName;
use zeroize::Zeroizing;

use crate::failure::{CallFailure, FailureKind};
use crate::identity::TokenIdentity;
use crate::instance::{Call, Instance};
use crate::observer::{CacheResult, Operation};
use crate::question::Question;
use crate::single_flight::SingleFlight;
use cache::{TokenCache, TokenDigest};

pub use cache::DEFAULT_MAX_TOKEN_TTL;

/// The longest token that a handler is asked about.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// A token, and where it was presented. Not `Debug`: the token is a secret.
#[derive(Clone, Copy)]
pub struct TokenQuestion<'a> {
    /// The token.
    pub token: &'a str,
    /// What it was presented for.
    pub purpose: TokenPurpose,
    /// The app or service that was asked for, if one was.
    pub app: Option<&'a ServiceName>,
    /// The method of the request.
    pub method: &'a str,
    /// The path of the request, without its query.
    pub path: &'a str,
    /// The address of the client.
    pub client: &'a str,
    /// The aliases of the handlers that may be asked; `None`: all.
    pub handlers: Option<&'a [String]>,
}

/// What a token was presented for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPurpose {
    /// A request to the service itself.
    Api,
    /// A request to an app that asks the service.
    ForwardAuth,
}

/// What the handlers say of a token. There is no further case in which it stands for anybody.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenOutcome {
    /// Whom it stands for.
    Identity(Arc<TokenIdentity>),
    /// No handler knows it.
    NoOpinion,
    /// A handler refuses it, or has failed at it.
    Refused,
    /// A handler cannot say at the moment; ask again after this long.
    Unavailable(Duration),
}

/// What one handler says: nothing, if it has no opinion.
pub(crate) type TokenVerdict = Result<Option<Arc<TokenIdentity>>, CallFailure>;

/// As the handler reads it.
#[derive(Serialize)]
struct Context<'a> {
    purpose: TokenPurpose,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    ip: &'a str,
}

impl TokenQuestion<'_> {
    /// Whether a handler may be asked about it at all: a bearer token is visible ASCII (RFC 6750 section 2.1), and not endless.
    fn is_askable(&self) -> bool {
        (1..=MAX_TOKEN_BYTES).contains(&self.token.len())
            && self.token.bytes().all(|byte| byte.is_ascii_graphic())
    }

    fn may_ask(&self, handler: &TokenHandler) -> bool {
        self.handlers.is_none_or(|named| named.iter().any(|alias| alias == handler.instance.alias()))
    }

    fn to_question(self) -> Question {
        let Self { purpose, method, path, client: ip, .. } = self;
        let context = Context { purpose, app: self.app.map(ServiceName::as_str), method, path, ip };
        Question::Token {
            token: Zeroizing::new(self.token.to_owned()),
            context_json: serde_json::to_string(&context).unwrap_or_default(),
        }
    }
}

/// Asks the handlers in their order until one has an opinion.
pub(crate) async fn resolve(handlers: &[Arc<TokenHandler>], question: &TokenQuestion<'_>) -> TokenOutcome {
    if !question.is_askable() {
        return TokenOutcome::NoOpinion;
    }
    for handler in handlers.iter().filter(|handler| question.may_ask(handler)) {
        match handler.resolve(question).await {
            Ok(None) => {}
            Ok(Some(identity)) => return TokenOutcome::Identity(identity),
            Err(failure @ CallFailure::Unavailable { .. }) => {
                return TokenOutcome::Unavailable(failure.retry_after());
            }
            Err(CallFailure::Denied(_) | CallFailure::Failed { .. } | CallFailure::UnknownService) => {
                return TokenOutcome::Refused;
            }
        }
    }
    TokenOutcome::NoOpinion
}

/// An instance that handles tokens, with what it has said.
pub(crate) struct TokenHandler {
    pub(crate) instance: Instance,
    cache: TokenCache,
    single_flight: SingleFlight<TokenDigest, TokenVerdict>,
}

impl TokenHandler {
    pub(crate) fn new(instance: Instance) -> Self {
        let cache = TokenCache::new(instance.settings().max_ttl);
        Self { instance, cache, single_flight: SingleFlight::new() }
    }

    /// What this handler says. One call for a token is under way at a time; whoever comes with the token meanwhile shares it.
    async fn resolve(self: &Arc<Self>, question: &TokenQuestion<'_>) -> TokenVerdict {
        let started = Instant::now();
        let digest = TokenDigest::of(question.token, question.app);
        let known = self.cache.find(digest, started);
        let result = if known.is_some() { CacheResult::Hit } else { CacheResult::Miss };
        self.instance.observer.cache(self.instance.alias(), result);
        if let Some(verdict) = known {
            return verdict;
        }
        let deadline = started + self.instance.settings().timeout;
        let call = || {
            let client = question.client.to_owned();
            Arc::clone(self).ask_and_keep(digest, client, question.to_question(), deadline)
        };
        self.instance.share(Operation::ResolveToken, &self.single_flight, digest, started, call).await
    }

    /// The asker is the client's address and not the token: one client makes as many tokens as it likes.
    async fn ask_and_keep(
        self: Arc<Self>,
        digest: TokenDigest,
        client: String,
        question: Question,
        deadline: Instant,
    ) -> TokenVerdict {
        let (alias, settings) = (self.instance.alias(), self.instance.settings());
        let call = Call { asker: &client, question, deadline, time: settings.timeout, may_deny: true };
        let read = |object| match object {
            Some(object) => {
                TokenIdentity::read(alias, settings.may_name_users, object).map(|read| Some(Arc::new(read)))
            }
            None => Ok::<_, FailureKind>(None),
        };
        let answered = self.instance.ask(call, read).await;
        self.cache.keep(digest, &answered.verdict, answered.ttl_seconds, Instant::now());
        answered.verdict
    }
}
