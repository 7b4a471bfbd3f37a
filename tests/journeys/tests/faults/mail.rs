//! A mail server that accepts connections and never answers: who starts a verification notices nothing, and once it is back every code
//! arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use tessera_journeys::load::{Caller, Fuse};
use tessera_journeys::{
    Ground, History, MailBehaviour, MailServer, Outcome, Service, Services, Setup, eventually, lasting,
};
use tokio::time::{Instant, sleep_until, timeout};

/// Verifications are started at this distance, whether the one before was answered or not: 50 in a second.
const EVERY: Duration = Duration::from_millis(20);
/// How long each of the two phases is.
const USUAL: Duration = Duration::from_secs(5);
/// Before anything is measured: connections are made, statements prepared.
const WARM: Duration = Duration::from_secs(1);
/// Until a mail server that is back has everything: the longest pause between two tries is half a minute.
const DRAINED: Duration = Duration::from_secs(90);
/// What a call may take longer than usual in a short run on a machine that does something else, too. A wait for the mail server would take 9 seconds.
const LENIENCE: Duration = Duration::from_secs(2);

/// A verification that was started.
struct Started {
    id: String,
    consumer: String,
    /// From the moment at which it was its turn.
    took: Duration,
}

/// Starts verifications for so long.
async fn start(caller: &Caller<'_>, phase: &str, within: Duration) -> Vec<Started> {
    let token = caller.tenant_token().await.expect("a token");
    let (token, begin) = (&token, Instant::now());
    let number = u32::try_from(within.as_millis() / EVERY.as_millis()).expect("a few thousand");
    let calls = (0..number).map(async |turn| {
        let due = begin + EVERY * turn;
        sleep_until(due).await;
        let consumer = format!("{phase}-{turn}@example.org");
        let id = caller.initiate(token, &consumer).await.expect("started");
        Started { id, consumer, took: due.elapsed() }
    });
    join_all(calls).await
}

/// The time that 99 of 100 took at most.
fn p99(started: &[Started]) -> Duration {
    let mut times: Vec<Duration> = started.iter().map(|started| started.took).collect();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// The codes that were mailed to each address, and in how many mails.
fn codes(mails: &[String]) -> BTreeMap<&str, (BTreeSet<&str>, usize)> {
    let mut codes: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
    for mail in mails {
        let to = mail.lines().find_map(|line| line.strip_prefix("To: ")).expect("an address");
        let code = mail.split("code:").nth(1).and_then(|rest| rest.split(':').next());
        let of_them = codes.entry(to).or_default();
        of_them.0.extend(code);
        of_them.1 += 1;
    }
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_a_silent_mail_server_slows_nobody_down_and_gets_every_code_when_it_is_back() {
    let Some(ground) = Ground::find().await else { return };
    let server = MailServer::start(MailBehaviour::Takes).await;
    let settings_of = vec![(Service::Verify, "TESSERA_VERIFY_SMTP_URL".to_owned(), server.url.clone())];
    let services = Services::start(&Setup { settings_of, ..ground.setup() }).await;
    let (api, fuse, history) = (services.api(), Fuse::endless(), History::default());
    let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[] };
    let waiting = Caller { excused: &[503], ..caller };
    eventually("oauth's keys", DRAINED, async || {
        let token = waiting.tenant_token().await?;
        waiting.initiate(&token, "first@example.org").await
    })
    .await;

    let within = lasting(USUAL);
    let warm = start(&caller, "warm", WARM).await;
    let before = start(&caller, "before", within).await;
    let taken = 1 + warm.len() + before.len();
    timeout(DRAINED, server.has(taken)).await.expect("a healthy server takes all mail");
    server.now(MailBehaviour::Silent);
    let during = start(&caller, "during", within).await;
    assert_eq!(server.mails().len(), taken, "it was silent");
    server.now(MailBehaviour::Takes);
    let back = Instant::now();
    timeout(DRAINED, server.has(taken + during.len())).await.expect("all mail arrives");
    let drained = back.elapsed();

    let (normal, worse) = (p99(&before), p99(&during));
    let times = worse.as_secs_f64() / normal.as_secs_f64();
    eprintln!(
        "F26 silent mail server: {within:.0?} each at 50/s; p99 {normal:.1?} before, {worse:.1?} meanwhile ({times:.2} times); \
         {} codes arrived within {drained:.1?} after it was back",
        during.len(),
    );
    let lenience = if within > USUAL { Duration::ZERO } else { LENIENCE };
    assert!(worse < normal.mul_f64(1.5) + lenience, "{worse:?} after {normal:?}");
    let (token, mails) = (caller.tenant_token().await.expect("a token"), server.mails());
    let codes = codes(&mails);
    for Started { id, consumer, .. } in before.iter().chain(&during) {
        let (theirs, number) = &codes[consumer.as_str()];
        assert!(theirs.len() == 1 && *number <= 2, "{consumer}: {number} mails with {theirs:?}");
        let code = theirs.first().expect("a code");
        assert_eq!(caller.spend(&token, id, code).await, Outcome::Done, "{consumer}");
    }
    assert_eq!(history.violations(), []);
}
