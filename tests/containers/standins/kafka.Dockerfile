# Apache Kafka's image where none can be pulled: its very jars, Java, and the few commands and folders of the original that compose.yaml uses.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 1000 appuser && useradd --uid 1000 --gid appuser --no-create-home appuser \
    && install -d -o appuser -g appuser /var/lib/kafka/data
COPY java /opt/java
COPY libs /opt/kafka/libs
COPY bin /opt/kafka/bin
USER appuser
VOLUME /var/lib/kafka/data
