//! Tokens by hand, for what no library would write, and the keys that a node is given to check them.

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// The secret that a key set holds beside its curve. It can be recognised wherever it turns up.
const SECRET: &str = "the-secret-that-is-shared-in-32-bytes-and-more";

pub(crate) struct Mint {
    rsa: RsaKeyPair,
    public: Vec<u8>,
    stranger: RsaKeyPair,
    curve: EcdsaKeyPair,
}

/// What a token is made of.
pub(crate) struct Token {
    pub(crate) header: String,
    pub(crate) claims: String,
    /// Who signs it.
    pub(crate) by: &'static str,
}

impl Mint {
    pub(crate) fn new() -> Self {
        let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let private = EcdsaKeyPair::generate_pkcs8(curve, &SystemRandom::new()).unwrap();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(rsa.public_key());
        Self {
            public: public.unwrap().as_ref().to_vec(),
            rsa,
            stranger: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            curve: EcdsaKeyPair::from_pkcs8(curve, private.as_ref()).unwrap(),
        }
    }

    /// The public half of the one key, as PEM.
    pub(crate) fn public_key(&self) -> String {
        let text = BASE64_STANDARD.encode(&self.public);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// A set of two keys: `curve`, and the secret `shared`.
    pub(crate) fn key_set(&self) -> String {
        let point = self.curve.public_key().as_ref();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let curve = json!({
            "kty": "EC", "crv": "P-256", "kid": "curve",
            "x": part(&point[1..33]), "y": part(&point[33..]),
        });
        let shared = json!({ "kty": "oct", "kid": "shared", "k": part(SECRET.as_bytes()) });
        json!({ "keys": [curve, shared] }).to_string()
    }

    pub(crate) fn sign(&self, token: &Token) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(&token.header), part(&token.claims));
        let signature = self.signature(token.by, signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, by: &str, signed: &[u8]) -> Vec<u8> {
        match by {
            "the key" => of_rsa(&self.rsa, &RSA_PKCS1_SHA256, signed),
            "the key by PSS" => of_rsa(&self.rsa, &RSA_PSS_SHA256, signed),
            "another key" => of_rsa(&self.stranger, &RSA_PKCS1_SHA256, signed),
            "the public key as a secret" => of_secret(self.public_key().as_bytes(), signed),
            "the public key's DER as a secret" => of_secret(&self.public, signed),
            "the curve" => self.curve.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec(),
            "the curve's point as a secret" => of_secret(self.curve.public_key().as_ref(), signed),
            "the shared secret" => of_secret(SECRET.as_bytes(), signed),
            "an empty secret" => of_secret(b"", signed),
            "nobody" => Vec::new(),
            "zeros" => vec![0; 64],
            other => panic!("nobody is called {other:?}"),
        }
    }
}

fn of_rsa(key: &RsaKeyPair, encoding: &'static dyn RsaEncoding, signed: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), signed, &mut signature).unwrap();
    signature
}

fn of_secret(secret: &[u8], signed: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed).as_ref().to_vec()
}

/// `json` with the fields of `patch` in place of its own; those that are null are taken out.
pub(crate) fn patched(json: &str, patch: &[u8]) -> Result<String, String> {
    let read =
        |json: &[u8]| serde_json::from_slice::<Value>(json).map_err(|error| error.to_string());
    let (mut json, patch) = (read(json.as_bytes())?, read(patch)?);
    let fields = json.as_object_mut().ok_or("the base is an object")?;
    for (name, value) in patch.as_object().ok_or("the patch is an object")? {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    Ok(Value::Object(fields.clone()).to_string())
}
