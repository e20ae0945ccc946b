//! What a frontend may ask of the provider when a sign-in begins.

use thiserror::Error;

/// The longest address that mail has (RFC 5321 section 4.5.3.1), and longer than any name.
const MAX_LOGIN_HINT: usize = 320;

/// What a frontend asks of the provider, in the words of OpenID Connect Core section 3.1.2.1. The provider may do otherwise, so nothing
/// relies on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignInHints<'a> {
    prompt: Option<&'a str>,
    login_hint: Option<&'a str>,
    is_step_up: bool,
}

/// A hint that no provider would understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HintError {
    /// A prompt that is not known, or `none` beside another.
    #[error(
        "prompt: expected none, or some of login, consent, select_account and create with a space between them"
    )]
    Prompt,
    /// A step-up that leads to a frontend.
    #[error("step_up: expected 1, with a next that is a page of the service itself, such as /account")]
    StepUp,
    /// A login hint that is too long or not one line.
    #[error("login_hint: expected at most 320 characters, and none of them a control character")]
    LoginHint,
}

impl<'a> SignInHints<'a> {
    /// Takes the parameters `prompt` and `login_hint`. An empty one counts as absent.
    pub fn new(prompt: Option<&'a str>, login_hint: Option<&'a str>) -> Result<Self, HintError> {
        let prompt = prompt.filter(|text| !text.is_empty());
        let login_hint = login_hint.filter(|text| !text.is_empty());
        if !prompt.is_none_or(is_prompt) {
            return Err(HintError::Prompt);
        }
        let fits = |text: &str| text.chars().count() <= MAX_LOGIN_HINT && !text.contains(char::is_control);
        if !login_hint.is_none_or(fits) {
            return Err(HintError::LoginHint);
        }
        Ok(Self { prompt, login_hint, is_step_up: false })
    }

    /// The same, for a person who is to show once more who they are. Takes the parameter `step_up`.
    pub fn with_step_up(self, step_up: Option<&str>) -> Result<Self, HintError> {
        match step_up {
            None | Some("") => Ok(self),
            Some("1") => Ok(Self { is_step_up: true, ..self }),
            Some(_) => Err(HintError::StepUp),
        }
    }

    pub(crate) const fn is_step_up(&self) -> bool {
        self.is_step_up
    }

    pub(crate) fn prompt(&self) -> Option<&'a str> {
        self.prompt.or(self.is_step_up.then_some("login"))
    }

    /// The `max_age` of OpenID Connect Core section 3.1.2.1.
    pub(crate) fn max_age(&self) -> Option<&'static str> {
        self.is_step_up.then_some("0")
    }

    pub(crate) const fn login_hint(&self) -> Option<&'a str> {
        self.login_hint
    }
}

fn is_prompt(text: &str) -> bool {
    const VALUES: [&str; 4] = ["login", "consent", "select_account", "create"];
    text == "none" || text.split(' ').all(|value| VALUES.contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompts_of_openid_connect_are_taken_and_no_others() {
        for good in ["none", "login", "select_account", "login consent", "create"] {
            assert_eq!(SignInHints::new(Some(good), None).unwrap().prompt(), Some(good));
        }
        assert_eq!(SignInHints::new(Some(""), Some("")), Ok(SignInHints::default()));
        for bad in ["none login", "Login", "login  consent", " ", "select_account&x=y", "login\n"] {
            assert_eq!(SignInHints::new(Some(bad), None), Err(HintError::Prompt), "{bad:?}");
        }
    }

    #[test]
    fn a_login_hint_is_one_line_of_the_length_of_an_address() {
        let hint = "\u{e4}".repeat(MAX_LOGIN_HINT);
        assert_eq!(SignInHints::new(None, Some(&hint)).unwrap().login_hint(), Some(hint.as_str()));
        for bad in [format!("{hint}x"), "a\nb".to_owned(), "a\u{0}".to_owned()] {
            assert_eq!(SignInHints::new(None, Some(&bad)), Err(HintError::LoginHint));
        }
    }
}
