# syntax=docker/dockerfile:1

FROM rust:1-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked -p vestibule -p roles -p python -p webhook -p audit-log \
        -p sample-permissions -p sample-extension -p sample-tokens \
    && mkdir -p /image/plugins \
    && cp target/release/vestibule /image/ \
    && for plugin in roles python webhook audit_log sample_permissions sample_extension sample_tokens; do \
        cp "target/release/lib$plugin.so" /image/plugins/; done

# glibc, and the same one that the program was linked with: a static program could not load plugins.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/vestibule --shell /usr/sbin/nologin vestibule \
    && install --directory --owner=vestibule --group=vestibule --mode=0700 \
        /var/lib/vestibule /var/lib/vestibule/data /var/lib/vestibule/keys
# Plugins are looked for beside the executable. Both belong to root, so that the service cannot change its own code.
COPY --from=build /image /usr/local/lib/vestibule
# Executed and not read: so the kernel closes the program to other processes of its user before its first line, as of each health check.
RUN chmod 0711 /usr/local/lib/vestibule/vestibule \
    && ln -s ../lib/vestibule/vestibule /usr/local/bin/vestibule

USER vestibule
WORKDIR /var/lib/vestibule
ENV LISTEN=0.0.0.0:8000 \
    DATABASE_URL=sqlite:///var/lib/vestibule/data/vestibule.db \
    KEYS_DIR=/var/lib/vestibule/keys \
    LOG_FORMAT=json
VOLUME ["/var/lib/vestibule/data", "/var/lib/vestibule/keys"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["vestibule", "healthcheck"]
ENTRYPOINT ["vestibule"]
CMD ["serve"]
