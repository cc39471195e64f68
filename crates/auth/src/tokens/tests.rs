//! Which tokens open the gate, and what is said of the others.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, encode};
use notice::{Room, TokenId, UserId};
use serde_json::{Value, json};

use super::*;
use crate::{algorithms::Algorithms, grant::Proof, key::Key, signer::Signer};

const SECRET: &str = "a secret of thirty-two bytes, ok!";
const OTHER_SECRET: &str = "another secret of 32 bytes or so";

/// A private key and its public half, as PEM.
struct Pair {
    private: String,
    public: String,
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn pair(private: &[u8], public: &impl AsDer<PublicKeyX509Der<'static>>) -> Pair {
    let public = public.as_der().unwrap();
    Pair { private: pem("PRIVATE KEY", private), public: pem("PUBLIC KEY", public.as_ref()) }
}

fn rsa() -> Pair {
    use aws_lc_rs::encoding::Pkcs8V1Der;
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    pair(private.as_ref(), key.public_key())
}

fn elliptic(curve: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Pair {
    let private = EcdsaKeyPair::generate_pkcs8(curve, &SystemRandom::new()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(curve, private.as_ref()).unwrap();
    pair(private.as_ref(), key.public_key())
}

fn edwards() -> Pair {
    let private = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.as_ref()).unwrap();
    pair(private.as_ref(), key.public_key())
}

fn config(key: &str, algorithms: &[&str]) -> TokenConfig {
    let algorithms: Vec<_> = algorithms.iter().map(|&name| name.to_owned()).collect();
    TokenConfig {
        keys: KeySource::One(Key::read(key).unwrap()),
        algorithms: Algorithms::parse(&algorithms).unwrap(),
        issuers: Vec::new(),
        audiences: Vec::new(),
        leeway: Duration::from_secs(10),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Claims that are fine, with these in their place.
fn claims(changed: &Value) -> Value {
    let mut claims = json!({ "sub": "5", "exp": now() + 60 });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn hs256(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

async fn read(config: &TokenConfig, token: &str) -> Result<Grant, Denial> {
    Tokens::of_key(config).expect("an algorithm fits").read(token).await
}

async fn read_claims(changed: Value) -> Result<Grant, Denial> {
    read(&config(SECRET, &[]), &hs256(&claims(&changed))).await
}

/// A token by hand, for what no library would write.
fn by_hand(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test]
async fn every_kind_of_key_reads_what_its_private_half_signed() {
    let user = UserId::new("5").unwrap();
    let pairs = [
        ("RS256", rsa()),
        ("PS512", rsa()),
        ("ES256", elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        ("ES384", elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING)),
        ("EdDSA", edwards()),
    ];
    for (name, pair) in pairs {
        let algorithms = Algorithms::parse(&[name.to_owned()]).unwrap();
        let private = Key::read(&pair.private).unwrap();
        let signer = Signer::new(&private, &algorithms).unwrap();
        let token = signer.sign(&user, &[], Duration::from_mins(1)).unwrap();
        for key in [&pair.public, &pair.private] {
            let grant = read(&config(key, &[]), &token).await.expect(name);
            assert_eq!(grant.user, user, "{name}");
        }
        assert!(Signer::new(&Key::read(&pair.public).unwrap(), &algorithms).is_err());
    }
}

#[tokio::test]
async fn without_algorithms_a_key_signs_with_one_that_fits_it() {
    for pair in [rsa(), elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING), edwards()] {
        let key = Key::read(&pair.private).unwrap();
        let signer = Signer::new(&key, &Algorithms::default()).unwrap();
        let token = signer.sign(&UserId::new("5").unwrap(), &[], Duration::from_mins(1)).unwrap();
        assert!(read(&config(&pair.public, &[]), &token).await.is_ok());
    }
}

#[tokio::test]
async fn a_grant_says_user_rooms_end_and_id() {
    let exp = now() + 60;
    let grant = read_claims(json!({
        "sub": 5, "exp": exp, "iat": now(), "jti": "t1", "rooms": ["456", "chat:*", 7],
    }));
    let grant = grant.await.unwrap();
    assert_eq!(grant.user, UserId::new("5").unwrap());
    assert_eq!(grant.expires, Some(UNIX_EPOCH + Duration::from_secs(exp + 10)));
    let Proof::Token { id, issued: Some(_) } = &grant.proof else { panic!("it was a token") };
    assert_eq!(id.as_ref().map(TokenId::as_str), Some("t1"));
    for (room, is_open) in [("456", true), ("chat:1", true), ("7", true), ("8", false)] {
        assert_eq!(grant.rooms.cover(&Room::new(room).unwrap()), is_open, "{room}");
    }
}

#[tokio::test]
async fn claims_that_do_not_hold_are_each_said() {
    let table = [
        (json!({ "exp": now() - 60 }), Denial::Expired),
        (json!({ "exp": Value::Null }), Denial::NoExpiry),
        (json!({ "exp": "soon" }), Denial::Malformed),
        (json!({ "exp": -1 }), Denial::NoExpiry),
        (json!({ "nbf": now() + 60 }), Denial::Early),
        (json!({ "iat": now() + 60 }), Denial::Early),
        (json!({ "sub": Value::Null }), Denial::Subject),
        (json!({ "sub": "" }), Denial::Subject),
        (json!({ "sub": "a\u{0}b" }), Denial::Subject),
        (json!({ "sub": ["5"] }), Denial::Malformed),
        (json!({ "aud": "others" }), Denial::Audience),
        (json!({ "rooms": { "456": true } }), Denial::Malformed),
        (json!({ "rooms": vec!["r"; 257] }), Denial::Malformed),
        (json!({ "jti": "j".repeat(513) }), Denial::Malformed),
    ];
    for (changed, denial) in table {
        assert_eq!(read_claims(changed.clone()).await, Err(denial), "{changed}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    for changed in [json!({ "exp": now() - 5 }), json!({ "nbf": now() + 5, "iat": now() + 5 })] {
        assert!(read_claims(changed.clone()).await.is_ok(), "{changed}");
    }
}

#[tokio::test]
async fn an_issuer_and_an_audience_that_are_asked_for_must_be_there() {
    let mut config = config(SECRET, &[]);
    config.issuers = vec!["https://id.example.com".into()];
    config.audiences = vec!["carillon".into()];
    let fine = json!({ "iss": "https://id.example.com", "aud": ["carillon", "others"] });
    assert!(read(&config, &hs256(&claims(&fine))).await.is_ok());
    let table = [
        ("iss", Value::Null, Denial::Issuer),
        ("iss", json!("https://id.example.org"), Denial::Issuer),
        ("aud", Value::Null, Denial::Audience),
        ("aud", json!("others"), Denial::Audience),
    ];
    for (name, value, denial) in table {
        let mut changed = fine.clone();
        changed[name] = value;
        let token = hs256(&claims(&changed));
        assert_eq!(read(&config, &token).await, Err(denial), "{changed}");
    }
}

#[tokio::test]
async fn a_token_of_another_key_or_of_none_is_refused() {
    let config = config(SECRET, &[]);
    let other = EncodingKey::from_secret(OTHER_SECRET.as_bytes());
    let token = encode(&Header::new(Algorithm::HS256), &claims(&json!({})), &other).unwrap();
    assert_eq!(read(&config, &token).await, Err(Denial::Signature));

    for name in ["none", "None", "NONE", ""] {
        let token = by_hand(&json!({ "alg": name, "typ": "JWT" }), &claims(&json!({})), b"");
        assert_eq!(read(&config, &token).await, Err(Denial::Malformed), "{name:?}");
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let pair = rsa();
    let forged = EncodingKey::from_secret(pair.public.as_bytes());
    let token = encode(&Header::new(Algorithm::HS256), &claims(&json!({})), &forged).unwrap();
    assert_eq!(read(&config(&pair.public, &[]), &token).await, Err(Denial::Algorithm));
    let both = config(&pair.public, &["HS256", "RS256"]);
    assert_eq!(read(&both, &token).await, Err(Denial::Algorithm));
}

#[tokio::test]
async fn an_algorithm_that_is_not_taken_is_refused_though_the_key_would_do() {
    let token = hs256(&claims(&json!({})));
    assert_eq!(read(&config(SECRET, &["HS512"]), &token).await, Err(Denial::Algorithm));
    assert!(Tokens::of_key(&config(SECRET, &["RS256"])).is_none());
}

#[tokio::test]
async fn what_is_no_token_is_malformed() {
    let config = config(SECRET, &[]);
    let whole = hs256(&claims(&json!({})));
    let (signed, _) = whole.rsplit_once('.').unwrap();
    let huge = hs256(&claims(&json!({ "note": "x".repeat(8 * 1024) })));
    let critical = by_hand(&json!({ "alg": "HS256", "crit": ["b64"] }), &claims(&json!({})), b"x");
    for token in ["", ".", "..", "a.b.c", signed, "🙂.🙂.🙂", &huge, &critical] {
        assert_eq!(read(&config, token).await, Err(Denial::Malformed), "{token:.40}");
    }
    assert_eq!(read(&config, &format!("{signed}.")).await, Err(Denial::Signature));
}

#[tokio::test]
async fn a_changed_letter_anywhere_closes_the_gate() {
    let config = config(SECRET, &[]);
    let token = hs256(&claims(&json!({})));
    for at in (0..token.len()).step_by(7) {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(read(&config, &changed).await.is_err(), "letter {at} of {token}");
    }
}

#[test]
fn a_key_is_a_secret_of_32_bytes_or_a_pem_and_never_shown() {
    assert!(Key::read(&"x".repeat(31)).is_err());
    assert!(Key::read("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_err());
    assert!(Key::read("/no/such/file").is_err());
    let shown = format!("{:?}", Key::read(SECRET).unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}
