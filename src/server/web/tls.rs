//! `tls_server_config` as rustls understands it.
//!
//! What rustls cannot do is refused with what to write instead: TLS before
//! 1.2, suites without forward secrecy or authenticated encryption, P-521.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, default_provider, kx_group};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::clients::{AnyClient, NamedClients};
use super::expiry::Expiries;
use super::protection::{Clients, Protection};
use super::read::Reader;
use errtally_core::yaml::{Data, Map, Node, suggest};

/// The mapping's name, with which every key begins.
const PATH: &str = "tls_server_config";

/// The versions that rustls speaks.
static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What `client_auth_type` may say.
const POLICIES: [&str; 5] = [
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
];

/// Bytes of a file or of a text in the configuration, and where that is named.
struct Pem {
    bytes: Vec<u8>,
    line: usize,
    key: String,
}

/// The server's side of TLS; none where nothing is configured, or wrong.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    protection: &mut Protection,
    expiries: &mut Expiries,
) -> Option<ServerConfig> {
    let mut map = Map::new(node, PATH, &mut reader.sink)?;
    if matches!(&node.data, Data::Map(entries) if entries.is_empty()) {
        return None;
    }
    // All of it is looked at, whatever is wrong before: one run tells everything.
    let cert = pem(reader, &mut map, "cert", "cert_file");
    let key = pem(reader, &mut map, "key", "key_file");
    for (found, names) in [(&cert, "cert_file"), (&key, "key_file")] {
        if matches!(found, Ok(None)) {
            let remedy = format!("add `{names}: PATH`");
            reader.sink.report(map.line, map.path(names), "missing", remedy);
        }
    }
    let authorities = pem(reader, &mut map, "client_ca", "client_ca_file");
    let versions = versions(reader, &mut map);
    let provider = provider(reader, &mut map, versions.unwrap_or(&BOTH));
    let ours = map.boolean("prefer_server_cipher_suites", &mut reader.sink).unwrap_or(true);
    let certified = match (cert, key) {
        (Ok(Some(cert)), Ok(Some(key))) => certified(reader, &cert, &key, &provider),
        _ => None,
    };
    if let Some(certified) = &certified {
        expiries.add("server", &certified.cert);
    }
    let clients = clients(reader, &mut map, authorities, &provider, protection, expiries);
    map.finish(&mut reader.sink);
    protection.tls = true;
    protection.only_tls13 = versions.is_some_and(|versions| !versions.contains(&&TLS12));

    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions?)
        .map_err(|e| reader.sink.report(node.line, PATH, format!("rustls refuses it: {e}"), ""))
        .ok()?;
    let certified = Arc::new(SingleCertAndKey::from(certified?));
    let mut config = match clients? {
        Some(verifier) => {
            let mut config = builder.with_client_cert_verifier(verifier).with_cert_resolver(certified);
            // A session that is taken up again would not be verified again.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
            config
        }
        None => builder.with_no_client_auth().with_cert_resolver(certified),
    };
    config.ignore_client_order = ours;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}

/// What stands at `inline`, or in the file that `file` names; an error where
/// it is wrong, which is reported then.
fn pem(
    reader: &mut Reader<'_>,
    map: &mut Map<'_>,
    inline: &'static str,
    file: &'static str,
) -> Result<Option<Pem>, ()> {
    let text = map.text(inline, &mut reader.sink).filter(|(text, _)| !text.is_empty());
    let name = map.text(file, &mut reader.sink).filter(|(name, _)| !name.is_empty());
    match (text, name) {
        (Some((_, line)), Some(_)) => {
            let what = format!("there is {file} as well");
            reader.sink.report(line, map.path(inline), what, "keep one of them");
            Err(())
        }
        (Some((text, line)), None) => {
            Ok(Some(Pem { bytes: text.as_bytes().to_vec(), line, key: map.path(inline) }))
        }
        (None, Some((name, line))) => match reader.file(name, line, map.path(file)) {
            Some(bytes) => Ok(Some(Pem { bytes, line, key: map.path(file) })),
            None => Err(()),
        },
        (None, None) => Ok(None),
    }
}

/// The certificates in `pem`, at least one.
fn certificates(reader: &mut Reader<'_>, pem: &Pem) -> Option<Vec<CertificateDer<'static>>> {
    match CertificateDer::pem_slice_iter(&pem.bytes).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Some(certificates),
        Ok(_) => {
            reader.sink.report(pem.line, &pem.key, "no certificate in it", "write it in PEM format");
            None
        }
        Err(e) => {
            reader.sink.report(pem.line, &pem.key, format!("not PEM: {e}"), "write it in PEM format");
            None
        }
    }
}

/// Certificate and key, which belong together.
fn certified(
    reader: &mut Reader<'_>,
    cert: &Pem,
    key: &Pem,
    provider: &CryptoProvider,
) -> Option<CertifiedKey> {
    let chain = certificates(reader, cert);
    let private = PrivateKeyDer::from_pem_slice(&key.bytes)
        .map_err(|e| {
            let remedy = "write a PKCS#8, PKCS#1 or SEC1 key in PEM format, not encrypted";
            reader.sink.report(key.line, &key.key, format!("no private key in it: {e}"), remedy);
        })
        .ok();
    CertifiedKey::from_der(chain?, private?, provider)
        .map_err(|e| {
            let remedy = "use an RSA key of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519, \
                          and the certificate that was issued for it";
            reader.sink.report(key.line, &key.key, format!("key and certificate: {e}"), remedy);
        })
        .ok()
}

/// The versions between `min_version` and `max_version`.
fn versions(
    reader: &mut Reader<'_>,
    map: &mut Map<'_>,
) -> Option<&'static [&'static SupportedProtocolVersion]> {
    let mut version = |key, default| match map.text(key, &mut reader.sink) {
        None => Some((default, 0)),
        Some(("TLS12", line)) => Some((12, line)),
        Some(("TLS13", line)) => Some((13, line)),
        Some((other, line)) => {
            let what = match other {
                "TLS10" | "TLS11" => format!("{other} is not spoken: it is broken"),
                _ => format!("`{other}` is no version"),
            };
            reader.sink.report(line, map.path(key), what, "write TLS12 or TLS13");
            None
        }
    };
    let (least, most) = (version("min_version", 12), version("max_version", 13));
    match (least?.0, most?) {
        (12, (13, _)) => Some(&BOTH),
        (12, _) => Some(&BOTH[1..]),
        (_, (13, _)) => Some(&BOTH[..1]),
        (_, (_, line)) => {
            let what = "below min_version";
            reader.sink.report(line, map.path("max_version"), what, "write TLS13, or leave it out");
            None
        }
    }
}

/// Suites and groups. A list of suites is about TLS 1.2, as elsewhere: those
/// of TLS 1.3 are always there.
fn provider(
    reader: &mut Reader<'_>,
    map: &mut Map<'_>,
    versions: &[&SupportedProtocolVersion],
) -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    let named = |suite: &SupportedCipherSuite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_");
    let known: Vec<_> = ALL_CIPHER_SUITES.iter().map(|s| (named(s), *s)).collect();
    if let Some((chosen, line)) = choice(reader, map, "cipher_suites", &known) {
        let late = |s: &SupportedCipherSuite| s.tls13().is_some();
        let first = ALL_CIPHER_SUITES.iter().copied().filter(late);
        provider.cipher_suites = first.chain(chosen.into_iter().filter(|s| !late(s))).collect();
        let usable = provider.cipher_suites.iter().any(|s| versions.contains(&s.version()));
        if !usable {
            let what = "none of them is of TLS 1.2, and max_version is TLS12";
            let remedy = "add one that begins with TLS_ECDHE_, or allow TLS13";
            reader.sink.report(line, map.path("cipher_suites"), what, remedy);
            provider.cipher_suites = ALL_CIPHER_SUITES.to_vec();
        }
    }
    let known = [
        ("X25519".to_owned(), kx_group::X25519),
        ("CurveP256".to_owned(), kx_group::SECP256R1),
        ("CurveP384".to_owned(), kx_group::SECP384R1),
    ];
    if let Some((chosen, _)) = choice(reader, map, "curve_preferences", &known) {
        provider.kx_groups = chosen;
    }
    Arc::new(provider)
}

/// What a list of names chooses from `known`, and its line; none where there
/// is no list, or an empty one.
fn choice<T: Copy>(
    reader: &mut Reader<'_>,
    map: &mut Map<'_>,
    key: &'static str,
    known: &[(String, T)],
) -> Option<(Vec<T>, usize)> {
    let mut chosen = Vec::new();
    let items = map.list(key, &mut reader.sink);
    for item in items {
        let name = match &item.data {
            Data::Scalar(name, _) => name.as_str(),
            _ => "",
        };
        match known.iter().find(|(known, _)| known == name) {
            Some((_, value)) => chosen.push(*value),
            None => {
                let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
                let remedy = format!("{}; of: {}", suggest(name, &names), names.join(", "));
                reader.sink.report(item.line, map.path(key), format!("`{name}` is not offered"), remedy);
            }
        }
    }
    (!chosen.is_empty()).then(|| (chosen, items[0].line))
}

type Verifier = Arc<dyn rustls::server::danger::ClientCertVerifier>;

/// Who judges a client's certificate; none within where none is asked for,
/// none at all where something is wrong.
fn clients(
    reader: &mut Reader<'_>,
    map: &mut Map<'_>,
    authorities: Result<Option<Pem>, ()>,
    provider: &Arc<CryptoProvider>,
    protection: &mut Protection,
    expiries: &mut Expiries,
) -> Option<Option<Verifier>> {
    let (policy, line) = map.text("client_auth_type", &mut reader.sink).unwrap_or(("NoClientCert", map.line));
    let policy = match policy {
        "" => "NoClientCert",
        // An older name of it.
        "RequireClientCert" => "RequireAnyClientCert",
        policy => policy,
    };
    let allowed = allowed_names(reader, map);
    let path = map.path("client_auth_type");
    if !POLICIES.contains(&policy) {
        let what = format!("`{policy}` is no policy");
        reader.sink.report(line, path, what, suggest(policy, &POLICIES));
        return None;
    }
    let authorities = authorities.ok()?;
    if policy == "NoClientCert" {
        let idle = authorities.map(|pem| (pem.line, pem.key));
        let idle = idle.or(allowed.map(|(_, line)| (line, map.path("client_allowed_sans"))));
        let Some((line, key)) = idle else {
            return Some(None);
        };
        let what = "it does nothing, since no client is asked for a certificate";
        reader.sink.report(line, key, what, "add `client_auth_type: RequireAndVerifyClientCert`");
        return None;
    }
    protection.clients = match policy {
        "RequestClientCert" => Clients::Requested,
        "VerifyClientCertIfGiven" => Clients::VerifiedIfGiven,
        "RequireAnyClientCert" => Clients::Required,
        _ => Clients::Verified,
    };
    protection.names = allowed.is_some();
    let verifies = policy.contains("Verify");
    let verifier: Verifier = if verifies {
        let Some(authorities) = authorities else {
            let what = format!("{policy} needs the authorities that clients are verified by");
            reader.sink.report(line, path, what, "add `client_ca_file: PATH`");
            return None;
        };
        let mut roots = RootCertStore::empty();
        let authorities_of_clients = certificates(reader, &authorities)?;
        expiries.add("client_ca", &authorities_of_clients);
        for certificate in authorities_of_clients {
            if let Err(e) = roots.add(certificate) {
                let what = format!("no authority: {e}");
                reader.sink.report(authorities.line, &authorities.key, what, "name CA certificates");
                return None;
            }
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let optional = policy == "VerifyClientCertIfGiven";
        let builder = if optional { builder.allow_unauthenticated() } else { builder };
        builder
            .build()
            .map_err(|e| {
                reader.sink.report(authorities.line, &authorities.key, e.to_string(), "name CA certificates");
            })
            .ok()?
    } else {
        Arc::new(AnyClient::new(provider.clone(), policy == "RequireAnyClientCert"))
    };
    Some(Some(match allowed {
        Some((allowed, _)) => Arc::new(NamedClients::new(verifier, allowed)),
        None => verifier,
    }))
}

/// The names of which a client's certificate must have one, and the line of
/// the list; none where any name will do.
fn allowed_names(reader: &mut Reader<'_>, map: &mut Map<'_>) -> Option<(Vec<String>, usize)> {
    let node = map.take("client_allowed_sans")?;
    let names: Option<Vec<_>> = match &node.data {
        Data::List(items) => items
            .iter()
            .map(|item| match &item.data {
                Data::Scalar(name, _) => Some(name.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    if names.as_ref().is_none_or(Vec::is_empty) {
        let what = "not a list of names; with none, no client would be let in";
        reader.sink.report(node.line, map.path("client_allowed_sans"), what, "write one `- NAME` or more");
    }
    names.map(|names| (names, node.line))
}
