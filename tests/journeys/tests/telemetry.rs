//! What a collector and a scraper are told, and what it costs when nobody listens.

#![cfg(test)]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use tessera_journeys::{
    Api, Collector, DataFolder, Ground, Instance, MailBehaviour, MailServer, Service, Services, Setup, Value,
    eventually, json,
};

const EMAIL: &str = "planted-address@example.org";
const PASSWORD: &str = "Planted-Password-1";
const OTHER: &str = "Planted-Password-2";
const WRONG: &str = "Planted-Wrong-Password-3";

/// Much longer than anything here takes: a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

const OPERATIONS: &str = include_str!("../../../docs/operations.md");

/// A request of each kind, by somebody with an account. Answers every secret that went over the wire.
async fn journey(api: &Api) -> Vec<String> {
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let _ = api.post("/sign_up").json(&account).send().await.expect(201);
    let _ = api.post("/sign_in").json(&json!({ "email": EMAIL, "password": WRONG })).send().await.expect(401);
    let link = api.mailed_link(EMAIL).await.expect("a link");
    let _ = api.get(&link).send().await.expect(204);
    let session = api.post("/sign_in").json(&account).send().await.expect(201).header("x-session-token").to_owned();
    let change = json!({ "current_password": PASSWORD, "password": OTHER });
    let _ = api.put("/password").bearer(&session).json(&change).send().await.expect(200);
    let login = json!({ "username": EMAIL, "password": OTHER });
    let login = api.post("/auth/login").json(&login).send().await.expect(200);
    let cookie = login.set_cookie("__client").expect("a cookie");
    let client = api.get("/v1/client").cookie(&cookie).send().await.expect(200).json();
    let id = client["response"]["last_active_session_id"].as_str().expect("a session").to_owned();
    let minted = format!("/v1/client/sessions/{id}/tokens?planted-query=1");
    let jwt = api.post(&minted).cookie(&cookie).send().await.expect(200).json();
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    let tenant = api.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await;
    let tenant = tenant.expect(200).json();
    let _ = api.get("/planted-path").send().await.expect(404);

    let text = |value: &Value| value.as_str().expect("a token").to_owned();
    let (token, code) = link.split_once("token=").map(|(_, token)| (token, token.split_once('.'))).expect("a token");
    vec![
        EMAIL.to_owned(),
        PASSWORD.to_owned(),
        OTHER.to_owned(),
        WRONG.to_owned(),
        token.to_owned(),
        code.expect("a code").1.to_owned(),
        session,
        cookie,
        text(&login.json()["accessToken"]),
        text(&jwt["jwt"]),
        text(&tenant["access_token"]),
        "tessera-dev-secret".to_owned(),
        "planted-query".to_owned(),
        "planted-path".to_owned(),
        "$argon2id$".to_owned(),
    ]
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

fn tells_none_of(sent: &[Vec<u8>], planted: &[String]) {
    for secret in planted {
        let told = sent.iter().find(|body| holds(body, secret)).map(|body| String::from_utf8_lossy(body));
        assert_eq!(told, None, "{secret} is in what is sent");
    }
}

#[tokio::test]
async fn one_trace_leads_from_the_sign_up_to_the_delivered_mail_and_the_consumed_event() {
    let (collector, folder) = (Collector::start(), DataFolder::new());
    let mut variables = collector.variables();
    variables.extend([("TESSERA_LOG_LEVEL", "info"), ("TESSERA_LOG_FORMAT", "json")]);
    let instance = Instance::start_with(&folder, &variables).await;
    let api = instance.api();
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let _ = api.post("/sign_up").json(&account).send().await.expect(201);
    let _ = api.mailed_link(EMAIL).await.expect("a link");
    assert!(instance.terminate().await.success());

    let trace = collector.trace("POST /sign_up");
    assert!(trace.torn().is_empty(), "{:#?}", trace.torn());
    let way_to = |name: &str| trace.way_to(name).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(
        way_to("verify.deliver"),
        ["POST /sign_up", "auth.sign_up", "call verify.initiate.v1", "verify.platform.initiate", "verify.deliver"]
    );
    for (name, event) in [("publish", "UserRegistered"), ("process", "UserRegistered")] {
        let name = format!("{name} tessera.events.v1.{event}");
        assert_eq!(way_to(&name), ["POST /sign_up", "auth.sign_up", &name]);
    }
    let request = &trace.the("POST /sign_up").attributes;
    assert_eq!(request["http.request.method"], "POST");
    assert_eq!(request["http.route"], "/sign_up");
    assert_eq!(request["http.response.status_code"], "IntValue(201)");
    assert_eq!(request["request.id"].len(), 32);
    assert!(trace.0.iter().all(|span| span.service == "tessera"));

    let log = folder.log();
    let line = log.lines().find(|line| line.contains("verification.initiate")).expect("a line about the verification");
    let line: Value = line.parse().expect("JSON");
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(line["trace_id"], hex(&trace.the("POST /sign_up").trace));
    assert_eq!(line["span_id"], hex(&trace.the("verify.platform.initiate").id));
}

#[tokio::test]
async fn one_trace_leads_through_the_services_and_the_broker_to_the_mail_and_the_event_and_tells_no_secret() {
    let Some(ground) = Ground::find().await else { return };
    let collector = Collector::start();
    let settings = collector.variables().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut services = Services::start(&Setup { settings: settings.collect(), ..ground.setup() }).await;
    let planted = journey(&services.api()).await;
    for (service, told) in [
        (Service::Auth, "tessera_outbox_age_seconds{tessera_context=\"auth\"} 0"),
        (Service::Auth, "tessera_dead_letters{tessera_context=\"auth\"} 0"),
        (Service::Auth, "tessera_password_hash_running 0"),
        (Service::Auth, "db_client_connection_max{db_client_connection_pool_name=\"auth.transactions\"} 8"),
        (Service::Sessions, "tessera_bus_connected{tessera_bus_connection=\"consuming\"} 1"),
        (Service::Verify, "tessera_bus_blocked{tessera_bus_connection=\"publishing\"} 0"),
        (Service::Verify, "http_route=\"/internal/verify/initiate\"} 1"),
    ] {
        let of_service = services.listeners().find(|(listening, _)| *listening == service);
        let internal = Api::new(format!("http://localhost:{}", of_service.expect("it listens").1[1]));
        let mut text = String::new();
        let what = format!("{service:?} tells {told}");
        eventually(&what, PATIENCE, async || {
            text = internal.get("/metrics").send().await.expect(200).text;
            text.lines().any(|line| line.ends_with(told)).then_some(())
        })
        .await;
    }
    for service in Service::ALL {
        services.terminate(service, 0).await;
    }

    let trace = collector.trace("POST /sign_up");
    assert!(trace.torn().is_empty(), "{:#?}", trace.torn());
    let (auth, sessions, verify) = ("tessera-auth", "tessera-sessions", "tessera-verify");
    let signed_up = [(auth, "POST /sign_up"), (auth, "auth.sign_up")];
    let call = [
        (auth, "call verify.initiate.v1"),
        (auth, "POST /internal/verify/initiate"),
        (verify, "POST /internal/verify/initiate"),
        (verify, "verify.platform.initiate"),
        (verify, "verify.deliver"),
    ];
    assert_eq!(trace.way_to("verify.deliver"), [signed_up.as_slice(), &call].concat());
    for (service, name) in
        [(auth, "publish tessera.events.v1.UserRegistered"), (sessions, "process tessera.events.v1.UserRegistered")]
    {
        assert_eq!(trace.way_to(name), [signed_up.as_slice(), &[(service, name)]].concat());
    }

    tells_none_of(&collector.bodies(), &planted);
}

#[tokio::test]
async fn no_secret_no_address_and_no_path_is_in_what_is_sent() {
    let (collector, folder) = (Collector::start(), DataFolder::new());
    let instance = Instance::start_with(&folder, &collector.variables()).await;
    let planted = journey(&instance.api()).await;
    let read = instance.internal().get("/metrics").send().await.expect(200).text;
    assert!(instance.terminate().await.success());

    let mut sent = collector.bodies();
    for said in ["POST /v1/client/sessions/{session_id}/tokens", "http.server.request.duration"] {
        assert!(sent.iter().any(|body| holds(body, said)), "{said} was sent");
    }
    sent.push(read.into_bytes());
    tells_none_of(&sent, &planted);
}

/// The series that the table in `docs/operations.md` lists.
fn documented() -> BTreeSet<String> {
    let (_, section) = OPERATIONS.split_once("## Metrics and traces").expect("a section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(series, _)| series.to_owned()).collect()
}

/// The series that a scraper reads.
fn readable(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(series, _)| series.to_owned()).filter(|series| series != "target_info").collect()
}

#[tokio::test]
async fn every_documented_series_is_readable_and_every_readable_one_is_documented() {
    let folder = DataFolder::new();
    let instance = Instance::start(&folder).await;
    let _ = journey(&instance.api()).await;
    let internal = instance.internal();
    let read = async || internal.get("/metrics").send().await.expect(200).text;
    eventually("everything was measured once", PATIENCE, async || {
        (readable(&read().await).len() >= documented().len()).then_some(())
    })
    .await;
    let text = read().await;
    assert_eq!(readable(&text), documented());
    let count = |method: &str, class: &str, route: &str| {
        let labels = format!(
            "{{http_request_method=\"{method}\",http_response_status_class=\"{class}\",http_route=\"{route}\"}}"
        );
        let line = format!("http_server_request_duration_seconds_count{labels} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned)
    };
    assert_eq!(count("POST", "2xx", "/sign_up").as_deref(), Some("1"), "{text}");
    assert_eq!(count("POST", "2xx", "/sign_in").as_deref(), Some("1"));
    assert_eq!(count("POST", "4xx", "/sign_in").as_deref(), Some("1"));
    for context in ["auth", "sessions"] {
        assert!(text.contains(&format!("tessera_outbox_age_seconds{{tessera_context=\"{context}\"}} ")), "{text}");
    }
    let _ = instance.api().get("/metrics").send().await.expect(404);
}

#[tokio::test]
async fn a_message_that_comes_too_late_is_counted_and_logged() {
    let server = MailServer::start(MailBehaviour::Says("RCPT", "451 come back later")).await;
    let folder = DataFolder::new();
    let instance = Instance::start_with(&folder, &[("TESSERA_VERIFY_SMTP_URL", &server.url)]).await;
    let series = |channel: &str| format!("tessera_deliveries_expired_total{{verify_channel=\"{channel}\"}}");
    let number = async |channel: &str| {
        let text = instance.internal().get("/metrics").send().await.expect(200).text;
        text.lines().find_map(|line| line.strip_prefix(&series(channel))).map(|number| number.trim().to_owned())
    };
    let is = async |expected: &str| {
        let as_expected = async || (number("email").await.as_deref() == Some(expected)).then_some(());
        eventually(expected, PATIENCE, as_expected).await;
    };
    is("0").await;
    // It is put off for longer than its code lives.
    let body = json!({
        "consumer": EMAIL,
        "template": { "body": "{{{CODE}}}" },
        "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
        "policy": { "expiredOn": "00:00:01" },
    });
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    let api = instance.api();
    let token = api.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await;
    let token = token.expect(200).json()["access_token"].as_str().expect("a token").to_owned();
    let initiate = api.post("/methods/email/actions/initiate").header("accept", "application/json").bearer(&token);
    let _ = initiate.json(&body).send().await.expect(200);
    is("1").await;
    assert_eq!(number("sms").await.as_deref(), Some("0"));
    assert!(instance.terminate().await.success());
    let log = folder.log();
    let line = log.lines().find(|line| line.contains("delivery.expired")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("email") && !log.contains(EMAIL), "{log}");
}

/// How long an end may take: two seconds for what cannot be sent, and what it takes without. Left to themselves both pipelines take five.
const END: Duration = Duration::from_secs(5);

/// Serves and stops while the collector at `endpoint` is of no use. It stops in time at one of three ends: others may be a busy machine's.
async fn goes_on_without(endpoint: &str) -> String {
    for _ in 0..3 {
        if let Some(log) = ends_in_time_without(endpoint).await {
            return log;
        }
    }
    panic!("it does not end in time")
}

/// Serves a journey and many small requests, and stops; answers with the log, if that was in time.
async fn ends_in_time_without(endpoint: &str) -> Option<String> {
    let folder = DataFolder::new();
    // A short queue: it is full at once, and what would wait for it would be seen to wait.
    let variables = [
        ("TESSERA_TELEMETRY_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
    ];
    let instance = Instance::start_with(&folder, &variables).await;
    let api = instance.api();
    let requests = async {
        let _ = journey(&api).await;
        for _ in 0..200 {
            let _ = api.get("/sessions/version").send().await.expect(200);
        }
    };
    tokio::time::timeout(PATIENCE, requests).await.expect("requests are answered as ever");
    let status = tokio::time::timeout(END, instance.terminate()).await.ok()?;
    assert!(status.success(), "{status}: {}", folder.log());
    Some(folder.log())
}

#[tokio::test]
async fn a_collector_that_refuses_changes_nothing_and_is_warned_of_once() {
    let nobody = {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.local_addr().expect("bound")
    };
    let log = goes_on_without(&format!("http://{nobody}")).await;
    assert_eq!(log.matches("takes no traces").count(), 1, "{log}");
}

#[tokio::test]
async fn a_collector_that_never_answers_changes_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let _ = goes_on_without(&format!("http://{}", silent.local_addr().expect("bound"))).await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_by_the_name_of_its_setting() {
    for (variable, value) in
        [("TESSERA_TELEMETRY_OTLP_ENDPOINT", "collector:4318"), ("TESSERA_TELEMETRY_SAMPLE_RATIO", "1.5")]
    {
        let ended = tessera_journeys::run(&DataFolder::new(), &["serve"], &[(variable, value)]).await;
        assert!(!ended.status.success(), "{ended:?}");
        assert!(ended.stderr.contains(variable), "{}", ended.stderr);
    }
}
