# syntax=docker/dockerfile:1
# An image for a class on a JupyterHub, or for one laptop: the library, the chapters and the students' notebooks, with
# the pinned set of packages. Solutions and hidden tests of the assignments stay outside: the second stage takes
# nothing from the repository but what the first one made for it.
#
#   docker build -t feedback-alignment .
#   docker run --rm -p 8888:8888 feedback-alignment jupyter lab --ip=0.0.0.0
#
# On a hub it is the image of DockerSpawner or KubeSpawner (singleuser.image in Zero to JupyterHub). The hub and
# JUPYTERHUB should have the same major version:  docker build --build-arg JUPYTERHUB=5.4.0 .
# Where students fetch and hand in by nbgrader:      docker build --build-arg EXTRAS=lab,grading .
#
# Without an engine at hand: tests/test_deployment.py holds its promises against the repository, hadolint reads it, and
# the commands of the first stage run in an empty folder. The workflow image.yml builds it and starts it.

ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS build
ARG JUPYTERHUB=6.1.1
ARG EXTRAS=lab
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE LICENSE-text ./
COPY fa_teach fa_teach
RUN python -m venv /opt/fa_teach \
    && /opt/fa_teach/bin/python -m pip install -c constraints.txt ".[${EXTRAS}]" "jupyterhub==${JUPYTERHUB}"
COPY book book
RUN mkdir -p /opt/course \
    && cp book/[01]*.ipynb book/explorers.ipynb LICENSE LICENSE-text /opt/course/ \
    && /opt/fa_teach/bin/python -m fa_teach.assignments student /opt/course/exercises

FROM python:${PYTHON}-slim-bookworm
RUN useradd --uid 1000 --create-home --shell /bin/bash jovyan
COPY --from=build /opt/fa_teach /opt/fa_teach
COPY --from=build /opt/course /opt/course
# One BLAS thread a student: many share a machine, and matrices this small gain nothing from more.
ENV PATH=/opt/fa_teach/bin:$PATH \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1
USER 1000
WORKDIR /home/jovyan
EXPOSE 8888
# A hub mounts each student's home over what the image holds there: the notebooks are copied when the server starts, and
# never over a student's own.
ENTRYPOINT ["/bin/sh", "-c", "mkdir -p \"$HOME/feedback-alignment\" && cp -Rn /opt/course/. \"$HOME/feedback-alignment/\"; exec \"$@\"", "start"]
CMD ["jupyterhub-singleuser"]
