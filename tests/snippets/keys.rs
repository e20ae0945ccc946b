//! How often the programs of `docs/verify.md` fetch the keys, and what they do while they cannot.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use vestibule_test_support::{Forge, TestDatabase};

use super::{SERVICE, permission_token};
use crate::documents::markdown::Document;
use crate::verifiers::interpreters::{node, python, python_with_pyjwt};
use crate::world::{World, pem_in};

#[expect(dead_code, reason = "the part of the example that reads a command line")]
#[path = "../../crates/verifier/examples/verify.rs"]
mod example;

/// Answers one line of input, which is a token, by one of output.
const PYTHON_LOOP: &str = "import sys, jwt, verify
verifier = verify.Verifier(*sys.argv[1:3])
for token in sys.stdin:
    try:
        verifier.verify(token.strip())
        print('good', flush=True)
    except jwt.PyJWTError:
        print('bad', flush=True)";

const NODE_LOOP: &str = "import { createInterface } from 'node:readline';
const verifier = new Verifier(...process.argv.slice(2, 4));
for await (const token of createInterface({ input: process.stdin })) {
  console.log(await verifier.verify(token).then(() => 'good', () => 'bad'));
}";

/// When keys are fetched again, in seconds.
#[derive(Clone, Copy)]
struct Timing {
    refresh: u32,
    cooldown: u32,
}

/// As far as a test can see, never and always.
const NEVER: u32 = 30_000;
const ALWAYS: u32 = 0;

/// One of the programs, asked for one token after another.
enum Asked {
    Example(Box<example::Guard>),
    Process { process: Child, input: ChildStdin, output: BufReader<ChildStdout>, _program: TempDir },
}

impl Asked {
    async fn rust(world: &World, timing: Timing) -> Self {
        let mut guard = example::Guard::new(&world.program.base_url(), SERVICE).await.unwrap();
        guard.refresh_after = Duration::from_secs(timing.refresh.into());
        guard.cooldown = Duration::from_secs(timing.cooldown.into());
        Self::Example(Box::new(guard))
    }

    fn python(mut interpreter: Command, world: &World, timing: Timing) -> Self {
        let program = tempfile::tempdir().unwrap();
        std::fs::write(program.path().join("verify.py"), timed("python", timing)).unwrap();
        let file = program.path().join("loop.py");
        std::fs::write(&file, PYTHON_LOOP).unwrap();
        interpreter.arg(file);
        Self::start(interpreter, world, program)
    }

    fn node(world: &World, timing: Timing) -> Self {
        let program = tempfile::tempdir().unwrap();
        let text = timed("js", timing);
        let (class, _) =
            text.split_once("const [issuer, service, token]").expect("what reads the command line");
        let file = program.path().join("loop.mjs");
        std::fs::write(&file, format!("{class}\n{NODE_LOOP}")).unwrap();
        let mut interpreter = node();
        interpreter.arg(file);
        Self::start(interpreter, world, program)
    }

    fn start(mut command: Command, world: &World, program: TempDir) -> Self {
        command.args([&world.program.base_url(), SERVICE]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("an interpreter: run `make test-needs`");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self::Process { process, input, output, _program: program }
    }

    async fn accepts(&mut self, token: &str) -> bool {
        match self {
            Self::Example(guard) => guard.check(token).await.is_ok(),
            Self::Process { input, output, .. } => {
                writeln!(input, "{token}").unwrap();
                let mut line = String::new();
                output.read_line(&mut line).unwrap();
                assert!(["good\n", "bad\n"].contains(&line.as_str()), "the program has failed: {line}");
                line == "good\n"
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Self::Process { process, .. } = self {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// The program of a language with other times.
fn timed(language: &str, timing: Timing) -> String {
    let mut text = Document::read("docs/verify.md").fence(language);
    for (name, documented, wanted) in
        [("REFRESH_SECONDS", 3600, timing.refresh), ("COOLDOWN_SECONDS", 30, timing.cooldown)]
    {
        let line = format!("{name} = {documented}");
        assert_eq!(text.matches(&line).count(), 1, "{line}");
        text = text.replace(&line, &format!("{name} = {wanted}"));
    }
    text
}

/// The service, and tokens of it.
struct Stage {
    world: World,
    good: String,
    forge: Forge,
}

impl Stage {
    async fn set() -> Self {
        let world = World::builder(TestDatabase::sqlite()).with_metrics().start().await;
        let user_token = world.sign_in("google", "ada").await;
        let good = permission_token(&world, &user_token, SERVICE).await;
        let forge = Forge::new(&pem_in(&world.program.keys_dir()), &good);
        Self { world, good, forge }
    }

    /// A token as good as any, but for the name of its key.
    fn made_up(&self, number: u32) -> String {
        let header = self.forge.header_with("kid", json!(format!("made-up-{number}")));
        self.forge.sign(&header, &self.forge.claims)
    }

    /// How often the keys were fetched from the process that runs now.
    async fn fetches(&self) -> u32 {
        let metrics = self.world.admin().get("/metrics").await.body;
        let counter = "vestibule_http_requests_total{operation=\"read_jwks\",status=\"200\"} ";
        let count = metrics.lines().find_map(|line| line.strip_prefix(counter));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

/// What anybody can send costs the service nothing, and a new key is found all the same.
async fn assert_fetches_are_bounded(stage: &Stage, mut calm: Asked, mut eager: Asked) {
    let before = stage.fetches().await;
    assert!(calm.accepts(&stage.good).await && eager.accepts(&stage.good).await);
    let first = stage.fetches().await;
    assert!(first - before <= 2, "{} fetches for two programs", first - before);
    for number in 0..20 {
        assert!(!calm.accepts(&stage.made_up(number)).await);
    }
    assert!(calm.accepts(&stage.good).await);
    assert_eq!(stage.fetches().await, first, "within the pause nothing is fetched");
    for number in 0..3 {
        assert!(!eager.accepts(&stage.made_up(number)).await);
    }
    assert_eq!(stage.fetches().await, first + 3, "after the pause an unknown key is looked for");
}

/// The keys are out of date at each token, and cannot be fetched.
async fn assert_good_tokens_stay_good_while_the_service_is_away(stage: &mut Stage, mut program: Asked) {
    assert!(program.accepts(&stage.good).await);
    stage.world.program.stop().await;
    for number in 0..3 {
        assert!(program.accepts(&stage.good).await);
        assert!(!program.accepts(&stage.made_up(number)).await);
    }
    stage.world.program.start_again().await;
    assert!(program.accepts(&stage.good).await);
    assert_eq!(stage.fetches().await, 1, "it was looked for all the time");
}

const CALM: Timing = Timing { refresh: NEVER, cooldown: NEVER };
const EAGER: Timing = Timing { refresh: NEVER, cooldown: ALWAYS };
const FORGETFUL: Timing = Timing { refresh: ALWAYS, cooldown: ALWAYS };

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_rust_is_sparing_with_fetches_and_outlives_the_service() {
    let mut stage = Stage::set().await;
    let programs = [Asked::rust(&stage.world, CALM).await, Asked::rust(&stage.world, EAGER).await];
    let [calm, eager] = programs;
    assert_fetches_are_bounded(&stage, calm, eager).await;
    let forgetful = Asked::rust(&stage.world, FORGETFUL).await;
    assert_good_tokens_stay_good_while_the_service_is_away(&mut stage, forgetful).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_javascript_is_sparing_with_fetches_and_outlives_the_service() {
    let mut stage = Stage::set().await;
    let start = |timing| Asked::node(&stage.world, timing);
    assert_fetches_are_bounded(&stage, start(CALM), start(EAGER)).await;
    let forgetful = start(FORGETFUL);
    assert_good_tokens_stay_good_while_the_service_is_away(&mut stage, forgetful).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_python_is_sparing_with_fetches_and_outlives_the_service() {
    let mut stage = Stage::set().await;
    let interpreters: [fn() -> Command; 3] =
        [python, || python_with_pyjwt("2.10.1"), || python_with_pyjwt("2.12.0")];
    for interpreter in interpreters {
        let start = |timing| Asked::python(interpreter(), &stage.world, timing);
        assert_fetches_are_bounded(&stage, start(CALM), start(EAGER)).await;
        let forgetful = start(FORGETFUL);
        assert_good_tokens_stay_good_while_the_service_is_away(&mut stage, forgetful).await;
    }
}
