use mcs_core::domain::{InputRequest, Json, Task, check_name};
use std::collections::HashSet;

/// Longest name of a question that is its key, too, in bytes. A number may follow.
const NAME_BYTES: usize = 150;

/// The keys of a task's questions. A key is never used twice, and after a restart the tool that asks the same again is
/// given the key of the first time, and with it the answer.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// What earlier attempts asked and this one has not.
    earlier: Vec<InputRequest>,
    taken: HashSet<String>,
}

impl Questions {
    /// The questions of `task` so far.
    pub(super) fn of(task: &Task) -> Self {
        let taken = task.input_requests.iter().map(|asked| asked.key.clone());
        // One that was withdrawn is asked again.
        let withdrawn = |asked: &InputRequest| {
            let answer = asked.response.as_ref();
            answer.is_some_and(|answer| answer.as_str() == "null")
        };
        let earlier = task.input_requests.iter();
        Self {
            earlier: earlier.filter(|asked| !withdrawn(asked)).cloned().collect(),
            taken: taken.collect(),
        }
    }

    /// The key to ask `request` under, `wanted` if that is free and can be one.
    pub(super) fn key(&mut self, wanted: &str, request: &Json) -> String {
        let mut earlier = self.earlier.iter();
        if let Some(place) = earlier.position(|asked| asked.request.same_value(request)) {
            return self.earlier.swap_remove(place).key;
        }
        let fits = wanted.len() <= NAME_BYTES && check_name("key", wanted).is_ok();
        let wanted = if fits { wanted } else { "question" };
        let mut key = wanted.to_owned();
        let mut number = 1;
        while !self.taken.insert(key.clone()) {
            number += 1;
            key = format!("{wanted}-{number}");
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::domain::LeaseNumber;
    use serde_json::json;

    fn asked(key: &str, request: &str, response: Option<&str>) -> InputRequest {
        InputRequest {
            key: key.into(),
            request: json!({ "method": request }).into(),
            response: response.map(Json::from_stored),
            lease: LeaseNumber(1),
        }
    }

    #[test]
    fn the_same_question_has_its_key_again_once_and_others_have_new_ones() {
        let earlier = vec![asked("q", "a", Some("1")), asked("q-2", "b", None)];
        let mut questions = Questions {
            taken: earlier.iter().map(|asked| asked.key.clone()).collect(),
            earlier,
        };
        let mut key = |request: &str| questions.key("q", &json!({ "method": request }).into());
        assert_eq!(key("b"), "q-2");
        assert_eq!(key("a"), "q");
        assert_eq!(key("a"), "q-3");
        assert_eq!(key("c"), "q-4");
    }

    #[test]
    fn a_name_that_is_no_key_is_replaced() {
        let mut questions = Questions::default();
        for (name, key) in [("", "question"), ("a\nb", "question-2")] {
            assert_eq!(questions.key(name, &json!({ "of": name }).into()), key);
        }
        let long = questions.key(&"x".repeat(151), &json!("long").into());
        assert_eq!(long, "question-3");
    }
}
