use std::fmt;
use std::str::FromStr;

/// Where a piece of work belongs in a distributed trace, as the header `traceparent` of the W3C says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// The text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no `traceparent`; it looks like `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`"
)]
pub struct NoTraceparent;

/// Whether the trace is recorded, and whether its id is random. Other flags are not handed on.
const KNOWN_FLAGS: u8 = 0b11;
/// Characters of the version that is known. A later one may add to its end.
const LENGTH: usize = 55;

impl Traceparent {
    /// The same trace, seen from the span `span` in it. Zero stands for no span, so one is taken instead.
    pub const fn child(self, span: u64) -> Self {
        Self {
            span: if span == 0 { 1 } else { span },
            flags: self.flags & KNOWN_FLAGS,
            ..self
        }
    }

    /// The id of the trace, in 32 digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The id of the span, in 16 digits.
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }
}

impl FromStr for Traceparent {
    type Err = NoTraceparent;

    fn from_str(text: &str) -> Result<Self, NoTraceparent> {
        let hex = |text: &str| text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let known = text.get(..LENGTH).ok_or(NoTraceparent)?;
        let mut fields = known.split('-');
        let mut field = |length: usize| {
            let field = fields.next();
            field.filter(|field| field.len() == length && hex(field))
        };
        let (version, trace, span, flags) = (field(2), field(32), field(16), field(2));
        let rest = &text[LENGTH..];
        match version {
            None | Some("ff") => return Err(NoTraceparent),
            Some("00") if !rest.is_empty() => return Err(NoTraceparent),
            Some(_) if !rest.is_empty() && !rest.starts_with('-') => return Err(NoTraceparent),
            Some(_) => {}
        }
        let number = |field: Option<&str>| u128::from_str_radix(field?, 16).ok();
        let read = || {
            let (trace, span) = (number(trace)?, number(span)?);
            Some(Self {
                trace: Some(trace).filter(|trace| *trace != 0)?,
                span: u64::try_from(span).ok().filter(|span| *span != 0)?,
                flags: u8::try_from(number(flags)?).ok()?,
            })
        };
        read().ok_or(NoTraceparent)
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace, self.span, self.flags
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn it_is_written_as_it_was_read() {
        let read: Traceparent = WHOLE.parse().unwrap();
        assert_eq!(read.to_string(), WHOLE);
        assert_eq!(read.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(read.span_id(), "b7ad6b7169203331");
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent: Traceparent = WHOLE.replace("-01", "-ff").parse().unwrap();
        let child = parent.child(0xabc);
        let written = "00-0af7651916cd43dd8448eb211c80319c-0000000000000abc-03";
        assert_eq!(child.to_string(), written);
        assert_eq!(parent.child(0).span_id(), "0000000000000001");
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        let later = WHOLE.replace("00-0af", "01-0af");
        for text in [later.clone(), format!("{later}-more")] {
            assert_eq!(text.parse::<Traceparent>().unwrap().to_string(), WHOLE);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "00",
            &WHOLE[..54],
            &format!("{WHOLE}-more"),
            &format!("{WHOLE}0"),
            &WHOLE.replace("00-0af", "ff-0af"),
            &format!("{}x", WHOLE.replace("00-0af", "01-0af")),
            &WHOLE.to_uppercase(),
            &WHOLE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &WHOLE.replace("b7ad6b7169203331", &"0".repeat(16)),
            &WHOLE.replace('-', "_"),
            &WHOLE.replace("b7ad", "+7ad"),
            &WHOLE.replace("b7ad", "é7a"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333101-",
        ] {
            assert_eq!(text.parse::<Traceparent>(), Err(NoTraceparent), "{text}");
        }
    }
}
