//! Spans of requests, operations and tasks for an OpenTelemetry collector, where one is named.

use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use http::HeaderMap;
use opentelemetry::{
    KeyValue,
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_http::{
    Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response, hyper::HyperClient,
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Level, Span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::config::Config;

/// What says which trace a caller is in.
const TRACEPARENT: &str = "traceparent";
/// How long a collector may take for a batch of spans.
const PATIENCE: Duration = Duration::from_secs(10);
/// What tells spans: our own crates, not those that they use.
const TELLING: [&str; 4] = ["api", "domain", "kubernetes", "persistence"];

/// Where spans go.
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let Some(url) = &config.otlp_url else { return Ok(Self(None)) };
        if !url.starts_with("http://") {
            bail!("SLIPWAY_OTLP_URL is not an http:// address");
        }
        let client = OnRuntime {
            client: HyperClient::with_default_connector(PATIENCE, None),
            runtime: Handle::current(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .context("SLIPWAY_OTLP_URL cannot be used")?;
        let sampler = Sampler::TraceIdRatioBased(config.otlp_share);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource())
            .build();
        Ok(Self(Some(provider)))
    }

    pub fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.0.as_ref()?.tracer("slipway");
        let ours = TELLING.map(|target| (target, LevelFilter::from_level(Level::INFO)));
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        Some(layer.with_location(false).with_filter(Targets::from_iter(ours)))
    }

    /// Sends what has not been sent.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It blocks until the collector has answered.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// Makes a span part of the trace that a caller says it is in (W3C Trace Context).
pub fn join(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key(TRACEPARENT) {
        return;
    }
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if caller.span().span_context().is_valid() {
        // Without a collector there is no trace to join.
        let _ = span.set_parent(caller);
    }
}

fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder_empty().with_service_name("slipway").with_attribute(version).build()
}

/// Sends on the runtime what a thread outside it asks for.
#[derive(Debug)]
struct OnRuntime {
    client: HyperClient,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = self.runtime.spawn(async move { client.send_bytes(request).await }).await?;
        if let Err(error) = &answer {
            tracing::warn!(%error, "spans could not be sent");
        }
        answer
    }
}
