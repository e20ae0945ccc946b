//! A sign-in that is to be finished, and what it comes to.

use vestibule_domain::{
    AccountLinking, ClientInfo, ConfiguredProviders, EmailAddress, EmailKnowledge, SecretDigest, Session,
    SessionId, Timestamp, UpstreamProfile, User, UserId, UserIdScheme,
};

/// A sign-in that a provider has confirmed.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// What the provider states.
    pub profile: UpstreamProfile,
    /// Where the sign-in came from.
    pub client: ClientInfo,
    /// What an unknown identity with a known address means.
    pub linking: AccountLinking,
    /// How a new user's id is made.
    pub id_scheme: UserIdScheme,
    /// A random id, for the case that one is needed.
    pub new_user_id: UserId,
    /// The new session's id.
    pub session_id: SessionId,
    /// When the sign-in is.
    pub now: Timestamp,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// The cookies of the browser that the session is for; `None` for a session of a user token.
    pub browser: Option<BrowserCookies>,
}

/// The session cookies of a browser that signs in, by their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserCookies {
    /// The one that it gets.
    pub new: SecretDigest,
    /// The one that it sent, if any.
    pub old: Option<SecretDigest>,
}

/// What a sign-in came to.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once per sign-in and taken apart at once")]
pub enum SignInOutcome {
    /// Signed in.
    SignedIn {
        /// The user, as it is after the sign-in.
        user: User,
        /// The new session.
        session: Session,
        /// Whether this sign-in made the user. True once for each user.
        is_new: bool,
    },
    /// The user is disabled. Nothing was written.
    Disabled,
    /// The identity is new, and its address, which decides whose it is, could not be asked for. Nothing was written.
    EmailUnknown,
}

/// What is kept of the address that an identity stated last.
#[derive(Default)]
pub(super) struct EarlierEmail {
    pub(super) address: Option<EmailAddress>,
    /// Whether the provider stated so.
    pub(super) verified: bool,
}

impl SignIn {
    /// When the person showed the provider who they are: as it states, if that is not later than now; otherwise now.
    pub(super) fn auth_time(&self) -> Timestamp {
        self.profile.auth_time.map_or(self.now, |stated| stated.min(self.now))
    }

    /// The same, with its address as verified if, and only if, it counts beyond the identity: because the provider states so and is
    /// trusted with that, or because the provider is the authority over it. The other result is true if it counts by authority alone.
    pub(super) fn with_email_as_trusted(self, providers: &ConfiguredProviders) -> (Self, bool) {
        let mut profile = self.profile;
        let (name, issuer) = (profile.provider.as_str(), profile.identity.issuer.as_str());
        let vouched = |address: &EmailAddress| providers.vouches_for_email(name, issuer, address);
        let by_authority =
            profile.verified_email.is_none() && profile.unverified_email.as_ref().is_some_and(vouched);
        if by_authority {
            profile.verified_email = profile.unverified_email.take();
        }
        let trusted = Self { profile, ..self }.with_email_if(|profile, address| {
            providers.trusts_email(profile.provider.as_str(), &profile.identity.issuer, address)
        });
        (trusted, by_authority)
    }

    /// Whether what the provider stated at an earlier sign-in with this identity stays, because it could not say now.
    pub(super) fn keeps_email(&self, earlier: &EarlierEmail) -> bool {
        let profile = &self.profile;
        match profile.email_knowledge {
            EmailKnowledge::Complete => false,
            EmailKnowledge::Unknown => true,
            EmailKnowledge::Partial => {
                let stated = profile.verified_email.as_ref().or(profile.unverified_email.as_ref());
                let known = earlier.address.as_ref();
                known.is_some() && stated.map(EmailAddress::key) == known.map(EmailAddress::key)
            }
        }
    }

    /// The same, with the address that the provider stated at an earlier sign-in with this identity.
    pub(super) fn with_earlier_email(self, earlier: EarlierEmail) -> Self {
        let EarlierEmail { address, verified } = earlier;
        let (verified_email, unverified_email) = if verified { (address, None) } else { (None, address) };
        Self { profile: UpstreamProfile { verified_email, unverified_email, ..self.profile }, ..self }
    }

    /// The same, with its verified address as an unverified one unless it is trusted.
    pub(super) fn with_email_if(
        self,
        is_trusted: impl FnOnce(&UpstreamProfile, &EmailAddress) -> bool,
    ) -> Self {
        let address = self.profile.verified_email.as_ref();
        if address.is_none_or(|address| is_trusted(&self.profile, address)) {
            return self;
        }
        let mut profile = self.profile;
        profile.unverified_email = profile.verified_email.take().or(profile.unverified_email);
        Self { profile, ..self }
    }
}
