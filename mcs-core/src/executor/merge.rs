use crate::domain::InvalidInput;

/// Takes over what the payload says of one of the task's own fields. Two different values are refused.
pub(super) fn merge(
    name: &str,
    field: &mut Option<String>,
    said: Option<&String>,
) -> Result<(), InvalidInput> {
    let Some(said) = said else {
        return Ok(());
    };
    if let Some(own) = field.as_ref().filter(|own| *own != said) {
        let problem = format!(
            "is `{said}`, and the task's own field `{name}` is `{own}`; leave one of them out"
        );
        return Err(InvalidInput::new(format!("payload.{name}"), problem));
    }
    *field = Some(said.clone());
    Ok(())
}
