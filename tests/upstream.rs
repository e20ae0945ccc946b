//! Providers that lie, break or vanish, and those whose ID tokens somebody has tampered with.

mod faults;
mod id_tokens;
mod keys;

use crate::world::World;

/// That nobody has become a user.
async fn assert_no_user(world: &World) {
    let users = world.program.run(&["users", "list"]).await;
    assert!(users.status.success());
    assert_eq!(String::from_utf8_lossy(&users.stdout), "");
}
