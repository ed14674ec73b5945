# The collector's image where none can be pulled: the same release, built with the parts that deploy/otel/collector.yaml uses.
ARG BASE
FROM ${BASE}
COPY collector /otelcol-contrib
USER 10001
ENTRYPOINT ["/otelcol-contrib"]
