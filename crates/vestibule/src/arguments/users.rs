//! How a command line names a user: by an id, a username or a verified address, by an id, or by a username.

use clap::Args;
use vestibule_domain::{EmailAddress, EmailDomain, UserId, Username, UsernameError};
use vestibule_flows::{NamedOrganization, NamedSubject, NamedUser};

/// Defines arguments that name a user, from: what the help calls the user, how the first argument is given, and what may stand
/// in the place of a user.
macro_rules! user_arguments {
    ($(#[$attribute:meta])* $name:ident, $who:literal, [$($place:tt)*], { $($others:tt)* }) => {
        #[derive(Debug, Clone, Args)]
        $(#[$attribute])*
        pub(crate) struct $name {
            #[arg($($place)* help = concat!($who, ": id or username, or verified address; refused where it may mean two"))]
            user: Option<String>,
            #[arg(long, value_parser = UserId::parse, help = concat!($who, ": the id"))]
            id: Option<UserId>,
            #[arg(
                long,
                value_name = "NAME",
                value_parser = parse_username,
                help = concat!($who, ": the username")
            )]
            username: Option<Username>,
            $($others)*
        }

        impl $name {
            /// The user, if one is named.
            pub(crate) fn named_user(&self) -> Option<NamedUser> {
                let either = self.user.clone().map(NamedUser::Either);
                let id = || self.id.clone().map(NamedUser::Id);
                either.or_else(id).or_else(|| self.username.clone().map(NamedUser::Username))
            }
        }
    };
}

user_arguments!(
    /// One user.
    #[group(required = true, multiple = false)]
    UserArgument, "The user", [], {}
);

user_arguments!(
    /// One user, or all.
    #[group(required = true, multiple = false)]
    SignOutArguments, "The user", [], {
        /// All users
        #[arg(long)]
        pub(crate) all: bool,
    }
);

user_arguments!(
    /// One user, by an option.
    #[group(required = true, multiple = false)]
    UserOption, "The user", [long, value_name = "USER",], {}
);

user_arguments!(
    /// One user, or no restriction.
    #[group(multiple = false)]
    UserFilter, "Only this user", [long, value_name = "USER",], {}
);

user_arguments!(
    /// The subject of a role: exactly one of these.
    #[group(required = true, multiple = false)]
    SubjectArguments, "One user", [long, value_name = "USER",], {
        /// All people who have verified this address
        #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
        email: Option<EmailAddress>,
        /// All people who have verified an address of this very domain, such as example.org
        #[arg(long, value_parser = EmailDomain::parse)]
        domain: Option<EmailDomain>,
        /// All members of this organization at GitHub, where the settings ask for organizations: its number, or its login if
        /// no other organization was ever seen under it
        #[arg(long, value_name = "NUMBER|LOGIN", value_parser = NamedOrganization::parse)]
        organization: Option<NamedOrganization>,
    }
);

impl SubjectArguments {
    /// The subject, if one is named.
    pub(crate) fn named_subject(&self) -> Option<NamedSubject> {
        let Self { email, domain, organization, .. } = self.clone();
        let user = self.named_user().map(NamedSubject::User);
        let organization = organization.map(NamedSubject::Organization);
        let email = email.map(NamedSubject::Email);
        user.or(organization).or(email).or(domain.map(NamedSubject::Domain))
    }
}

/// Also accepts a username that was chosen before it was reserved.
pub(super) fn parse_username(text: &str) -> Result<Username, UsernameError> {
    Username::from_stored(&text.to_ascii_lowercase())
}
