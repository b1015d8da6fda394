# One image for every part of automio: `automio up`, `automio engine`, `automio runner`.
FROM node:24-bookworm-slim AS console

WORKDIR /source/console
COPY console/package.json console/package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY console ./
RUN npx vite build

FROM python:3.12-slim-bookworm AS build

WORKDIR /source
RUN python -m venv /opt/automio
# The dependencies first: they change less often than the code.
COPY pyproject.toml README.md LICENSE ./
COPY automio/__init__.py automio/__init__.py
RUN mkdir platform_api hasura plugins sandbox_runner alembic \
    && /opt/automio/bin/pip install --no-cache-dir --only-binary :all: '.[platform]' \
    && /opt/automio/bin/pip uninstall --yes automio-platform
COPY . .
COPY --from=console /source/platform_api/web/console platform_api/web/console
RUN /opt/automio/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/automio automio \
    && install --directory --owner automio --mode 0700 /data

COPY --from=build /opt/automio /opt/automio
ENV PATH=/opt/automio/bin:$PATH \
    PYTHONUNBUFFERED=1

USER 10001:10001
WORKDIR /var/lib/automio
VOLUME /data
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=4)"]

# tini passes signals on and reaps; the supervisor stops PostgreSQL in order on SIGTERM.
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["automio", "up", "--host", "0.0.0.0", "--port", "8080", "--data-dir", "/data"]
