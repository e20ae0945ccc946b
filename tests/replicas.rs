//! Several processes of one service on one database.

mod agreement;
