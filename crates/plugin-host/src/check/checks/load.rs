//! From the file to an instance.

use std::time::Instant;

use vestibule_file_permissions::Writers;

use crate::check::child::Progress;
use crate::check::errors;
use crate::check::event::{About, Event, Job, Note};
use crate::check::subject::Subject;
use crate::check::{failed, of_file};
use crate::error::LoadFault;
use crate::library::CheckedFile;
use crate::schema::{self, SchemaFault};

/// Longer than any alias that the service lets pass.
const LONG_ALIAS_BYTES: usize = 4 * 1024;

pub(super) fn file(job: &Job, progress: &Progress) {
    progress.doing("its file was being read");
    progress.note(match CheckedFile::read(&job.file, Writers::Owner) {
        Ok(file) => {
            Note::ok(format_args!("a library for this machine, SHA-256 {}", hex::encode(file.sha256())))
        }
        Err(fault) => failed(&fault, of_file(&fault)),
    });
}

/// The table has been read when a subject is there.
pub(super) fn table(subject: &Subject<'_>) -> Note {
    let description = subject.library.description();
    let provides: Vec<_> = description.provides.iter().map(|it| it.as_str().to_owned()).collect();
    let abi = format!("{}.{}", description.abi.0, description.abi.1);
    let text = format!("ABI {abi}, provides {}", provides.join(", "));
    subject.progress.send(&Event::About(About {
        name: description.name.clone(),
        version: description.version.clone(),
        abi,
        provides,
        serial: description.serial,
        sha256: hex::encode(description.sha256),
    }));
    if description.version.is_empty() {
        return Note::remark(text + ", no version", "Give it a version, which `plugin inspect` shows");
    }
    Note::ok(text)
}

pub(super) fn schema(subject: &Subject<'_>) -> Note {
    let schema = subject.library.description().config_schema.trim();
    if schema.is_empty() {
        let advice =
            "Declare one: mistakes in a configuration are then found by their place before `create` runs";
        return Note::remark("the plugin declares no schema of its configuration", advice);
    }
    subject.progress.doing("its schema was being read");
    let fault = schema::check_schema(schema).and_then(|()| schema::validate(schema, subject.config)).err();
    match fault {
        None => Note::ok("a JSON Schema, and the configuration fits it"),
        Some(fault @ SchemaFault::Violations { .. }) => {
            Note::failed(fault, "Give a configuration that fits with --config, or mend the schema")
        }
        Some(fault) => Note::failed(fault, "The service refuses to start with such a plugin"),
    }
}

pub(super) fn create(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let began = Instant::now();
    let instance = subject.create()?;
    let took = began.elapsed();
    errors::take();
    subject.destroy(instance);
    if let Some(message) = errors::take() {
        let text = format!("it logs an error while it is destroyed{}", subject.said(&message));
        subject.progress.note(Note::remark(text, "At that time nothing but the log can tell"));
    }
    subject.progress.doing("it was created under an alias of 4 KiB");
    match subject.create_with(&"a".repeat(LONG_ALIAS_BYTES), subject.config) {
        Ok(instance) => subject.destroy(instance),
        Err(fault) => {
            let text = format!("under an alias of 4 KiB the plugin {}", subject.explain(&fault));
            return Ok(Note::remark(
                text,
                "No alias of the service is so long, but its length is yours to bear",
            ));
        }
    }
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    Ok(Note::ok(format_args!("an instance in {took:.1?}")).figure("create_microseconds", microseconds))
}
