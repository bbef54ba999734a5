//! BER-TLV (ISO/IEC 7816-4 §5.2.2) as cards use it: tags of one to three bytes, definite lengths.
//!
//! What a card says is not trusted: nothing here can read past the end or go round in circles.

use zeroize::Zeroizing;

/// The first element of `bytes`: tag, value, and what follows.
pub(crate) fn first(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (tag, rest) = tag(bytes)?;
    let (length, rest) = match rest {
        [0x81, a, rest @ ..] => (usize::from(*a), rest),
        [0x82, a, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        [short, rest @ ..] if *short < 0x80 => (usize::from(*short), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

fn tag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut tag = u32::from(*first);
    if first & 0x1F == 0x1F {
        // At most two more bytes; each but the last has its top bit set.
        for more in 0..2 {
            let (next, after) = rest.split_first()?;
            tag = tag << 8 | u32::from(*next);
            rest = after;
            match (next & 0x80 == 0, more) {
                (true, _) => break,
                (false, 0) => {}
                (false, _) => return None,
            }
        }
    }
    Some((tag, rest))
}

/// The value of the first element of that tag.
pub(crate) fn find(mut bytes: &[u8], wanted: u32) -> Option<&[u8]> {
    while let Some((tag, value, rest)) = first(bytes) {
        if tag == wanted {
            return Some(value);
        }
        bytes = rest;
    }
    None
}

/// The value of an element of that tag with nothing after it.
pub(crate) fn only(bytes: &[u8], wanted: u32) -> Option<&[u8]> {
    match first(bytes)? {
        (tag, value, []) if tag == wanted => Some(value),
        _ => None,
    }
}

/// An element. Values of 65,536 bytes and more cannot be written and yield nothing.
pub(crate) fn make(tag: u32, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut element = Zeroizing::new(Vec::with_capacity(value.len() + 7));
    let Ok(length) = u16::try_from(value.len()) else { return element };
    element.extend(tag.to_be_bytes().into_iter().skip_while(|b| *b == 0));
    match length.to_be_bytes() {
        [0, short] if short < 0x80 => element.push(short),
        [0, middle] => element.extend([0x81, middle]),
        [high, low] => element.extend([0x82, high, low]),
    }
    element.extend(value);
    element
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(tag in prop_oneof![Just(0x53u32), Just(0x7F49), Just(0x5F_C102)], value in proptest::collection::vec(any::<u8>(), 0..700)) {
            let made = make(tag, &value);
            prop_assert_eq!(only(&made, tag), Some(value.as_slice()));
        }

        #[test]
        fn the_parser_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = find(&bytes, 0x70);
            let _ = only(&bytes, 0x7C);
        }
    }

    #[test]
    fn what_is_torn_is_nothing() {
        for torn in [
            &[0x53][..],
            &[0x53, 2, 1],
            &[0x53, 0x81],
            &[0x53, 0x80],
            &[0x53, 0x83, 0, 0, 1, 5],
            &[0x5F, 0xC1, 0x82, 5, 0],
        ] {
            assert_eq!(first(torn), None, "{torn:02x?}");
        }
        assert_eq!(only(&[0x53, 1, 7, 0], 0x53), None);
    }
}
