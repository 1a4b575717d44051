use super::schemas::SchemaOf;

/// A parameter that is no part of the query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) schema: SchemaOf,
}

/// Where a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Header,
}

impl Parameter {
    pub(super) const fn new(
        place: Place,
        name: &'static str,
        meaning: &'static str,
        schema: SchemaOf,
    ) -> Self {
        Self {
            place,
            name,
            meaning,
            schema,
        }
    }
}

impl Place {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Header => "header",
        }
    }
}
