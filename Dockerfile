FROM python:3.11-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/workspace-operator
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY operator/ operator/
RUN /opt/workspace-operator/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.11-slim-bookworm
# The root file system is read-only in the cluster: nothing may be compiled there.
ENV PATH=/opt/workspace-operator/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/workspace-operator /opt/workspace-operator
RUN install --directory --owner=65532 --group=65532 /data
WORKDIR /data
# A number, since Kubernetes cannot tell from a name that it is not root.
USER 65532:65532
ENTRYPOINT ["workspacectl"]
CMD ["run"]
