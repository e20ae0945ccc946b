//! `vestibule doctor`: what it says of a service that is as it should be, and of each mistake that people make.

mod addresses;
mod databases;
mod healthy;
mod mistakes;

use serde_json::Value;
use vestibule_provider_emulator::Emulator;
use vestibule_test_support::{Program, ProgramBuilder, TestDatabase};

use crate::commands::Outcome;
use crate::world::{emulator_options, point_at, registered_at};

/// A service that is configured as it should be and not started, and the providers that it would ask.
struct Ward {
    program: ProgramBuilder,
    emulator: Emulator,
    database: TestDatabase,
}

impl Ward {
    async fn on(database: TestDatabase) -> Self {
        let program = Program::builder();
        let emulator = Emulator::start(emulator_options(registered_at(&program.base_url()))).await.unwrap();
        let program = point_at(program, &emulator, "", "")
            .setting("DATABASE_URL", database.url())
            .setting("ALLOWED_SERVICES", "storage:sample-permissions");
        program.share_signing_key().await;
        Self { program, emulator, database }
    }

    async fn new() -> Self {
        Self::on(TestDatabase::sqlite()).await
    }

    /// The same with another program.
    fn with(self, change: impl FnOnce(ProgramBuilder) -> ProgramBuilder) -> Self {
        Self { program: change(self.program), ..self }
    }

    fn setting(self, name: &str, value: &str) -> Self {
        self.with(|program| program.setting(name, value))
    }

    /// What the doctor prints, line by line.
    async fn examine(&self) -> Examined {
        let Outcome { status, out, error } = self.program.run(&["doctor"]).await.into();
        assert_eq!(error, "");
        Examined { status, lines: out.lines().map(str::to_owned).collect() }
    }

    /// The same as JSON.
    async fn examine_as_json(&self) -> (Option<i32>, Vec<Value>) {
        let Outcome { status, out, error } = self.program.run(&["doctor", "--json"]).await.into();
        assert_eq!(error, "");
        (status, serde_json::from_str(&out).unwrap())
    }
}

struct Examined {
    status: Option<i32>,
    lines: Vec<String>,
}

impl Examined {
    /// The lines that begin so.
    fn lines(&self, start: &str) -> Vec<&str> {
        self.lines.iter().map(String::as_str).filter(|line| line.starts_with(start)).collect()
    }
}
