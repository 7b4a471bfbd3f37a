//! The journey of the README, step by step.

use std::hash::{BuildHasher as _, RandomState};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::json;

use super::walk::Walk;

const PASSWORD: &str = "Secret1*2*3*4*5*6";
const NEW_PASSWORD: &str = "NewPassword12$34$56$7";
/// The OAuth client of the dev profile.
const CLIENT: (&str, &str) = ("tessera-dev", "tessera-dev-secret");

/// Walks all of it.
pub async fn walk(walk: &mut Walk) -> anyhow::Result<()> {
    // New people at each walk: those of the last one have their accounts already.
    let tag = RandomState::new().hash_one(0);
    let (ada, grace) = (format!("ada-{tag:x}@example.org"), format!("grace-{tag:x}@example.org"));
    account(walk, &ada).await?;
    let (cookie, session) = browser(walk, &ada).await?;
    back_end(walk, &grace).await?;
    sign_out(walk, &cookie, &session).await
}

async fn account(walk: &mut Walk, ada: &str) -> anyhow::Result<()> {
    let account = json!({ "email": ada, "password": PASSWORD });
    let request = walk.request(Method::POST, "/sign_up").json(&account);
    walk.step("Ada signs up. Her account is there, and a mail is on its way.", request, 201).await?;

    let request = walk.request(Method::GET, &format!("/dev/messages?to={ada}&wait=20"));
    let mail = walk.step("The dev mailbox caught the mail; no mail leaves this machine.", request, 200).await?;
    let link = mailed_link(mail.text("/0/body")?).context("the mail has no link")?;
    let request = walk.request(Method::GET, &link);
    walk.step("She follows the link: her address is verified.", request, 204).await?;

    let request = walk.request(Method::POST, "/sign_in").json(&json!({ "email": ada, "password": "a wrong one" }));
    walk.step("A wrong password tells nothing: an unknown address gets the same answer.", request, 401).await?;
    let request = walk.request(Method::POST, "/sign_in").json(&account);
    walk.step("She signs in. The token of her session is in a header.", request, 201).await?;
    let request = walk.request(Method::POST, "/sign_in").json(&account);
    let begun = walk.step("She signs in elsewhere: a session of its own.", request, 201).await?;
    let token = begun.header("x-session-token")?;

    let list = walk.request(Method::GET, "/sessions").bearer_auth(token);
    walk.step("She sees where she is signed in.", list, 200).await?;
    let change = json!({ "current_password": PASSWORD, "password": NEW_PASSWORD });
    let request = walk.request(Method::PUT, "/password").bearer_auth(token).json(&change);
    walk.step("She changes her password.", request, 200).await?;
    let list = walk.request(Method::GET, "/sessions").bearer_auth(token);
    walk.step("That ended every session but the one she used.", list, 200).await?;
    Ok(())
}

/// Answers the client's cookie and the session's id.
async fn browser(walk: &mut Walk, ada: &str) -> anyhow::Result<(String, String)> {
    let login = json!({ "username": ada, "password": NEW_PASSWORD });
    let request = walk.request(Method::POST, "/auth/login").json(&login);
    let answer = walk.step("Her browser signs in with the new password, and gets its cookie.", request, 200).await?;
    let cookie = format!("__client={}", answer.cookie("__client")?);

    let request = walk.request(Method::GET, "/v1/client").header("cookie", &cookie);
    let client = walk.step("The browser asks who is signed in.", request, 200).await?;
    let session = client.text("/response/last_active_session_id")?.to_owned();

    let path = format!("/v1/client/sessions/{session}/tokens");
    let request = walk.request(Method::POST, &path).header("cookie", &cookie);
    walk.step("It mints a session token: a JWT of 60 seconds for her own services.", request, 200).await?;
    let request = walk.request(Method::GET, "/.well-known/jwks.json");
    walk.step("Those check it with the published keys, and ask nobody.", request, 200).await?;
    Ok((cookie, session))
}

async fn back_end(walk: &mut Walk, grace: &str) -> anyhow::Result<()> {
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    let request = walk.request(Method::POST, "/oauth2/token").basic_auth(CLIENT.0, Some(CLIENT.1)).form(&form);
    let answer = walk.step("A back end gets a token of its own.", request, 200).await?;
    let token = answer.text("/access_token")?;

    let start = json!({
        "consumer": grace,
        "template": { "body": "Your code is {{{CODE}}}." },
        "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
        "policy": { "expiredOn": "00:05:00" },
    });
    let request = walk.request(Method::POST, "/methods/email/actions/initiate").bearer_auth(token);
    let request = request.header("accept", "application/json").json(&start);
    let started = walk.step("It lets Grace prove her mail address. The code is in no answer.", request, 200).await?;
    let verification = started.text("/verificationId")?;

    let request = walk.request(Method::GET, &format!("/dev/messages?to={grace}&wait=20"));
    let mail = walk.step("Grace reads her mail.", request, 200).await?;
    let code: String = mail.text("/0/body")?.chars().filter(char::is_ascii_digit).collect();
    let path = format!("/methods/email/verifiers/{verification}/actions/validate");
    for (shows, status) in [("The code is right.", 200), ("It is good once only.", 404)] {
        let request = walk.request(Method::POST, &path).bearer_auth(token).header("accept", "application/json");
        walk.step(shows, request.json(&json!({ "code": code })), status).await?;
    }
    Ok(())
}

async fn sign_out(walk: &mut Walk, cookie: &str, session: &str) -> anyhow::Result<()> {
    let path = format!("/v1/client/sessions/{session}");
    let request = walk.request(Method::POST, &format!("{path}/end")).header("cookie", cookie);
    walk.step("Ada signs out.", request, 200).await?;
    let request = walk.request(Method::POST, &format!("{path}/tokens")).header("cookie", cookie);
    walk.step("From now on nothing is minted from that session.", request, 401).await?;
    Ok(())
}

/// The path and query of the link in a mail of the platform's.
fn mailed_link(html: &str) -> Option<String> {
    let from = html.find("/identity/email_verification?")?;
    let link = html.get(from..)?.split(['"', '<', ' ', '\n']).next()?;
    Some(link.replace("&#38;", "&").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_in_a_mail() {
        let html = "<a href=\"http://localhost:8000/identity/email_verification?email=a%40b.c&#38;token=1.x\">Yes</a>";
        assert_eq!(mailed_link(html).as_deref(), Some("/identity/email_verification?email=a%40b.c&token=1.x"));
        assert_eq!(mailed_link("no link"), None);
    }
}
