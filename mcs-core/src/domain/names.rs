use super::{InvalidInput, limits};

/// Checks a name of a kind, queue, key, tag or owner: not empty, bounded, without control characters.
pub fn check_name(field: &str, value: &str) -> Result<(), InvalidInput> {
    if value.is_empty() {
        return Err(InvalidInput::new(
            field,
            "is empty; give it a name or leave it out",
        ));
    }
    check_text(field, value, limits::NAME_BYTES)?;
    match value.chars().find(|c| c.is_control()) {
        Some(c) => Err(InvalidInput::new(
            field,
            format!("contains the control character {c:?}; remove it"),
        )),
        None => Ok(()),
    }
}

/// Checks a free text: bounded, and without NUL, which a store cannot keep inside a text.
pub fn check_text(field: &str, value: &str, bytes: usize) -> Result<(), InvalidInput> {
    if value.len() > bytes {
        return Err(InvalidInput::new(
            field,
            format!("has {} bytes; at most {bytes} are taken", value.len()),
        ));
    }
    if value.contains('\0') {
        return Err(InvalidInput::new(field, "contains a NUL byte; remove it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_printable() {
        assert!(check_name("queue", "default").is_ok());
        for bad in ["", "a\0b", "a\nb", &"x".repeat(limits::NAME_BYTES + 1)] {
            let error = check_name("queue", bad).unwrap_err();
            assert_eq!(error.field, "queue");
        }
    }
}
