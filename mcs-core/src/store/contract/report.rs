use std::fmt;
use std::process::{ExitCode, Termination};

/// What a suite found. Returned from `main` it prints itself and fails the process if a case failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The cases, in the order they ran.
    pub cases: Vec<CaseReport>,
}

/// One case of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseReport {
    /// Its name.
    pub name: &'static str,
    /// What it found wrong, if anything.
    pub failure: Option<String>,
}

impl Report {
    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| case.failure.is_some())
    }

    /// Runs a case in a task of its own, where a panic is its failure and ends nothing else.
    pub(super) async fn run(
        &mut self,
        name: &'static str,
        case: impl Future<Output = ()> + Send + 'static,
    ) {
        let failure = tokio::spawn(case).await.err().map(|error| {
            error
                .try_into_panic()
                .map_or_else(|error| error.to_string(), |panic| message(&*panic))
        });
        self.cases.push(CaseReport { name, failure });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.cases {
            match &case.failure {
                None => writeln!(f, "ok      {}", case.name)?,
                Some(failure) => writeln!(f, "FAILED  {}: {failure}", case.name)?,
            }
        }
        let (all, failed) = (self.cases.len(), self.failed().count());
        write!(f, "{} of {all} cases passed", all - failed)
    }
}

impl Termination for Report {
    fn report(self) -> ExitCode {
        println!("{self}");
        match self.failed().next() {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_with_its_message() {
        let mut report = Report::default();
        report.run("good", async {}).await;
        report
            .run("bad", async { panic!("it lost {} tasks", 2) })
            .await;
        assert_eq!(report.failed().count(), 1);
        assert!(report.to_string().contains("FAILED  bad: it lost 2 tasks"));
        assert!(report.to_string().ends_with("1 of 2 cases passed"));
    }
}
