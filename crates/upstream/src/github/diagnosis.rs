//! What an operator is told of GitHub.

use http::StatusCode;

use super::{ACCEPT, GithubProvider};
use crate::diagnosis::{Diagnosis, RegistrationDiagnosis, judge, made_up_exchange};
use crate::error::{ProviderError, Reason, Step, StepError};
use crate::oidc::TokenEndpointAuthMethod;

impl GithubProvider {
    pub(super) async fn look(&self, redirect_uri: &str) -> Diagnosis {
        let (api, registration) = tokio::join!(self.reach_api(), self.try_registration(redirect_uri));
        Diagnosis { api: Some(api), registration: Some(registration), ..Diagnosis::default() }
    }

    /// Whether the API says that it wants a token, as it does to a client without one.
    async fn reach_api(&self) -> Result<(), ProviderError> {
        let answer = self.client.get(&self.user, ACCEPT, None).await;
        let outcome = match answer.map(|answer| answer.status()) {
            Ok(StatusCode::UNAUTHORIZED) => Ok(()),
            Ok(other) => Err(Reason::Status(other.as_u16())),
            Err(reason) => Err(reason),
        };
        outcome.map_err(|reason| StepError::unavailable(Step::UserInfo, reason).at_provider(&self.name))
    }

    async fn try_registration(&self, redirect_uri: &str) -> RegistrationDiagnosis {
        let exchange = made_up_exchange(redirect_uri, &self.issuer);
        let method = TokenEndpointAuthMethod::ClientSecretPost;
        let outcome = self.registration.exchange(&self.client, &self.token, method, &exchange).await;
        RegistrationDiagnosis {
            method,
            verdict: judge(outcome.map_err(|failure| failure.at_provider(&self.name))),
        }
    }
}
