//! Providers that break or vanish.

mod faults;

use crate::world::World;

/// That nobody has become a user.
async fn assert_no_user(world: &World) {
    let users = world.program.run(&["users", "list"]).await;
    assert!(users.status.success());
    assert_eq!(String::from_utf8_lossy(&users.stdout), "");
}
