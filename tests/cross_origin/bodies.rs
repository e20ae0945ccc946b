//! A body whose length nobody knows.

use vestibule_test_support::{RawConnection, TestDatabase};

use crate::world::World;

/// A length that is not announced does not help.
#[tokio::test(flavor = "multi_thread")]
async fn k3_a_body_in_chunks_without_end_is_refused() {
    let world = World::on(TestDatabase::sqlite()).await;
    for content_type in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=edge"] {
        let head = format!(
            "POST /auth/update HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        let received = RawConnection::exchange(&world.program.base_url(), head + &chunk.repeat(8)).await;
        let status = received.statuses();
        assert!(status == [413] || status == [400], "{}", received.text());
        assert!(received.closed);
    }
    assert_eq!(world.browser().get("/healthz").await.status, 200);
}
