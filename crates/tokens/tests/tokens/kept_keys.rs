//! What is signed with kept keys is what everybody else's libraries accept.

use std::sync::LazyLock;

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use proptest::prelude::*;
use serde_json::{Value, json};
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::signing_keys::SigningKeys;

use crate::support;

static KEYS: LazyLock<SigningKeys> = LazyLock::new(|| {
    let (sender, receiver) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(support::on_sqlite(async |world| sender.send(world.open().await.unwrap()).unwrap()));
    receiver.recv().unwrap()
});

fn any_claims() -> impl Strategy<Value = Value> {
    (".{0,60}", proptest::collection::btree_map("[a-z]{1,8}", ".{0,20}", 0..6), any::<u32>())
        .prop_map(|(sub, more, iat)| json!({ "sub": sub, "iat": iat, "more": more }))
}

fn any_algorithm() -> impl Strategy<Value = Algorithm> {
    prop_oneof![Just(Algorithm::RS256), Just(Algorithm::ES256), Just(Algorithm::EdDSA)]
}

proptest! {
    #[test]
    fn the_library_accepts_it_by_the_published_set(claims in any_claims(), algorithm in any_algorithm()) {
        let token = KEYS.sign(algorithm, "at+jwt", None, &claims).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        let set: JwkSet = serde_json::from_slice(&KEYS.document()).unwrap();
        let key = DecodingKey::from_jwk(set.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        prop_assert_eq!(decoded.claims, claims);

        // And by the library's own verifier, whatever provider the process has installed.
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).unwrap();
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&header.alg, &key).unwrap();
        prop_assert!(verifier.verify(message.as_bytes(), &signature).is_ok());
        prop_assert!(verifier.verify(&message.as_bytes()[1..], &signature).is_err());
    }
}
