//! Everything that has an aim, measured in turns, so that whatever else the machine does meets all alike.

mod aims;
mod picture;
mod rounds;
mod series;
mod stage;
mod table;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::failure::{Outcome, While};

use series::Figures;
use stage::Stage;

/// How much is measured.
#[derive(Args, Clone)]
pub(crate) struct Speed {
    /// How often everything is measured; the medians count
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long one figure takes, in seconds
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// How many users the large databases have
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// Only rows whose name has this in it
    #[arg(long, default_value = "")]
    only: String,
    /// Leave PostgreSQL out
    #[arg(long)]
    without_postgres: bool,
    /// Leave dgp-oauth2 out
    #[arg(long)]
    without_original: bool,
    /// The program to measure
    #[arg(long, default_value = "target/release/vestibule")]
    program: PathBuf,
    /// Where the picture and the table go, and where Python packages are installed
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
}

impl Speed {
    fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.1, 60.0))
    }
}

/// Sets everything up, measures it in turns, and tells.
pub(crate) async fn measure(speed: &Speed) -> Outcome<()> {
    fs::create_dir_all(&speed.output).doing("a folder for the results")?;
    // The programs run in folders of their own.
    let program = speed.program.canonicalize().doing(speed.program.display())?;
    let output = speed.output.canonicalize().doing(speed.output.display())?;
    let speed = &Speed { program, output, ..speed.clone() };
    let stage = Stage::set(speed).await?;
    let mut figures = Figures::default();
    for round in 1..=speed.rounds {
        println!("round {round} of {}", speed.rounds);
        rounds::measure_all(&stage, speed, &mut figures).await?;
    }
    stage.read_memory(&mut figures);
    drop(stage);
    figures.arrange();
    report(speed, &figures)
}

fn report(speed: &Speed, figures: &Figures) -> Outcome<()> {
    let aims = aims::all(figures);
    let text = table::markdown(figures, &aims);
    println!("\n{text}");
    for (name, content) in [("performance.md", text), ("performance.svg", picture::draw(figures, &aims))] {
        fs::write(speed.output.join(name), content).doing("the results")?;
    }
    println!("{} and performance.md beside it", speed.output.join("performance.svg").display());
    Ok(())
}
