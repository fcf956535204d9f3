# The pinned environment and the workflow in one image:
#
#     docker build --tag symlearn .
#     docker run --rm --volume "$PWD/out:/symlearn/figures" symlearn --cores all
#
# No test builds this image: CI has no container engine. What it installs is envs/requirements.lock,
# by the same `make env` that CI runs, so it cannot differ from what is tested.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /symlearn
COPY LICENSE Makefile pyproject.toml ./
COPY envs envs
COPY src src
RUN make env

COPY . .
ENV PATH="/symlearn/.venv/bin:${PATH}"
ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
