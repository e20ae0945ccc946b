//! What people read of an error. Developers read its code and its description.

use vestibule_flows::CallbackRefusal;

/// What happened, and what a person can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageText {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

pub(super) const INVALID: PageText = PageText {
    title: "This address cannot be used",
    text: "Go back to the application that sent you here and start again.",
};
pub(super) const INVALID_LINK: PageText = PageText {
    title: "This sign-in link is no longer valid",
    text: "Start again. If you came from an application, go back to it and sign in there.",
};
pub(super) const INCOMPLETE_LINK: PageText = PageText {
    title: "This sign-in link is not complete",
    text: "A part of the address is missing. Start again.",
};
pub(super) const DECLINED: PageText = PageText {
    title: "The sign-in was declined",
    text: "The provider says that the account was not to be shared. If you want to sign in after all, start again.",
};
pub(super) const REFUSED: PageText = PageText {
    title: "The provider refuses this sign-in",
    text: "Start again, or choose another way to sign in. If it happens again, tell the people who run this service, with \
           the reference below.",
};
pub(super) const TOOK_TOO_LONG: PageText = PageText {
    title: "This sign-in took too long",
    text: "A sign-in has to be finished within ten minutes. Start again.",
};
pub(super) const USED_LINK: PageText = PageText {
    title: "This sign-in link was used already",
    text: "It works once. If you are not signed in, start again.",
};
pub(super) const WRONG_CALLBACK: PageText = PageText {
    title: "This sign-in cannot be finished",
    text: "The answer came to the address of another provider. Start again. If it happens again, tell the people who \
           run this service, with the reference below.",
};
pub(super) const OTHER_BROWSER: PageText = PageText {
    title: "This sign-in began in another browser",
    text: "Finish it in the browser in which it began, or start again in this one. The browser has to accept cookies \
           of this service.",
};
pub(super) const NO_ANSWER: PageText = PageText {
    title: "The provider sent no answer",
    text: "Start again. If it happens again, choose another way to sign in.",
};
pub(super) const UNREADABLE_ANSWER: PageText = PageText {
    title: "The answer of the provider cannot be read",
    text: "Start again. If it happens again, choose another way to sign in.",
};
pub(super) const PROVIDER_GONE: PageText = PageText {
    title: "This way to sign in is not offered any more",
    text: "Start again and choose another one.",
};
pub(super) const CROSS_ORIGIN: PageText = PageText {
    title: "This was not sent from here",
    text: "Another site sent this for you, so nothing was done. Open the page yourself and try again.",
};
pub(super) const LOADED_AHEAD: PageText = PageText {
    title: "This page was loaded ahead of time",
    text: "Nothing is lost. Load the page again to go on.",
};
pub(super) const BUSY: PageText =
    PageText { title: "The service is busy", text: "Wait a few seconds, then load this page again." };
pub(super) const UNAVAILABLE: PageText = PageText {
    title: "The service is not available right now",
    text: "Wait a few seconds, then load this page again. Nothing is lost.",
};
pub(super) const TOO_MANY: PageText =
    PageText { title: "Too many attempts", text: "Wait a moment, then try again." };
pub(super) const OUR_FAULT: PageText = PageText {
    title: "Something went wrong",
    text: "The fault is on our side. Try again. If it happens again, tell the people who run this service, with the \
           reference below.",
};
pub(super) const NOT_ALLOWED: PageText = PageText {
    title: "This sign-in link cannot be used",
    text: "It leads to an address that this service does not allow. Tell the people who run the application that you \
           came from.",
};
pub(super) const UNKNOWN_PROVIDER: PageText = PageText {
    title: "This way to sign in does not exist",
    text: "Start again and choose one of the ways that are offered.",
};

/// The code of a callback that is refused, and its page.
pub(super) fn of_callback(refusal: CallbackRefusal) -> (&'static str, PageText) {
    match refusal {
        CallbackRefusal::StateMissing => ("state_missing", INCOMPLETE_LINK),
        CallbackRefusal::DeclinedWithoutState => ("access_denied", DECLINED),
        CallbackRefusal::RefusedWithoutState => ("sign_in_failed", REFUSED),
        CallbackRefusal::StateForged => ("state_forged", INVALID_LINK),
        CallbackRefusal::StateExpired => ("state_expired", TOOK_TOO_LONG),
        CallbackRefusal::StateReplayed => ("state_replayed", USED_LINK),
        CallbackRefusal::WrongCallback => ("wrong_callback", WRONG_CALLBACK),
        CallbackRefusal::OtherBrowser => ("state_from_other_browser", OTHER_BROWSER),
        CallbackRefusal::CodeMissing => ("invalid_request", NO_ANSWER),
        CallbackRefusal::CodeTooLong => ("invalid_request", UNREADABLE_ANSWER),
        CallbackRefusal::ProviderGone => ("unknown_provider", PROVIDER_GONE),
    }
}
