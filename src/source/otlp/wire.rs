//! Protobuf as it stands on the wire, read where it is.
//!
//! Nothing is built of a message: two bytes can announce an empty record that
//! takes two hundred in memory, so whoever decodes a request into structures
//! needs a hundred times its size. Here a request takes what it takes on the
//! wire, whatever is in it.

use thiserror::Error;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// They end within a field.
    #[error("it ends within a field")]
    CutOff,
    /// A number of more than 64 bits, or a field without one.
    #[error("a number in it is none")]
    Number,
    /// A field has a type that does not exist, or that no field of OTLP has.
    #[error("a field has wire type {0}")]
    Type(u8),
    /// A known field has another type than its own.
    #[error("field {0} has another wire type than OTLP says")]
    Field(u32),
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'m> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Bytes: a text, a message.
    Bytes(&'m [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// A field: its number and what it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'m> {
    /// The number.
    pub number: u32,
    /// What it holds.
    pub value: Value<'m>,
}

impl<'m> Field<'m> {
    /// A text or a message.
    ///
    /// # Errors
    /// When it is neither.
    pub fn bytes(self) -> Result<&'m [u8], Broken> {
        if let Value::Bytes(bytes) = self.value { Ok(bytes) } else { Err(Broken::Field(self.number)) }
    }

    /// A number of variable length.
    ///
    /// # Errors
    /// When it is none.
    pub fn varint(self) -> Result<u64, Broken> {
        if let Value::Varint(number) = self.value { Ok(number) } else { Err(Broken::Field(self.number)) }
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn fixed64(self) -> Result<u64, Broken> {
        if let Value::Fixed64(number) = self.value { Ok(number) } else { Err(Broken::Field(self.number)) }
    }
}

/// The fields of a message, in the order in which they stand.
#[derive(Clone, Debug)]
pub struct Fields<'m> {
    rest: &'m [u8],
}

/// The fields of `message`.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'m> Fields<'m> {
    fn varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for at in 0..10 {
            let &byte = self.rest.get(at).ok_or(Broken::CutOff)?;
            // The tenth byte has room for one bit.
            if at == 9 && byte > 1 {
                return Err(Broken::Number);
            }
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(number);
            }
        }
        Err(Broken::Number)
    }

    fn take(&mut self, length: u64) -> Result<&'m [u8], Broken> {
        let length = usize::try_from(length).map_err(|_| Broken::CutOff)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Broken::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Broken::CutOff)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn field(&mut self) -> Result<Field<'m>, Broken> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|&n| n > 0).ok_or(Broken::Number)?;
        let value = match (tag & 7) as u8 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(Broken::Type(other)),
        };
        Ok(Field { number, value })
    }
}

impl<'m> Iterator for Fields<'m> {
    type Item = Result<Field<'m>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Writes a number of variable length.
pub fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes the head of a field of this wire type.
pub fn put_tag(number: u32, wire_type: u8, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire_type), out);
}

/// Writes a text, or another message.
pub fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(number, 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Broken> {
        fields(message).map(|field| field.map(|f| (f.number, f.value))).collect()
    }

    #[test]
    fn every_wire_type() {
        let message = [
            &[0x08, 0x96, 0x01][..],
            &[0x11, 1, 0, 0, 0, 0, 0, 0, 0x80],
            &[0x1a, 2, b'h', b'i'],
            &[0x25, 1, 0, 0, 0],
            &[0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            // 1000, with a length that takes five bytes.
            &[0xc2, 0x3e, 0x80, 0x80, 0x80, 0x80, 0x00],
        ]
        .concat();
        let all = vec![
            (1, Value::Varint(150)),
            (2, Value::Fixed64(1 << 63 | 1)),
            (3, Value::Bytes(b"hi")),
            (4, Value::Fixed32(1)),
            (5, Value::Varint(u64::MAX)),
            (1000, Value::Bytes(b"")),
        ];
        assert_eq!(read(&message).expect("a message"), all);
        assert_eq!(read(b"").expect("an empty message"), []);
    }

    #[test]
    fn whatever_is_cut_off_or_none_is_an_error() {
        let whole = [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, b'h', b'i', 0x25, 1, 0, 0, 0];
        for length in 0..whole.len() {
            let ends_between = [0, 3, 12, 16].contains(&length);
            assert_eq!(read(&whole[..length]).is_ok(), ends_between, "{length}");
        }
        for (bytes, error) in [
            (&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..], Broken::Number),
            (&[0x00, 0x00], Broken::Number),
            (&[0x0b], Broken::Type(3)),
            (&[0x0e], Broken::Type(6)),
            // Two gigabytes, and all there can be.
            (&[0x0a, 0x80, 0x80, 0x80, 0x80, 0x08, 0], Broken::CutOff),
            (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0], Broken::CutOff),
        ] {
            assert_eq!(read(bytes), Err(error), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            put_tag(15, 0, &mut out);
            put_varint(number, &mut out);
            put_bytes(16, &number.to_le_bytes(), &mut out);
        }
        let numbers: Vec<_> = fields(&out).filter_map(|f| f.expect("a field").varint().ok()).collect();
        assert_eq!(numbers, [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX]);
    }
}
