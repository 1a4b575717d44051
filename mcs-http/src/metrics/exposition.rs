use std::fmt::{Display, Write};

/// A text in the format of Prometheus that grows.
#[derive(Debug)]
pub(super) struct Exposition(String);

/// Whether a number may fall.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sort {
    Gauge,
    Counter,
}

impl Exposition {
    /// Begins with what is there.
    pub(super) const fn with(text: String) -> Self {
        Self(text)
    }

    /// A number without labels.
    pub(super) fn number(&mut self, name: &str, sort: Sort, help: &str, value: impl Display) {
        self.family(name, sort, help);
        self.sample(name, &[], value);
    }

    /// What a number is. Its samples follow.
    pub(super) fn family(&mut self, name: &str, sort: Sort, help: &str) {
        let sort = match sort {
            Sort::Gauge => "gauge",
            Sort::Counter => "counter",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {sort}"));
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        if labels.is_empty() {
            return self.line(format_args!("{name} {value}"));
        }
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "{line}");
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_told_once_and_its_samples_below_it() {
        let mut text = Exposition::with("before 1\n".to_owned());
        text.number("up", Sort::Gauge, "Whether it is.", 1);
        text.family("waits", Sort::Counter, "How long.");
        text.sample("waits", &[("queue", "a\"b\\c\nd"), ("x", "")], 0.5);
        assert_eq!(
            text.into_text(),
            "before 1\n# HELP up Whether it is.\n# TYPE up gauge\nup 1\n\
             # HELP waits How long.\n# TYPE waits counter\nwaits{queue=\"a\\\"b\\\\c\\nd\",x=\"\"} 0.5\n"
        );
    }
}
