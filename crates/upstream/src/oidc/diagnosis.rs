//! What an operator is told of an issuer.

use super::discovery::Metadata;
use super::{OidcProvider, TokenEndpointAuthMethod};
use crate::diagnosis::{
    Diagnosis, RegistrationDiagnosis, RegistrationVerdict, UsableKeys, judge, made_up_exchange,
};
use crate::error::ProviderError;

impl OidcProvider {
    pub(super) async fn look(&self, redirect_uri: &str) -> Diagnosis {
        let metadata = match self.metadata.current().await {
            Ok(held) => held.value,
            Err(failure) => {
                let failure = failure.at_provider(&self.name);
                return Diagnosis { metadata: Some(Err(failure)), ..Diagnosis::default() };
            }
        };
        Diagnosis {
            metadata: Some(Ok(())),
            keys: Some(self.count_keys(&metadata).await),
            // Last, since this answer comes from where ID tokens get their times.
            registration: Some(self.try_registration(&metadata, redirect_uri).await),
            api: None,
        }
    }

    async fn count_keys(&self, metadata: &Metadata) -> Result<UsableKeys, ProviderError> {
        let held = self.keys.current().await.map_err(|failure| failure.at_provider(&self.name))?;
        Ok(UsableKeys {
            count: held.value.count_for(metadata.algorithms),
            algorithms: metadata.algorithms.names().map(str::to_owned).collect(),
        })
    }

    async fn try_registration(&self, metadata: &Metadata, redirect_uri: &str) -> RegistrationDiagnosis {
        let method = metadata.auth_method;
        let mut verdict = self.try_method(metadata, method, redirect_uri).await;
        // A wrong secret and a client that is registered for another method are refused alike.
        if let RegistrationVerdict::Unknown { known_by, .. } = &mut verdict
            && let Some(other) = other_with_secret(method)
        {
            let is_known = self.try_method(metadata, other, redirect_uri).await == RegistrationVerdict::Known;
            *known_by = is_known.then_some(other);
        }
        RegistrationDiagnosis { method, verdict }
    }

    async fn try_method(
        &self,
        metadata: &Metadata,
        method: TokenEndpointAuthMethod,
        redirect_uri: &str,
    ) -> RegistrationVerdict {
        let exchange = made_up_exchange(redirect_uri, &self.issuer);
        let outcome =
            self.registration.exchange(&self.client, &metadata.token_endpoint, method, &exchange).await;
        judge(outcome.map_err(|failure| failure.at_provider(&self.name)))
    }
}

/// The other way to send a secret, for a client that has one.
fn other_with_secret(method: TokenEndpointAuthMethod) -> Option<TokenEndpointAuthMethod> {
    use TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost, None as Public};
    match method {
        ClientSecretBasic => Some(ClientSecretPost),
        ClientSecretPost => Some(ClientSecretBasic),
        Public => None,
    }
}
