//! The document, and whether an answer is as it says.

use serde_json::{Map, Value};
use vestibule_test_support::Answer;

/// The parsed document.
pub(crate) struct Document(Value);

/// One operation of it.
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) value: &'a Value,
}

impl Operation<'_> {
    pub(crate) fn id(&self) -> &str {
        self.value["operationId"].as_str().unwrap_or_default()
    }

    pub(crate) fn responses(&self) -> &Map<String, Value> {
        self.value["responses"].as_object().unwrap_or_else(|| panic!("{}: no responses", self.id()))
    }
}

impl Document {
    pub(crate) fn parse(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap())
    }

    pub(crate) fn root(&self) -> &Value {
        &self.0
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(move |(method, value)| Operation { path, method, value })
        });
        operations.collect()
    }

    pub(crate) fn find(&self, id: &str) -> Operation<'_> {
        self.operations().into_iter().find(|it| it.id() == id).unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// A schema with its references followed.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema.get("$ref") else { return schema };
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// Holds an answer to what the document says of its operation and status.
    pub(crate) fn assert_true_of(&self, id: &str, answer: &Answer) {
        let operation = self.find(id);
        let status = answer.status.as_u16().to_string();
        let what = format!("{id} answered {status}");
        let stated =
            operation.responses().get(&status).unwrap_or_else(|| panic!("{what}, which is not listed"));
        for (name, header) in stated.get("headers").and_then(Value::as_object).into_iter().flatten() {
            assert!(header["required"] != true || answer.headers.contains_key(name), "{what} without {name}");
        }
        let Some(content) = stated.get("content").and_then(Value::as_object) else {
            return assert_eq!(answer.body, "", "{what} with a body");
        };
        let kind = answer.header("content-type").unwrap_or_default();
        let media = content.get(kind).unwrap_or_else(|| panic!("{what} with {kind}, which is not listed"));
        if kind.starts_with("application/json") {
            let faults = self.faults(&media["schema"], &answer.json());
            assert!(faults.is_empty(), "{what} with {}: {faults:?}", answer.body);
        }
    }

    /// What keeps a value from being as a schema says.
    pub(crate) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        if value.is_null() && schema["nullable"] == true {
            return Vec::new();
        }
        let mut faults = Vec::new();
        if let Some(stated) = schema.get("type").and_then(Value::as_str)
            && stated != type_of(value)
        {
            faults.push(format!("{value} is not of type {stated}"));
        }
        for member in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if value.get(member.as_str().unwrap()).is_none() {
                faults.push(format!("{member} is missing"));
            }
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            faults.extend(self.faults(part, value));
        }
        if let Some(any) = schema.get("anyOf").and_then(Value::as_array)
            && !any.iter().any(|one| self.faults(one, value).is_empty())
        {
            faults.push(format!("{value} is none of {any:?}"));
        }
        for item in value.as_array().into_iter().flatten() {
            faults.extend(self.faults(&schema["items"], item));
        }
        faults.extend(self.faults_of_members(schema, value));
        faults
    }

    fn faults_of_members(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            if let (Some(more), Some(members)) = (schema.get("additionalProperties"), value.as_object()) {
                members.values().for_each(|member| faults.extend(self.faults(more, member)));
            }
            return faults;
        };
        for (name, member) in value.as_object().into_iter().flatten() {
            match properties.get(name) {
                Some(schema) => faults.extend(self.faults(schema, member)),
                None => faults.push(format!("{name} is not in the document")),
            }
        }
        faults
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
