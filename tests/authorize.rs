//! A service asks what a person may do: plugins that answer, and plugins that do not.
