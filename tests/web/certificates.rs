//! Authorities and what they issue, made anew for each test.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};

use crate::support::Folder;

/// Who issues certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub pem: String,
}

/// A certificate and its key.
pub struct Pair {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        Authority::until(name, 4096)
    }

    /// One that ends with the beginning of a year.
    pub fn until(name: &str, year: i32) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(year, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose, year: i32) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages.push(usage);
        params.distinguished_name.push(DnType::CommonName, "somebody");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// For a server at 127.0.0.1.
    pub fn server(&self) -> Pair {
        self.server_until(4096)
    }

    /// As [`Authority::server`], until the beginning of a year.
    pub fn server_until(&self, year: i32) -> Pair {
        let here = SanType::IpAddress([127, 0, 0, 1].into());
        self.issue(vec![here], ExtendedKeyUsagePurpose::ServerAuth, year)
    }

    /// For a client with these names.
    pub fn client(&self, names: Vec<SanType>) -> Pair {
        self.issue(names, ExtendedKeyUsagePurpose::ClientAuth, 4096)
    }
}

impl Pair {
    /// Writes `NAME.crt` and `NAME.key`, and gives their paths.
    pub fn write(&self, folder: &Folder, name: &str) -> (String, String) {
        (folder.write(&format!("{name}.crt"), &self.cert), folder.write(&format!("{name}.key"), &self.key))
    }
}
