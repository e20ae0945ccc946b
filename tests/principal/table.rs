//! The table: which kind of credential may do what, and how the others are refused.

use std::collections::BTreeSet;

use vestibule_test_support::on_both_databases;

use super::acts::{Act, Column, Outcome, acts};
use super::credentials::{Kind, Lends, Site, Way};
use super::sources;
use super::stage::Stage;
use Cell::{Asked, Nobody, Own, OwnFresh, Refused, Scope, Service, Yes};

/// What a kind of credential may do of one column.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// It does what is asked for.
    Yes,
    /// For pages of the service itself.
    Own,
    /// The same, where the person has shown within `STEP_UP_AGE` who they are.
    OwnFresh,
    /// For pages of the service itself that ask for it by `session=cookie`; otherwise it is nobody.
    Asked,
    /// If it lends who the owner is.
    Scope,
    /// If it lends the service.
    Service,
    /// It is answered as nobody.
    Nobody,
    Refused(u16, &'static str),
}

const INVALID: Cell = Refused(401, "invalid_token");
const WRONG: Cell = Refused(403, "wrong_credential");
/// No cookie is looked at.
const UNSEEN: Cell = Refused(401, "not_signed_in");
const NO_APP: Cell = Refused(403, "unknown_app");
const NO_SESSION: Cell = Refused(409, "no_session");

const COLUMNS: [Column; Column::COUNT] = [
    Column::Check,
    Column::Authorize,
    Column::Update,
    Column::Logout,
    Column::SessionRead,
    Column::DataWrite,
    Column::DataWriteElsewhere,
    Column::Own,
    Column::Makes,
    Column::Lends,
    Column::Refreshes,
    Column::EndsItself,
    Column::AdministersReading,
    Column::Administers,
    Column::Page,
];

#[rustfmt::skip]
const TABLE: [(Kind, [Cell; Column::COUNT]); Kind::ALL.len()] = [
    //                      check   authorize update logout  read     data        elsewhere   own      makes     lends     refreshes ends itself lists others', acts on them, page
    (Kind::BrowserCookie,   [Asked,  Asked,   Asked,  Asked,  Own,     WRONG,      WRONG,      Own,     OwnFresh, OwnFresh, UNSEEN,   WRONG,      Own,     OwnFresh, Yes]),
    (Kind::UserToken,       [Yes,    Yes,     Yes,    Yes,    Yes,     Yes,        NO_APP,     Yes,     WRONG,    Yes,      INVALID,  WRONG,      WRONG,   WRONG,    Nobody]),
    (Kind::PermissionToken, [Nobody, Nobody,  Nobody, Nobody, INVALID, INVALID,    INVALID,    INVALID, INVALID,  INVALID,  INVALID,  INVALID,    INVALID, INVALID,  Nobody]),
    (Kind::SessionHandle,   [Nobody, Nobody,  Nobody, Nobody, Yes,     Yes,        Yes,        WRONG,   WRONG,    WRONG,    INVALID,  WRONG,      WRONG,   WRONG,    Nobody]),
    (Kind::PersonalToken,   [Scope,  Service, Nobody, Nobody, Scope,   NO_SESSION, NO_SESSION, WRONG,   WRONG,    WRONG,    INVALID,  Yes,        WRONG,   WRONG,    Nobody]),
    (Kind::RoleToken,       [Scope,  Service, Nobody, Nobody, Scope,   NO_SESSION, NO_SESSION, WRONG,   WRONG,    WRONG,    INVALID,  Yes,        WRONG,   WRONG,    Nobody]),
    // By a sign-out its grant ends.
    (Kind::AccessToken,     [Scope,  Service, Nobody, Yes,    Scope,   NO_SESSION, NO_SESSION, WRONG,   WRONG,    WRONG,    INVALID,  Yes,        WRONG,   WRONG,    Nobody]),
    (Kind::RefreshToken,    [Nobody, Nobody,  Nobody, Nobody, INVALID, INVALID,    INVALID,    INVALID, INVALID,  INVALID,  Yes,      Yes,        INVALID, INVALID,  Nobody]),
    // What a handler names is always told who it is.
    (Kind::HandlerToken,    [Yes,    Service, Nobody, Nobody, Yes,     INVALID,    INVALID,    INVALID, INVALID,  INVALID,  INVALID,  INVALID,    INVALID, INVALID,  Nobody]),
];

/// What the table says of this kind at this act, used in this way.
fn expected(kind: Kind, act: &Act, way: Way) -> Outcome {
    let (_, cells) = TABLE.iter().find(|(row, _)| *row == kind).expect("a row");
    let place = COLUMNS.iter().position(|column| *column == act.column).expect("a column");
    let cell = cells[place];
    let is_own = way.site == Site::Own;
    // A page says nothing to the page that shows it, and at the operations that clients have always known nobody is refused.
    let is_refused = !matches!(act.column, Column::Page | Column::Refreshes) && !matches!(cell, Asked);
    if kind == Kind::BrowserCookie && !is_own && is_refused {
        return if act.is_safe() {
            Outcome::refused(401, "not_signed_in")
        } else {
            Outcome::refused(403, "cross_origin")
        };
    }
    match cell {
        Asked if is_own && way.asks => Outcome::Done,
        OwnFresh if !way.is_fresh => Outcome::refused(401, "session_not_fresh"),
        Scope if way.lends == Lends::OtherScope && act.column == Column::Check => Outcome::Nobody,
        Scope if way.lends == Lends::OtherScope => Outcome::refused(403, "insufficient_scope"),
        Service if way.lends == Lends::OtherService => Outcome::Nobody,
        Service if way.lends == Lends::OtherScope => Outcome::Empty,
        Yes | Own | OwnFresh | Scope | Service => Outcome::Done,
        Asked | Nobody => Outcome::Nobody,
        Refused(status, error) => Outcome::refused(status, error),
    }
}

on_both_databases! {
    /// A cell that says no changes nothing, either.
    async fn d6_h9_each_kind_of_credential_may_do_what_the_table_says_and_nothing_else(database) {
        let mut stage = Stage::set(database).await;
        let (mut done, mut others) = (0, 0);
        for act in acts() {
            for kind in Kind::ALL {
                for way in Way::all(kind) {
                    let credential = stage.credential(kind, way).await;
                    let address = act.address(&mut stage, &credential, way).await;
                    let expected = expected(kind, &act, way);
                    let is_done = expected == Outcome::Done;
                    let before = if is_done { None } else { Some(stage.state(&credential).await) };
                    let outcome = act.ask(&stage, &address, &credential, way).await;
                    let what = format!("{} ({:?}) by {kind:?}, {way:?}", act.operation, act.column);
                    assert_eq!(outcome, expected, "{what}");
                    if let Some(before) = before {
                        assert_eq!(stage.state(&credential).await, before, "{what}");
                    } else if act.ends_something {
                        stage.forget(kind);
                    }
                    *if is_done { &mut done } else { &mut others } += 1;
                }
            }
        }
        assert!(done > 60 && others > 300, "{done} done, {others} refused");
    }
}

#[test]
fn every_kind_of_credential_that_there_is_has_its_row() {
    let rows: BTreeSet<&str> = TABLE.iter().filter_map(|(kind, _)| kind.name()).collect();
    assert_eq!(rows, sources::credential_kinds());
}

#[test]
fn every_operation_that_looks_at_a_credential_is_asked_with_each() {
    let asked: BTreeSet<&str> = acts().iter().map(|act| act.operation).collect();
    assert_eq!(asked, sources::operations_with_credentials());
}
