# docker build -t swa .
# docker run --rm -u "$(id -u):$(id -g)" -v /data/bids:/data:ro -v /data/results:/results swa /data /results participant
FROM debian:13-slim AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY swa swa
COPY cli cli
RUN python3 -m venv /opt/swa && /opt/swa/bin/pip install --no-cache-dir .

FROM debian:13-slim
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 python3 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/swa /opt/swa
# Any user may run it, on a root that cannot be written: caches go to /tmp.
ENV PATH=/opt/swa/bin:$PATH LANG=C.UTF-8 MPLBACKEND=Agg HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /results
ENTRYPOINT ["swa"]
