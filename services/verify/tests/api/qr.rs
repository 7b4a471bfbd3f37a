//! `?qr=`: the link for an authenticator app as a picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tessera_testkit::{Answer, Method, Value, json, on_every_database};

use super::authenticator_app::{AuthenticatorApp, by_app, enrolled, validate};
use super::support::{Tenant, text, with};

async fn initiate(shop: &Tenant<'_>, query: &str, body: &Value) -> Answer {
    shop.call(Method::POST, &format!("/methods/google_auth/actions/initiate{query}")).json(body).send().await
}

fn picture(uri: &str, media_type: &str) -> Vec<u8> {
    STANDARD.decode(uri.strip_prefix(&format!("data:{media_type};base64,")).expect("a data URI")).expect("base64")
}

/// What a reader that is not ours reads.
fn scanned(width: usize, height: usize, grey: impl Fn(usize, usize) -> u8) -> String {
    assert!(width >= 256 && height >= 256, "{width}x{height}");
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().expect("a text").1
}

/// What it reads in a drawing: one path of rectangles, each `Mx yhWvHh-WV`.
fn read_drawing(svg: &str) -> String {
    let quoted = |name: &str| svg.rsplit(name).next().and_then(|rest| rest.split('"').next()).expect("an attribute");
    let side: usize = quoted("width=\"").parse().expect("a number");
    let mut grey = vec![255; side * side];
    for rectangle in quoted(" d=\"").split('M').skip(1) {
        let numbers = rectangle.split(|symbol: char| !symbol.is_ascii_digit()).filter_map(|number| number.parse().ok());
        let numbers: Vec<usize> = numbers.collect();
        let (x, y, width, height) = (numbers[0], numbers[1], numbers[2], numbers[3]);
        (y..y + height).for_each(|row| grey[row * side + x..row * side + x + width].fill(0));
    }
    scanned(side, side, |x, y| grey[y * side + x])
}

/// What it reads in a picture.
fn read(png: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a picture");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("a frame");
    let (width, height) =
        (usize::try_from(frame.width).expect("a width"), usize::try_from(frame.height).expect("a height"));
    scanned(width, height, |x, y| pixels[y * width + x])
}

on_every_database! {
    async fn the_picture_says_the_link_byte_for_byte(app: TestApp) {
        let shop = Tenant::of(&app);
        for (consumer, issuer) in [("test@test.com", "Jincor"), ("ä b+c@x.test", "A/B & C?"), (&*"z".repeat(255), &*"&".repeat(255))] {
            let body = with(by_app(consumer), "issuer", json!(issuer));
            let said = initiate(&shop, "?qr=svg", &body).await.expect(200).json();
            let svg = String::from_utf8(picture(&text(&said["qr"]), "image/svg+xml")).expect("text");
            assert!(svg.contains("<svg xmlns=\"http://www.w3.org/2000/svg\"") && !svg.contains("<script"), "{svg}");
            assert_eq!(read_drawing(&svg), text(&said["totpUri"]));

            let said = initiate(&shop, "?qr=png", &body).await.expect(200).json();
            let uri = text(&said["totpUri"]);
            assert_eq!(read(&picture(&text(&said["qr"]), "image/png")), uri);
            let phone = AuthenticatorApp::scanned(&app, &uri);
            let _ = validate(&shop, &text(&said["verificationId"]), &phone.code()).await.expect(200);
        }
    }

    async fn it_comes_with_the_link_and_never_without(app: TestApp) {
        let shop = Tenant::of(&app);
        let said = initiate(&shop, "", &by_app("ada")).await.expect(200).json();
        assert!(said.get("totpUri").is_some() && said.get("qr").is_none());
        let _ = enrolled(&shop, "ada").await;
        for query in ["?qr=svg", "?qr=png", ""] {
            let said = initiate(&shop, query, &by_app("ada")).await.expect(200).json();
            assert_eq!((said.get("totpUri"), said.get("qr")), (None, None));
        }
        for query in ["?qr=gif", "?qr=", "?qr=SVG", "?qr=svg&qr=png"] {
            let details = json!([{ "path": "qr", "error": "must be svg or png" }]);
            let expected = json!({ "status": 422, "error": "Invalid request", "details": details });
            assert_eq!(initiate(&shop, query, &by_app("ada")).await.expect(422).json(), expected, "{query}");
        }
    }
}
