//! Which trace the present work belongs to, and how it goes on elsewhere: in the W3C form `traceparent`.
//!
//! Where traces are sent, each of our spans is part of one. Where they are not, nothing begins one; what a caller has begun is passed on
//! as it came, so that a process without a collector does not cut a trace in two.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Dispatch, Span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError, get_otel_context};
use tracing_subscriber::registry::{LookupSpan as _, Registry};

/// The header and the field that carry it.
const TRACEPARENT: &str = "traceparent";

/// Kept with a span where traces are not sent: whose work it is.
struct PassedOn(SpanContext);

/// What to hand to whoever goes on with the present work: `00-<trace>-<span>-<flags>`. Nothing outside of a trace.
#[must_use]
pub fn traceparent() -> Option<String> {
    let present = current()?;
    let flags = present.trace_flags().to_u8();
    Some(format!("00-{}-{}-{flags:02x}", present.trace_id(), present.span_id()))
}

/// Makes `span` go on with the work that `traceparent` names. Call it before the span is entered. What is no `traceparent` is
/// disregarded, and the span stays where it is.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(parent) = traceparent.and_then(parse) else { return };
    let context = parent.span().span_context().clone();
    if matches!(span.set_parent(parent), Err(SetParentError::LayerNotFound)) {
        span.with_subscriber(|(id, dispatch)| {
            let span = dispatch.downcast_ref::<Registry>().and_then(|registry| registry.span(id));
            span.map(|span| span.extensions_mut().replace(PassedOn(context)))
        });
    }
}

/// The nearest span around the present work that is part of a trace.
pub(super) fn current() -> Option<SpanContext> {
    let nearest = Span::current().with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        span.scope().find_map(|span| {
            let passed_on = || span.extensions().get::<PassedOn>().map(|passed_on| passed_on.0.clone());
            sent(&span.id(), dispatch).or_else(passed_on)
        })
    });
    nearest.flatten()
}

fn sent(id: &tracing::span::Id, dispatch: &Dispatch) -> Option<SpanContext> {
    let context = get_otel_context(id, dispatch)?.span().span_context().clone();
    context.is_valid().then_some(context)
}

fn parse(traceparent: &str) -> Option<Context> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    context.span().span_context().is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::info_span;
    use tracing_opentelemetry::OpenTelemetryLayer;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn sending(test: impl FnOnce()) {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = OpenTelemetryLayer::new(tracer).with_context_activation(false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test);
    }

    fn not_sending(test: impl FnOnce()) {
        tracing::subscriber::with_default(tracing_subscriber::registry(), test);
    }

    #[test]
    fn a_span_goes_on_with_the_trace_of_the_caller_as_a_part_of_its_own() {
        sending(|| {
            let span = info_span!("outer");
            follow(&span, Some(CALLER));
            span.in_scope(|| {
                let outer = traceparent().expect("a trace");
                let inner = info_span!("inner").in_scope(traceparent).expect("a trace");
                assert!(outer.contains(TRACE) && inner.contains(TRACE), "{outer}, {inner}");
                assert!(outer != CALLER && inner != outer, "{outer}, {inner}");
            });
        });
    }

    #[test]
    fn work_that_follows_nobody_begins_a_trace_of_its_own() {
        sending(|| {
            let [one, other] = [info_span!("one"), info_span!("other")].map(|span| span.in_scope(traceparent));
            assert!(one.is_some() && one != other);
            assert_eq!(traceparent(), None, "outside of spans");
        });
    }

    #[test]
    fn where_nothing_is_sent_the_callers_trace_is_passed_on_as_it_came() {
        not_sending(|| {
            let span = info_span!("outer");
            follow(&span, Some(CALLER));
            span.in_scope(|| {
                assert_eq!(traceparent().as_deref(), Some(CALLER));
                assert_eq!(info_span!("inner").in_scope(traceparent).as_deref(), Some(CALLER));
            });
            assert_eq!(info_span!("other").in_scope(traceparent), None);
        });
    }

    #[test]
    fn what_is_no_traceparent_is_disregarded() {
        for text in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
        ] {
            not_sending(|| {
                let span = info_span!("outer");
                follow(&span, Some(text));
                assert_eq!(span.in_scope(traceparent), None, "{text:?}");
            });
        }
    }
}
