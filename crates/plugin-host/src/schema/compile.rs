//! From a text to a schema that can be asked.

use std::error::Error;

use boon::{CompileError, Compiler, Draft, SchemaIndex, Schemas, UrlLoader};
use serde_json::Value;

use super::SchemaFault;
use super::violation::{self, short};

/// Where the schema is said to be. Nothing is there: relative references resolve against it and lead nowhere.
const LOCATION: &str = "plugin://config/schema.json";

/// A compiled schema.
pub(super) struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    pub(super) fn validate(&self, config: &Value) -> Result<(), SchemaFault> {
        self.schemas.validate(config, self.index).map_err(|error| violation::collect("config", &error))
    }
}

/// Compiles a schema of any draft from 4 on, 2020-12 unless it says otherwise. Patterns are run by the engine of `regex`, whose time
/// is linear; one that needs look-around is refused here.
pub(super) fn compile(text: &str) -> Result<Schema, SchemaFault> {
    let json: Value =
        serde_json::from_str(text).map_err(|error| SchemaFault::NotJson(short(&error.to_string())))?;
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.set_default_draft(Draft::V2020_12);
    compiler.use_loader(Box::new(NoLoader));
    compiler.add_resource(LOCATION, json).map_err(useless)?;
    let index = compiler.compile(LOCATION, &mut schemas).map_err(useless)?;
    Ok(Schema { schemas, index })
}

/// Fetches nothing, from nowhere.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, _url: &str) -> Result<Value, Box<dyn Error>> {
        Err("it is not fetched".into())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn useless(error: CompileError) -> SchemaFault {
    SchemaFault::NotASchema(match &error {
        CompileError::LoadUrlError { url, .. } | CompileError::UnsupportedUrlScheme { url } => {
            format!("it refers to {}, and other documents are not fetched", short(url))
        }
        CompileError::ValidationError { src, .. } => violation::first("schema", src),
        other => short(&other.to_string()),
    })
}
