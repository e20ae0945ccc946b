//! What SCRAM ties a password to: the certificate of the server (`tls-server-end-point`, RFC 5929 section 4).
//!
//! Another server with a certificate of its own cannot pass on what the client has proved to it, whatever `sslmode` says about
//! certificates.

use aws_lc_rs::digest::{self, Algorithm, SHA224, SHA256, SHA384, SHA512};
use spki::AlgorithmIdentifierRef;
use spki::der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier};
use spki::der::{Decode, Reader, SliceReader};

const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// The hash functions of signature algorithms, and the hash functions by themselves, as RSA-PSS names them. MD5 and SHA-1 are
/// replaced by SHA-256 (section 4.1).
const HASHES: &[(ObjectIdentifier, &Algorithm)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14"), &SHA224),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), &SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), &SHA512),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1"), &SHA224),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), &SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), &SHA512),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), &SHA256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4"), &SHA224),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), &SHA256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), &SHA384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), &SHA512),
];

/// The hash of a certificate, by the hash function of its signature. `None` where that is not one function: the RFC defines
/// nothing for Ed25519, and PostgreSQL cannot bind to such a certificate either.
pub(super) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = hash_of_signature(certificate).ok()??;
    Some(digest::digest(hash, certificate).as_ref().to_vec())
}

/// Reads what follows the content of a certificate (RFC 5280 section 4.1).
fn hash_of_signature(certificate: &[u8]) -> spki::der::Result<Option<&'static Algorithm>> {
    let algorithm = SliceReader::new(certificate)?.sequence(|reader| {
        reader.tlv_bytes()?;
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        reader.tlv_bytes()?;
        Ok(algorithm)
    })?;
    match algorithm.parameters {
        Some(parameters) if algorithm.oid == RSA_PSS => hash_of_pss(parameters),
        _ => Ok(find(algorithm.oid)),
    }
}

/// RSA-PSS names its hash function in its parameters, if it is not SHA-1 (RFC 4055 section 3.1).
fn hash_of_pss(parameters: AnyRef<'_>) -> spki::der::Result<Option<&'static Algorithm>> {
    let mut hash = Some(&SHA256);
    parameters.sequence(|reader| {
        while !reader.is_finished() {
            let member = ContextSpecific::<AnyRef<'_>>::decode(reader)?;
            if member.tag_number.value() == 0 {
                hash = find(member.value.decode_as::<AlgorithmIdentifierRef<'_>>()?.oid);
            }
        }
        Ok(())
    })?;
    Ok(hash)
}

fn find(oid: ObjectIdentifier) -> Option<&'static Algorithm> {
    HASHES.iter().find(|(listed, _)| *listed == oid).map(|(_, hash)| *hash)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    /// The certificates are made by `openssl req -x509`; the hashes are those of `openssl dgst` over their DER.
    #[test]
    fn a_certificate_is_hashed_by_the_hash_function_of_its_signature_and_never_by_sha_1() {
        for (pem, expected) in [
            (
                include_str!("certificates/rsa-sha1.pem"),
                "8904e80d8f4bb70ebd1272e2c209a53a6187c9734a71aceae34790a13bbadfed",
            ),
            (
                include_str!("certificates/ecdsa-sha1.pem"),
                "ed21099d2b60cdfadbe84b4a395c8449b6c374250adcba8d72048692383b0989",
            ),
            (
                include_str!("certificates/ecdsa-sha512.pem"),
                "6a3b96d1cf70114df877960129fae93ef3265a7897ece5306198b9822238def03d28f8e838cafe6cc27a250a1dd5ceac375deea102429666c92616435478e87b",
            ),
            (
                include_str!("certificates/pss-sha1.pem"),
                "1376d12aca5cbefbf9f3de76bf4d9ca35ac36033823cdd79efaf314011806dfa",
            ),
            (
                include_str!("certificates/pss-sha384.pem"),
                "556aaf62e23762915905266ca792fd4a228b5fc5ed6a168ed417d0a61cce0f370dbe65e23f8f6524f58a55f71eb002c5",
            ),
        ] {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            assert_eq!(hex::encode(server_end_point(&certificate).unwrap()), expected);
        }
    }

    #[test]
    fn a_certificate_whose_signature_has_no_single_hash_function_is_not_bound_to() {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let made = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        assert_eq!(server_end_point(made.der()), None);
    }

    #[test]
    fn what_is_no_certificate_is_not_bound_to() {
        let certificate =
            CertificateDer::from_pem_slice(include_bytes!("certificates/pss-sha384.pem")).unwrap();
        for length in 0..certificate.len() {
            assert_eq!(server_end_point(&certificate[..length]), None, "{length}");
        }
    }
}
