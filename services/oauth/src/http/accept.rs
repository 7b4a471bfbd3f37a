//! Whether a caller would rather read a sentence than JSON.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

/// Whether `Accept` names `text/plain` and gives it a higher quality than JSON. A wildcard is no preference.
pub fn prefers_plain(request: &HttpRequest) -> bool {
    let lines = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let ranges: Vec<(String, f32)> = lines.flat_map(|line| line.split(',')).map(range).collect();
    let quality = |wanted: &str| ranges.iter().find(|(range, _)| range == wanted).map(|(_, quality)| *quality);
    let json = ["application/json", "application/*", "*/*"].into_iter().find_map(quality).unwrap_or(0.0);
    quality("text/plain").is_some_and(|plain| plain > json)
}

fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let media_range = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|parameter| parameter.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
    (media_range, quality)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn plain_text_is_for_those_who_name_it_first() {
        let prefers =
            |accept: &str| prefers_plain(&TestRequest::default().insert_header((ACCEPT, accept)).to_http_request());
        for accept in ["text/plain", "TEXT/PLAIN, application/json;q=0.5", "text/plain, */*;q=0.1"] {
            assert!(prefers(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/*",
            "application/json",
            "text/plain, application/json",
            "text/plain;q=0.5, */*",
            "text/html, text/plain, */*",
        ] {
            assert!(!prefers(accept), "{accept}");
        }
    }
}
