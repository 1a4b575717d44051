//! The beginning of a segment: what it is and whose.
//!
//! Eight bytes [`MAGIC`], two with the length of the MCP's id (little-endian), the id, and the CRC-32 of all of that.

/// Begins each segment, with the version of the format.
const MAGIC: [u8; 8] = *b"MCSJRNL1";
/// Bytes around the id.
const AROUND: usize = MAGIC.len() + 2 + 4;
/// Longest header there is.
pub(super) const MAX_HEADER_BYTES: usize = AROUND + u16::MAX as usize;

/// The header of a segment of `mcp_id`, which is at most 200 bytes long.
pub(super) fn encode(mcp_id: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(AROUND + mcp_id.len());
    bytes.extend_from_slice(&MAGIC);
    let len = u16::try_from(mcp_id.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&mcp_id.as_bytes()[..usize::from(len)]);
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The MCP's id and where the first record begins, if `bytes` begin with a header.
pub(super) fn decode(bytes: &[u8]) -> Option<(&str, usize)> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let len = usize::from(u16::from_le_bytes(*len));
    let crc = rest.get(len..)?.first_chunk::<4>()?;
    let signed = &bytes[..MAGIC.len() + 2 + len];
    if *magic != MAGIC || crc32fast::hash(signed) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mcp_id = std::str::from_utf8(rest.get(..len)?).ok()?;
    Some((mcp_id, AROUND + len))
}
