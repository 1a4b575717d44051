//! Reads the text format of Prometheus, strictly.

use std::collections::BTreeMap;

/// What was scraped.
#[derive(Debug)]
pub(crate) struct Scrape {
    /// The type of each family.
    types: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

type Labels<'a> = [(&'a str, &'a str)];

impl Scrape {
    /// Every line must be one that the format knows.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends too");
        let mut scrape = Self {
            types: BTreeMap::new(),
            samples: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(is_name(name) && !help.is_empty(), "{line}");
            } else if let Some(family) = line.strip_prefix("# TYPE ") {
                let (name, sort) = family.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&sort), "{line}");
                let earlier = scrape.types.insert(name.to_owned(), sort.to_owned());
                assert_eq!(earlier, None, "{line} comes twice");
            } else {
                let sample = Sample::read(line);
                let family = scrape.family(&sample.name);
                assert!(scrape.types.contains_key(&family), "{line} has no type");
                scrape.samples.push(sample);
            }
        }
        scrape
    }

    /// The family that a sample is of.
    fn family(&self, sample: &str) -> String {
        let part = ["_bucket", "_sum", "_count"]
            .into_iter()
            .find_map(|end| sample.strip_suffix(end))
            .filter(|family| {
                self.types
                    .get(*family)
                    .is_some_and(|sort| sort == "histogram")
            });
        part.unwrap_or(sample).to_owned()
    }

    fn matching(&self, name: &str, labels: &Labels<'_>) -> impl Iterator<Item = &Sample> {
        let has = move |sample: &&Sample| {
            let mut wanted = labels.iter();
            sample.name == name
                && wanted.all(|(key, value)| sample.labels.get(*key).is_some_and(|is| is == value))
        };
        self.samples.iter().filter(has)
    }

    /// The sample with these labels and no others.
    pub(crate) fn value(&self, name: &str, labels: &Labels<'_>) -> f64 {
        let mut exact = self
            .matching(name, labels)
            .filter(|sample| sample.labels.len() == labels.len());
        let found = exact.next();
        let found = found.unwrap_or_else(|| panic!("no {name} with {labels:?}: {self:#?}"));
        assert!(exact.next().is_none(), "{name} {labels:?} comes twice");
        found.value
    }

    pub(crate) fn is(&self, name: &str, sort: &str, labels: &Labels<'_>, value: f64) {
        assert_eq!(
            self.types.get(name).map(String::as_str),
            Some(sort),
            "{name}"
        );
        let found = self.value(name, labels);
        assert!((found - value).abs() < 1e-9, "{name} {labels:?}: {found}");
    }

    /// A histogram of so many samples, whose buckets are sound.
    pub(crate) fn histogram(&self, name: &str, labels: &Labels<'_>, count: f64) {
        assert_eq!(self.types[name], "histogram");
        let counted = self.value(&format!("{name}_count"), labels);
        assert!(
            (counted - count).abs() < 0.5,
            "{name} {labels:?}: {counted}"
        );
        assert!(self.value(&format!("{name}_sum"), labels) >= 0.0);
        let buckets = format!("{name}_bucket");
        let buckets = self.matching(&buckets, labels);
        let buckets = buckets.filter(|bucket| bucket.labels.len() == labels.len() + 1);
        let mut last = (f64::NEG_INFINITY, 0.0);
        for bucket in buckets {
            let bound = match bucket.labels["le"].as_str() {
                "+Inf" => f64::INFINITY,
                bound => bound.parse().unwrap(),
            };
            assert!(bound > last.0 && bucket.value >= last.1, "{bucket:?}");
            last = (bound, bucket.value);
        }
        assert!(
            last.0.is_infinite() && (last.1 - count).abs() < 0.5,
            "{last:?}"
        );
    }

    /// The sum over all samples with these labels, whatever others they have.
    pub(crate) fn sum(&self, name: &str, labels: &Labels<'_>) -> f64 {
        self.matching(name, labels).map(|sample| sample.value).sum()
    }

    /// How many samples have these labels.
    pub(crate) fn count(&self, name: &str, labels: &Labels<'_>) -> usize {
        self.matching(name, labels).count()
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (series, ""),
        };
        assert!(is_name(name), "{line}");
        let mut all = BTreeMap::new();
        let mut rest = labels;
        while !rest.is_empty() {
            let (label, quoted) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            // No value of the tests has a quote in it.
            let (value, after) = quoted.split_once('"').unwrap();
            assert_eq!(
                all.insert(label.to_owned(), value.to_owned()),
                None,
                "{line}"
            );
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        Self {
            name: name.to_owned(),
            labels: all,
            value: value.parse().unwrap(),
        }
    }
}

fn is_name(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(sound)
}
