//! The keys of session tokens.

use tessera_testkit::on_every_database;

on_every_database! {
    async fn are_public_rsa_keys_and_no_more(app: TestApp) {
        let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
        let set = answer.json();
        let key = &set["keys"][0];
        let mut members: Vec<&str> = key.as_object().expect("a key").keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
        assert_eq!((key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str(), key["e"].as_str()), (Some("RSA"), Some("RS256"), Some("sig"), Some("AQAB")));
        assert!(key["kid"].as_str().is_some_and(|kid| kid.starts_with("ins_")));
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert_eq!(app.get("/v1/jwks").bearer("sk_whatever").send().await.expect(200).text, answer.text);
    }
}
