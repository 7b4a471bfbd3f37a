//! The life of a signing key: made once, published, used, retired, gone.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera_storage::{affected, run};
use tessera_tokens::access_token::PublicKeys as _;
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::signing_keys::{PUBLISHED_AHEAD, SigningKeys, SigningKeysError};

use crate::support::{TOKEN_LIFE, World, ring};

on_both_engines![
    processes_that_start_together_make_one_key_of_each_algorithm,
    a_new_key_is_published_then_used_and_the_old_one_retired_then_gone,
    instances_that_rotate_together_agree_on_one_key,
    another_instance_learns_of_a_rotation,
    a_key_under_another_ring_is_named_in_the_error,
    rows_whose_sealed_values_were_exchanged_do_not_open,
    the_published_set_shows_public_members_only,
];

fn kids(keys: &SigningKeys) -> Vec<String> {
    let set: Value = serde_json::from_slice(&keys.document()).unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn signing_kid(keys: &SigningKeys, algorithm: Algorithm) -> String {
    let token = keys.sign(algorithm, "JWT", None, &json!({})).unwrap();
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn rows(world: &World) -> i64 {
    run!(&mut world.db.read().await.unwrap(), |e| sqlx::query_scalar("select count(*) from signing_keys").fetch_one(e))
        .unwrap()
}

async fn processes_that_start_together_make_one_key_of_each_algorithm(world: &World) {
    let opened = futures::future::join_all((0..3).map(|_| world.open())).await;
    let opened: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
    assert_eq!(rows(world).await, 3);
    for keys in &opened {
        assert_eq!(kids(keys), kids(&opened[0]));
        assert_eq!(kids(keys).len(), 3);
    }
    let again = world.open().await.unwrap();
    assert_eq!(kids(&again), kids(&opened[0]));
}

async fn a_new_key_is_published_then_used_and_the_old_one_retired_then_gone(world: &World) {
    let keys = world.open().await.unwrap();
    let old = signing_kid(&keys, Algorithm::ES256);
    let new = keys.rotate(Algorithm::ES256).await.unwrap();
    let (published, moment) = (|| kids(&keys), TimeDelta::microseconds(1));

    assert!(published().contains(&new) && published().contains(&old));
    world.clock.advance(PUBLISHED_AHEAD - moment);
    assert_eq!(signing_kid(&keys, Algorithm::ES256), old);
    world.clock.advance(moment);
    assert_eq!(signing_kid(&keys, Algorithm::ES256), new);
    world.clock.advance(TOKEN_LIFE - moment);
    assert!(published().contains(&old) && keys.find(&old).await.unwrap().is_some());
    world.clock.advance(moment);
    assert!(!published().contains(&old) && keys.find(&old).await.unwrap().is_none());
    assert_eq!(published().len(), 3);

    let restarted = world.open().await.unwrap();
    assert_eq!(kids(&restarted), published());
    assert_eq!(signing_kid(&restarted, Algorithm::ES256), new);
}

async fn instances_that_rotate_together_agree_on_one_key(world: &World) {
    let (one, other) = (world.open().await.unwrap(), world.open().await.unwrap());
    let old = signing_kid(&one, Algorithm::EdDSA);
    let (first, second) = tokio::join!(one.rotate(Algorithm::EdDSA), other.rotate(Algorithm::EdDSA));
    let latest = first.unwrap().max(second.unwrap());
    for keys in [&one, &other] {
        keys.reload().await.unwrap();
        assert_eq!(signing_kid(keys, Algorithm::EdDSA), old);
    }
    world.clock.advance(PUBLISHED_AHEAD);
    let used = (signing_kid(&one, Algorithm::EdDSA), signing_kid(&other, Algorithm::EdDSA));
    assert_eq!(used.0, used.1);
    assert!(used.0 != old && kids(&one).contains(&latest));
}

async fn another_instance_learns_of_a_rotation(world: &World) {
    let (one, other) = (world.open().await.unwrap(), world.open().await.unwrap());
    let new = one.rotate(Algorithm::RS256).await.unwrap();
    assert!(!kids(&other).contains(&new));
    other.reload().await.unwrap();
    assert_eq!(kids(&other), kids(&one));
    world.clock.advance(PUBLISHED_AHEAD);
    assert_eq!(signing_kid(&other, Algorithm::RS256), new);
}

async fn a_key_under_another_ring_is_named_in_the_error(world: &World) {
    let kids = kids(&world.open().await.unwrap());
    let stranger = World { db: world.db.clone(), clock: world.clock.clone(), ring: ring() };
    match stranger.open().await {
        Err(SigningKeysError::NotOpened(kid)) => assert!(kids.contains(&kid)),
        other => panic!("{other:?}"),
    }
    assert_eq!(rows(world).await, 3);
}

async fn rows_whose_sealed_values_were_exchanged_do_not_open(world: &World) {
    let keys = world.open().await.unwrap();
    keys.rotate(Algorithm::EdDSA).await.unwrap();
    let exchange = "update signing_keys set sealed = (select other.sealed from signing_keys other \
                    where other.alg = signing_keys.alg and other.generation <> signing_keys.generation) where alg = 'EdDSA'";
    assert_eq!(affected!(&mut world.db.write().await.unwrap(), sqlx::query(exchange)).unwrap(), 2);
    assert!(matches!(world.open().await, Err(SigningKeysError::NotOpened(_))));
}

async fn the_published_set_shows_public_members_only(world: &World) {
    let set: Value = serde_json::from_slice(&world.open().await.unwrap().document()).unwrap();
    let members: Vec<Vec<&str>> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_object().unwrap().keys().map(String::as_str).collect())
        .collect();
    assert_eq!(
        members,
        [
            vec!["kty", "n", "e", "use", "kid", "alg"],
            vec!["kty", "crv", "x", "y", "use", "kid", "alg"],
            vec!["kty", "crv", "x", "use", "kid", "alg"],
        ]
    );
}
