use super::{Disk, machine};
use std::fmt;

/// What a figure must reach.
#[derive(Debug, Clone)]
pub(crate) enum Bar {
    /// At least so many percent of the bare figure.
    Percent(f64),
    /// At most so many times the first figure.
    Times(f64),
    /// At least so many times the first figure.
    AtLeastTimes(f64),
    /// At most so much, in the unit of the figure, and how that came about.
    AtMost(f64, String),
}

impl Bar {
    fn is_met(&self, base: Option<f64>, ours: f64, ratio: f64) -> bool {
        match self {
            Self::Percent(least) => base.is_some() && ratio * 100.0 >= *least,
            Self::Times(most) => base.is_some() && ratio <= *most,
            Self::AtLeastTimes(least) => base.is_some() && ratio >= *least,
            Self::AtMost(most, _) => ours <= *most,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(least) => write!(f, ">= {least:.0} % of bare"),
            Self::Times(most) => write!(f, "<= {most} times"),
            Self::AtLeastTimes(least) => write!(f, ">= {least} times"),
            Self::AtMost(most, how) if how.is_empty() => write!(f, "<= {}", number(*most)),
            Self::AtMost(most, how) => write!(f, "<= {} ({how})", number(*most)),
        }
    }
}

/// Prints a benchmark's figures: what they were measured on first, then a line each.
#[derive(Debug)]
pub(crate) struct Report {
    missed: usize,
    lines: usize,
}

impl Report {
    /// Names the benchmark and the machine.
    pub(crate) fn new(name: &str, quick: bool) -> Self {
        println!("== {name}");
        println!("machine: {}; load {}", machine::describe(), machine::load());
        if quick {
            println!("a quick run: it shows that the benchmark works, its figures mean nothing");
        }
        Self {
            missed: 0,
            lines: 0,
        }
    }

    /// A figure beside the bare one.
    pub(crate) fn against(&mut self, what: &str, unit: &str, pairs: &[(f64, f64)], bar: &Bar) {
        let bare = super::median(pairs.iter().map(|pair| pair.0).collect());
        let ours = super::median(pairs.iter().map(|pair| pair.1).collect());
        // Both of a pair ran within a second or so under about the same load, so pairs compare better than medians do.
        let ratio = super::median(pairs.iter().map(|(bare, ours)| ours / bare).collect());
        let verdict = self.verdict(bar, Some(bare), ours, ratio);
        let share = match bar {
            Bar::Percent(_) => format!("{:.0} %", ratio * 100.0),
            _ => format!("{ratio:.2} times"),
        };
        let (bare, ours) = (number(bare), number(ours));
        println!("{what}: bare {bare} {unit}, ours {ours} {unit}, {share}; bar {bar}; {verdict}");
    }

    /// A figure that stands by itself.
    pub(crate) fn alone(&mut self, what: &str, unit: &str, ours: f64, bar: &Bar) {
        let verdict = self.verdict(bar, None, ours, f64::NAN);
        println!(
            "{what}: {} {unit}; bar {bar} {unit}; {verdict}",
            number(ours)
        );
    }

    /// What the disk did meanwhile, and how many bars are met.
    pub(crate) fn end(self, disk: &Disk) {
        println!("disk: {}", disk.describe());
        let met = self.lines - self.missed;
        println!(
            "load {} at the end; {met} of {} bars met\n",
            machine::load(),
            self.lines
        );
    }

    fn verdict(&mut self, bar: &Bar, base: Option<f64>, ours: f64, ratio: f64) -> &'static str {
        self.lines += 1;
        if bar.is_met(base, ours, ratio) {
            "meets"
        } else {
            self.missed += 1;
            "misses"
        }
    }
}

/// Prints what is worth knowing beside a figure.
pub(crate) fn note(text: impl fmt::Display) {
    println!("  {text}");
}

/// Three digits or more, with the thousands apart.
fn number(value: f64) -> String {
    if value < 100.0 {
        let digits = if value < 10.0 { 2 } else { 1 };
        return format!("{value:.digits$}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
