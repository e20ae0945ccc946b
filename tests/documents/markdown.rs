//! As much of Markdown as the tests of documents need.

use std::fs;
use std::path::{Path, PathBuf};

/// The top folder of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the repository")
}

/// A document of the repository.
pub(crate) struct Document {
    /// Its path, seen from the top folder.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A block of code with the language that it names.
#[derive(Debug)]
pub(crate) struct Fence {
    pub(crate) language: String,
    pub(crate) code: String,
}

impl Document {
    pub(crate) fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let text = fs::read_to_string(repository().join(&path));
        Self { text: text.unwrap_or_else(|error| panic!("{}: {error}", path.display())), path }
    }

    /// Every document of the repository.
    pub(crate) fn all() -> Vec<Self> {
        let mut paths = Vec::new();
        collect(repository(), &mut paths);
        paths.sort();
        paths.iter().map(|path| Self::read(path.strip_prefix(repository()).expect("a path in it"))).collect()
    }

    /// The blocks of code, in order.
    pub(crate) fn fences(&self) -> Vec<Fence> {
        let mut fences = Vec::new();
        let mut open: Option<Fence> = None;
        for line in self.text.lines() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(_), Some(done)) => fences.push(done),
                (Some(language), None) => {
                    open = Some(Fence { language: language.to_owned(), code: String::new() });
                }
                (None, Some(mut fence)) => {
                    fence.code.push_str(line);
                    fence.code.push('\n');
                    open = Some(fence);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block of code does not end", self.path.display());
        fences
    }

    /// The only block of code in this language.
    pub(crate) fn fence(&self, language: &str) -> String {
        let mut found = self.fences().into_iter().filter(|fence| fence.language == language);
        match (found.next(), found.next()) {
            (Some(fence), None) => fence.code,
            _ => panic!("{}: expected one block of {language}", self.path.display()),
        }
    }

    /// The lines outside of blocks of code.
    pub(crate) fn prose(&self) -> impl Iterator<Item = &str> {
        let mut inside = false;
        self.text.lines().filter(move |line| {
            let marks = line.starts_with("```");
            inside ^= marks;
            !inside && !marks
        })
    }

    /// Where its links and pictures lead.
    pub(crate) fn links(&self) -> Vec<String> {
        let mut links = Vec::new();
        for line in self.prose() {
            let text = without_code(line);
            links.extend(
                text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).map(str::to_owned),
            );
            let definition = text.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
            links.extend(definition.map(|(_, target)| target.trim().to_owned()));
        }
        links
    }

    /// What `#` in a link can name: the headings, as they become ids.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let headings = self.prose().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor_of(line.trim_start_matches('#').trim())).collect()
    }

    /// The spans of code in its prose.
    pub(crate) fn code_spans(&self) -> Vec<String> {
        self.prose().flat_map(code_spans).collect()
    }

    /// The rows of its tables, cell by cell, headings included.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let rows = self.prose().filter_map(|line| line.strip_prefix('|')?.trim_end().strip_suffix('|'));
        rows.map(|row| row.split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
    }
}

/// The spans of code in a line.
pub(crate) fn code_spans(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Small letters; spaces become hyphens; what is neither a letter, a digit nor one of the two goes.
fn anchor_of(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

/// Documents are everywhere but in what is built, what a run leaves behind, and hidden folders.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !["target", "var"].contains(&&*name) {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}
