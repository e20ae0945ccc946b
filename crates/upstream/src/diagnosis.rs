//! What an operator is told of a provider before anybody signs in.
//!
//! A diagnosis takes the steps of a sign-in with the code of sign-ins: metadata, keys, and the exchange of a code, which is
//! made up. A provider looks at the client before the code, so that its refusal tells whether it knows the client.

use crate::error::{ProviderError, Reason};
use crate::oidc::TokenEndpointAuthMethod;
use crate::provider::CodeExchange;

/// Not a code that any provider has given; said in words, for those who read the log of the provider.
const MADE_UP_CODE: &str = "vestibule-doctor-this-code-was-never-given";
/// 43 unreserved characters, as RFC 7636 section 4.1 asks for.
const CODE_VERIFIER: &str = "vestibule-doctor-vestibule-doctor-vestibule";

/// What came of asking a provider. A step that this provider has not, or that was not reached, is absent.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// Reading the issuer's metadata, and the issuer that it has to be of.
    pub metadata: Option<Result<(), ProviderError>>,
    /// Reading the issuer's public keys.
    pub keys: Option<Result<UsableKeys, ProviderError>>,
    /// What the token endpoint says of our client.
    pub registration: Option<RegistrationDiagnosis>,
    /// Whether the API that tells about people answers.
    pub api: Option<Result<(), ProviderError>>,
}

/// Keys that can check what the issuer signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsableKeys {
    /// How many.
    pub count: usize,
    /// The algorithms of the issuer that are taken here.
    pub algorithms: Vec<String>,
}

/// What the token endpoint says of our client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationDiagnosis {
    /// How the client authenticates.
    pub method: TokenEndpointAuthMethod,
    /// What follows from the answer.
    pub verdict: RegistrationVerdict,
}

/// What follows from the answer to a code that was made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationVerdict {
    /// The code alone is refused, so the client is known.
    Known,
    /// The client is known, and the redirect URI is not registered for it.
    RedirectUriUnknown,
    /// The client is not known by this method.
    Unknown {
        /// The provider's code for that.
        code: &'static str,
        /// Another method by which it is known.
        known_by: Option<TokenEndpointAuthMethod>,
    },
    /// Neither is said.
    Unclear(ProviderError),
    /// The code was taken, although it was never given.
    CodeTaken,
}

/// The exchange of a code that was never given.
pub(crate) fn made_up_exchange<'a>(redirect_uri: &'a str, issuer: &'a str) -> CodeExchange<'a> {
    CodeExchange {
        code: MADE_UP_CODE,
        code_verifier: CODE_VERIFIER,
        nonce: "",
        redirect_uri,
        issuer: Some(issuer),
    }
}

/// What the outcome of such an exchange means.
pub(crate) fn judge<T>(outcome: Result<T, ProviderError>) -> RegistrationVerdict {
    use RegistrationVerdict::{CodeTaken, Known, RedirectUriUnknown, Unclear, Unknown};
    let Err(failure) = outcome else { return CodeTaken };
    match reason_of(&failure) {
        Reason::Code("invalid_grant" | "bad_verification_code") => Known,
        Reason::Settings { code: "redirect_uri_mismatch", .. } => RedirectUriUnknown,
        Reason::Settings {
            code:
                code @ ("invalid_client" | "unauthorized_client" | "incorrect_client_credentials" | "Not Found"),
            ..
        } => Unknown { code, known_by: None },
        _ => Unclear(failure),
    }
}

fn reason_of(failure: &ProviderError) -> Reason {
    match failure {
        ProviderError::Unavailable { reason, .. } | ProviderError::Refused { reason, .. } => *reason,
    }
}
