//! The three shapes that a setting's text can have.

use std::{collections::BTreeMap, fmt};

use toml::de::{DeTable, DeValue};

/// What kind of text a setting takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    Text,
    List,
    Map,
}

/// What was typed, before it means anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
}

impl Value {
    /// Reads a text from a flag or the environment: lists and maps as TOML or separated by commas.
    pub(super) fn from_text(shape: Shape, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match shape {
            Shape::Text => Ok(Self::Text(text.to_owned())),
            Shape::List if text.starts_with('[') => Self::from_inline(shape, text),
            Shape::Map if text.starts_with('{') => Self::from_inline(shape, text),
            Shape::List => Ok(Self::List(parts(text).map(str::to_owned).collect())),
            Shape::Map => parts(text).map(pair).collect::<Result<_, _>>().map(Self::Map),
        }
    }

    fn from_inline(shape: Shape, text: &str) -> Result<Self, String> {
        let line = format!("it = {text}");
        let table = DeTable::parse(&line).map_err(|error| error.message().to_owned())?.into_inner();
        let value = table.into_iter().next().ok_or("is empty")?.1.into_inner();
        Self::from_toml(shape, &value)
    }

    /// Reads a TOML value. A text does for a list and a map too, as in the environment.
    pub(super) fn from_toml(shape: Shape, value: &DeValue<'_>) -> Result<Self, String> {
        match (shape, value) {
            (Shape::List, DeValue::Array(items)) => items
                .iter()
                .map(|item| scalar(item.get_ref()))
                .collect::<Result<_, _>>()
                .map(Self::List),
            (Shape::Map, DeValue::Table(table)) => table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), scalar(value.get_ref())?)))
                .collect::<Result<_, _>>()
                .map(Self::Map),
            (_, value) => Self::from_text(shape, &scalar(value)?),
        }
    }

    /// The same, with every text in it replaced.
    pub(super) fn masked(&self) -> Self {
        let stars = || "********".to_owned();
        match self {
            Self::Text(text) if text.is_empty() => self.clone(),
            Self::Text(_) => Self::Text(stars()),
            Self::List(items) => Self::List(items.iter().map(|_| stars()).collect()),
            Self::Map(pairs) => Self::Map(pairs.keys().map(|key| (key.clone(), stars())).collect()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(pairs) => pairs.is_empty(),
        }
    }
}

/// As TOML writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if is_bare(text) => f.write_str(text),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Map(pairs) if pairs.is_empty() => f.write_str("{}"),
            Self::Map(pairs) => {
                let pairs: Vec<_> = pairs.iter().map(|(k, v)| format!("{k:?} = {v:?}")).collect();
                write!(f, "{{ {} }}", pairs.join(", "))
            }
        }
    }
}

/// Whether TOML writes it without quotes: a truth value or a number.
fn is_bare(text: &str) -> bool {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    let is_number = number.is_some_and(|number| number.to_string() == text);
    is_number || text == "true" || text == "false"
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} has no `=`"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Ok(yes.to_string()),
        DeValue::Datetime(time) => Ok(time.to_string()),
        DeValue::Array(_) => Err("is a list".to_owned()),
        DeValue::Table(_) => Err("is a table".to_owned()),
    }
}
