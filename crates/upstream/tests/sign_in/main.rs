//! Sign-in over real HTTP at the provider emulator: people, attacks, faults.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod github;
#[cfg(test)]
mod id_tokens;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mix_up;
#[cfg(test)]
mod people;
#[cfg(test)]
mod registrations;
mod registry;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod wishes;
