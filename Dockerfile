# Any image with pip and Python 3.11 or newer as `python`. A release names it by digest: docs/operating.md, "The image".
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
# Settings of pip come from these build secrets if they are given, and are in no layer.
ENV PIP_CONFIG_FILE=/run/secrets/pip \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
RUN python -m venv --without-pip /opt/workspace-operator
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY operator/ operator/
RUN --mount=type=secret,id=pip --mount=type=secret,id=certificates \
    python -m pip --python /opt/workspace-operator/bin/python install --no-compile --constraint constraints.txt '.[oidc]'
# kubernetes.aio is a second client that nothing imports: 40 MB of sources. Compiled files are valid whatever the dates of
# their sources are, since some tools that copy images change dates, and nothing can be compiled on a read-only root.
RUN rm -r /opt/workspace-operator/lib/python3.*/site-packages/kubernetes/aio \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/workspace-operator/lib

FROM ${BASE}
ARG BASE
# What this image is made from; `make image` sets them. SOURCE is the address of the repository.
ARG VERSION=""
ARG REVISION=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="workspace-operator" \
      org.opencontainers.image.description="Workspaces as code: a Kubernetes operator for customer-messaging workspaces and the people in them" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"
ENV PATH=/opt/workspace-operator/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WORKSPACE_OPERATOR_DATABASE=sqlite:////data/workspaces.db \
    WORKSPACE_OPERATOR_HEALTH_ENDPOINT=http://0.0.0.0:8080/healthz
# Nothing is installed in a running container, so the base's pip and its bundled copies go.
RUN PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore python -m pip uninstall --yes --quiet pip setuptools wheel \
    && rm -rf /usr/local/lib/python3.*/ensurepip \
    && install --directory --owner=65532 --group=65532 /data
COPY --from=build /opt/workspace-operator /opt/workspace-operator
WORKDIR /data
# A number, since Kubernetes cannot tell from a name that it is not root.
USER 65532:65532
EXPOSE 8080 8100
# For engines other than Kubernetes, which ignores it in favour of probes. Without curl, and without a proxy of the environment.
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["python", "-I", "-c", "\
from http.client import HTTPConnection; \
connection = HTTPConnection('127.0.0.1', 8080, timeout=5); \
connection.request('GET', '/healthz'); \
raise SystemExit(connection.getresponse().status != 200)"]
ENTRYPOINT ["workspacectl"]
CMD ["run"]
