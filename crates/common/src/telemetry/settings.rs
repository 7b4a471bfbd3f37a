//! Whether, where and how much is sent.

use serde::Deserialize;
use url::Url;

/// Traces and metrics.
#[derive(Clone, Debug, Deserialize)]
pub struct TelemetrySettings {
    /// The collector; without one nothing is sent.
    pub otlp_endpoint: OtlpEndpoint,
    /// What the process is called there; empty for its own name.
    pub service_name: String,
    /// How many of the traces that begin here are kept.
    pub sample_ratio: SampleRatio,
}

/// Nothing is sent.
impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { otlp_endpoint: OtlpEndpoint::default(), service_name: String::new(), sample_ratio: SampleRatio::ALL }
    }
}

/// A collector that takes OTLP over HTTP, as `http://collector:4318`; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OtlpEndpoint(Option<String>);

impl OtlpEndpoint {
    /// Where one kind of data goes: `traces`, `metrics`.
    #[must_use]
    pub fn of(&self, signal: &str) -> Option<String> {
        self.0.as_ref().map(|base| format!("{base}/v1/{signal}"))
    }
}

impl TryFrom<String> for OtlpEndpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let wrong = || format!("`{text}` is not the address of a collector such as http://collector:4318");
        let url: Url = text.parse().map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong());
        }
        Ok(Self(Some(url.as_str().trim_end_matches('/').to_owned())))
    }
}

/// From 0, none, to 1, all.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct SampleRatio(f64);

impl SampleRatio {
    /// All of them.
    pub const ALL: Self = Self(1.0);

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for SampleRatio {
    type Error = String;

    fn try_from(ratio: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&ratio) { Ok(Self(ratio)) } else { Err(format!("{ratio} is not between 0 and 1")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_an_address_or_nothing() {
        let traces = |text: &str| OtlpEndpoint::try_from(text.to_owned()).map(|endpoint| endpoint.of("traces"));
        assert_eq!(traces(""), Ok(None));
        for text in ["http://collector:4318", "http://collector:4318/"] {
            assert_eq!(traces(text), Ok(Some("http://collector:4318/v1/traces".to_owned())));
        }
        assert_eq!(traces("https://c.example/otlp"), Ok(Some("https://c.example/otlp/v1/traces".to_owned())));
        for text in ["collector:4318", "collector", "grpc://collector:4317", "http://c/?key=x"] {
            assert!(traces(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ratio_is_between_none_and_all() {
        for ratio in [0.0, 0.25, 1.0] {
            assert_eq!(SampleRatio::try_from(ratio).map(SampleRatio::get), Ok(ratio));
        }
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert!(SampleRatio::try_from(ratio).is_err(), "{ratio}");
        }
    }
}
