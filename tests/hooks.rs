//! Extensions hear of sign-ins and sign-outs, and may change a user.
