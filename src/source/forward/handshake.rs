//! The handshake of the forward protocol: both sides show that they know the
//! shared key, and neither says it.

use ring::digest::{SHA512, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::io::{AsyncRead, AsyncWrite};

use super::msgpack::{Head, Values};
use super::refusal::Refusal;
use super::wire::Wire;

/// The longest answer of a client.
const LONGEST: usize = 4 << 10;

const NONCE: usize = 16;

/// What we call ourselves; a client only checks that it is not its own name.
const NAME: &[u8] = b"errtally";

/// Says `HELO`, judges the client's `PING` and answers it.
///
/// # Errors
/// When the client does not know the key.
pub async fn greet<S>(wire: &mut Wire<'_, S>, key: &[u8]) -> Result<(), Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut nonce = [0; NONCE];
    let random = SystemRandom::new();
    random.fill(&mut nonce).map_err(|_| Refusal::Stopping)?;
    wire.say(&helo(&nonce)).await?;
    let ping = wire.value(LONGEST).await?;
    let judged = judge(&ping, &nonce, key);
    let pong = match &judged {
        Ok(salt) => pong(Ok(&digest_of(&[salt, NAME, &nonce, key]))),
        Err(Refusal::Key(why)) => pong(Err(why)),
        Err(other) => return Err(other.clone()),
    };
    wire.say(&pong).await?;
    judged.map(|_| ())
}

fn text(text: &[u8], out: &mut Vec<u8>) {
    // Names of machines and digests: none is longer.
    let length = text.len().min(0xffff);
    out.extend_from_slice(&[0xda, (length >> 8) as u8, length as u8]);
    out.extend_from_slice(&text[..length]);
}

/// `["HELO", {"nonce": ..., "auth": "", "keepalive": true}]`
fn helo(nonce: &[u8; NONCE]) -> Vec<u8> {
    let mut out = vec![0x92];
    text(b"HELO", &mut out);
    out.push(0x83);
    text(b"nonce", &mut out);
    out.extend_from_slice(&[0xc4, NONCE as u8]);
    out.extend_from_slice(nonce);
    text(b"auth", &mut out);
    // No users: the empty salt.
    out.extend_from_slice(&[0xc4, 0]);
    text(b"keepalive", &mut out);
    out.push(0xc3);
    out
}

/// `["PONG", whether, why not, our name, digest]`
fn pong(right: Result<&[u8], &str>) -> Vec<u8> {
    let mut out = vec![0x95];
    text(b"PONG", &mut out);
    out.push(if right.is_ok() { 0xc3 } else { 0xc2 });
    text(right.err().unwrap_or("").as_bytes(), &mut out);
    text(NAME, &mut out);
    text(right.unwrap_or(b""), &mut out);
    out
}

/// The salt of a client that knows the key: `["PING", its name, salt, digest, user, password]`.
fn judge<'p>(ping: &'p [u8], nonce: &[u8], key: &[u8]) -> Result<&'p [u8], Refusal> {
    let mut values = Values(ping);
    let none = || Refusal::Key("no PING: the client has no shared_key");
    if values.head()? != Head::Array(6) || values.text()? != Some(b"PING") {
        return Err(none());
    }
    let [hostname, salt, said] =
        [values.text()?, values.text()?, values.text()?].map(|text| text.unwrap_or(b""));
    let wanted = digest_of(&[salt, hostname, nonce, key]);
    // Compared as tags of the same key, so that the time tells nothing.
    let same = hmac::Key::new(hmac::HMAC_SHA256, nonce);
    match hmac::verify(&same, &wanted, hmac::sign(&same, said).as_ref()) {
        Ok(()) => Ok(salt),
        Err(_) => Err(Refusal::Key("another shared_key than ours")),
    }
}

/// The digest of all parts, in hexadecimal digits.
fn digest_of(parts: &[&[u8]]) -> Vec<u8> {
    let digest = digest(&SHA512, &parts.concat());
    digest.as_ref().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(name: &[u8], salt: &[u8], digest: &[u8]) -> Vec<u8> {
        let mut out = vec![0x96];
        for part in [b"PING", name, salt, digest, b"", b""] {
            text(part, &mut out);
        }
        out
    }

    #[test]
    fn who_knows_the_key_is_let_in() {
        let right = digest_of(&[b"salt", b"host", b"nonce", b"key"]);
        // As `hashlib.sha512(b"salthostnoncekey").hexdigest()` has it.
        assert_eq!(right.len(), 128);
        let greeting = ping(b"host", b"salt", &right);
        assert_eq!(judge(&greeting, b"nonce", b"key"), Ok(&b"salt"[..]));
        for (nonce, key) in [(&b"nonce"[..], &b"other"[..]), (b"other", b"key"), (b"nonce", b"")] {
            assert!(
                matches!(judge(&greeting, nonce, key), Err(Refusal::Key(why)) if why.contains("another"))
            );
        }
        for other in [&[0x92, 0xa1, b'x', 1][..], &[0xc0], &ping(b"host", b"salt", b"")] {
            assert!(matches!(judge(other, b"nonce", b"key"), Err(Refusal::Key(_))), "{other:x?}");
        }
    }
}
