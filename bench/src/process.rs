//! Programs that are measured: they end with us, and the kernel tells what they used.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};

use crate::failure::{Failure, Outcome, While};

/// How long a program may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// A program that is asked to end when this is dropped, and ended when it does not.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts it, its output thrown away unless the command says otherwise.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Self).doing(program)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    fn end(&mut self) {
        // What is told to end when its input does ends now.
        drop(self.0.stdin.take());
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            // One that has just ended needs no signal.
            kill_process(pid, Signal::TERM).ok();
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.has_ended() {
                return;
            }
            sleep(PAUSE);
        }
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.end();
        }
    }
}

/// A command that does not outlive this process, however that ends, as far as the machine can promise it.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].into_iter().find(|path| Path::new(path).exists());
    let mut command = match setpriv {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs a command to its end; what it printed.
pub(crate) fn run(command: &mut Command) -> Outcome<String> {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.collect::<Vec<_>>().join(" ");
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().doing(&program)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new(format!("{program}: {}: {said}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Processor time that a process and all below it have used so far, in seconds.
#[expect(clippy::cast_precision_loss, reason = "ticks of a few minutes")]
pub(crate) fn processor_seconds(pid: u32) -> f64 {
    let stats: Vec<_> = all_processes().filter_map(|pid| Stat::read(pid).map(|stat| (pid, stat))).collect();
    let mut family = vec![pid];
    let mut place = 0;
    while let Some(&parent) = family.get(place) {
        family.extend(stats.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        place += 1;
    }
    let own = stats.iter().filter(|(pid, _)| family.contains(pid));
    let ticks: u64 = own.map(|(_, stat)| stat.ticks).sum();
    ticks as f64 / clock_ticks_per_second() as f64
}

/// What `/proc/PID/status` says in a line of kibibytes, such as `VmRSS`, in MiB.
#[expect(clippy::cast_precision_loss, reason = "kibibytes of one process")]
pub(crate) fn memory_mebibytes(pid: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    let kibibytes: u64 = value.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes as f64 / 1024.0)
}

/// How many descriptors a process has open.
pub(crate) fn open_descriptors(pid: u32) -> Option<usize> {
    fs::read_dir(format!("/proc/{pid}/fd")).ok().map(Iterator::count)
}

struct Stat {
    parent: u32,
    /// In this process, and in those below it that have ended and were waited for.
    ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// proc(5): after the name, which may hold anything, come the state, the parent, and from field 14 on the four
    /// processor times.
    fn parse(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        let mut fields = after_name.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let times = fields.skip(9).take(4);
        let ticks = times.map(str::parse::<u64>).sum::<Result<_, _>>().ok()?;
        Some(Self { parent, ticks })
    }
}

fn all_processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_times_are_read_past_a_name_with_brackets_in_it() {
        let text = "12 (a) (b)) S 7 1 1 0 -1 4194560 100 0 0 0 30 12 5 3 20 0 9 0 100 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 50));
    }

    #[test]
    fn a_process_ends_when_it_is_dropped() {
        let process = Process::start(command("/bin/sleep").arg("1000")).unwrap();
        let pid = process.pid();
        assert!(memory_mebibytes(pid, "VmRSS").is_some_and(|memory| memory > 0.0));
        drop(process);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn the_time_of_children_counts() {
        let work = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec sleep 1000";
        let script = format!("({work}) & wait");
        let process = Process::start(command("/bin/sh").arg("-c").arg(script)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while processor_seconds(process.pid()) < 0.02 {
            assert!(Instant::now() < deadline, "the child's work is not seen");
            sleep(PAUSE);
        }
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", process.pid())).unwrap();
        let child: i32 = children.trim().parse().unwrap();
        kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
    }
}
