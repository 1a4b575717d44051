/// Longest pattern, in bytes.
const PATTERN_BYTES: usize = 1000;

/// Checks one pattern of tools: a name such as `Edit`, `mcp__server__tool` or `mcp__server__*`, and maybe a rule in
/// parentheses such as `Bash(git log:*)`. The error says what is wrong with it.
///
/// The program splits lists at commas and spaces outside of parentheses, and does not count these: the first that closes
/// ends the rule. What it would read as two patterns, or as an option, is refused.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    let wrong = |why: &str| {
        let shown = super::stream::shortened(pattern, 200);
        Err(format!(
            "is `{shown}`, {why}; a pattern is a tool such as Edit, Bash(git log:*) or mcp__server__tool"
        ))
    };
    if pattern.len() > PATTERN_BYTES {
        return wrong(&format!(
            "which has {} bytes of at most {PATTERN_BYTES}",
            pattern.len()
        ));
    }
    if pattern.chars().any(char::is_control) {
        return wrong("which has a control character");
    }
    let (name, rule) = match pattern.split_once('(') {
        None => (pattern, None),
        Some((name, rest)) => match rest.strip_suffix(')') {
            None => return wrong("of which the parenthesis does not end it"),
            Some(rule) => (name, Some(rule)),
        },
    };
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '.' | ':');
    if !name.chars().all(in_name) || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return wrong("which does not begin with the name of a tool");
    }
    match rule {
        Some(rule) if rule.trim().is_empty() => wrong("of which the rule is empty"),
        Some(rule) if !is_balanced(rule) => wrong("of which the parentheses do not match"),
        Some(rule) if !is_one(rule) => wrong(
            "of which a comma or a space follows an inner `)`, where Claude Code begins another pattern",
        ),
        _ => Ok(()),
    }
}

fn is_balanced(rule: &str) -> bool {
    let mut open = 0_usize;
    for c in rule.chars() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}

/// Whether the program reads the rule as one.
fn is_one(rule: &str) -> bool {
    let mut is_inside = true;
    rule.chars().all(|c| {
        match c {
            '(' => is_inside = true,
            ')' => is_inside = false,
            _ => {}
        }
        is_inside || !(c == ',' || c.is_whitespace())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_tools() {
        for good in [
            "Edit",
            "Bash(git log:*)",
            "Bash(echo $(date))",
            "Bash(a, b (c, d)-(e f))",
            "Read(//etc/**)",
            "WebFetch(domain:example.com)",
            "mcp__server__tool",
            "mcp__my-server__*",
        ] {
            check_pattern(good).unwrap();
        }
        for bad in [
            "",
            " ",
            "--dangerously-skip-permissions",
            "Edit,Write",
            "Edit Write",
            "Bash(",
            "Bash()",
            "Bash( )",
            "Bash(a) Write(b)",
            "Bash(a))",
            "Bash(echo $(date), and more)",
            "Bash(a (b) Write c)",
            "Bash(a (b),Write)",
            "Bash(a)x",
            "(x)",
            "*",
            "Bash(a\nb)",
        ] {
            let problem = check_pattern(bad).unwrap_err();
            assert!(
                problem.contains("a pattern is a tool such as"),
                "{bad}: {problem}"
            );
        }
        assert!(check_pattern(&"x".repeat(1001)).is_err());
    }
}
