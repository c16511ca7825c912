"""The profile `ha` of docker-compose.yml on loopback: its texts, with other ports, hosts and folders.

Patroni's three nodes, an etcd, HAProxy, PgBouncer and two APIs, each of them a process of its own.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from tests.deployment import PATH, compose, configuration
from tests.embedded_users import eventually, open_place
from tests.replicated import ACCOUNT, PROGRAMS
from tests.serving import REPOSITORY, environment, free_port
from tests.test_compose import PASSWORDS, as_password

NEEDED = ("etcd", "haproxy", "pgbouncer", "setpriv")
DATABASE = "exchanges"
HERE = "127.0.0.1"
UNLIMITED = {"WRITES_PER_MINUTE": "100000", "WRITE_BURST": "100000", "LOG_LEVEL": "warning"}


class HaError(Exception):
    """The cluster cannot be made; the message is one line."""


@dataclass
class Node:
    """One of Patroni's nodes."""

    name: str
    data: Path
    port: int
    rest: int
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: psutil.Popen | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = psutil.Popen(
                self.command, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def postgres(self) -> list[psutil.Process]:
        with suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError):
            postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def kill(self, *, whole: bool) -> None:
        """End its Postgres by kill -9, and as a machine would go, its Patroni too."""
        going = self.postgres()
        if whole and self.process is not None:
            with suppress(psutil.NoSuchProcess):
                going = [self.process, *going]
        for process in going:
            with suppress(psutil.NoSuchProcess):
                process.suspend()  # so that none tells of another's death
        for process in going:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(going, timeout=30)


@dataclass
class Cluster:
    """All of it, running."""

    folder: Path
    nodes: list[Node]
    writes: int
    bouncer: int = field(default_factory=free_port)
    reads: int = field(default_factory=free_port)
    apis: list[int] = field(default_factory=lambda: [free_port(), free_port()])

    def url(self, port: int, role: str = "owner") -> str:
        user = DATABASE if role == "owner" else f"{DATABASE}_{role}"
        return f"postgresql://{user}:{PASSWORDS[f'{role.upper()}_PASSWORD']}@{HERE}:{port}/{DATABASE}"

    def state(self) -> dict[str, Any]:
        """Give what Patroni says of all nodes."""
        for node in self.nodes:
            url = f"http://{HERE}:{node.rest}/cluster"
            with suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=2) as answer:
                return dict(json.load(answer))
        return {"members": []}

    def primary(self) -> Node | None:
        leaders = {each["name"] for each in self.state()["members"] if each["role"] == "leader"}
        return next((node for node in self.nodes if node.name in leaders), None)

    def is_whole(self) -> bool:
        """Tell whether there is a primary and two replicas that stream, one of which confirms writes."""
        members = self.state()["members"]
        going = [each["role"] for each in members if each.get("state") in {"running", "streaming"}]
        return sorted(going) in (
            ["leader", "replica", "sync_standby"],
            ["leader", "sync_standby", "sync_standby"],
        )


def check_programs() -> None:
    """Raise where a program is missing."""
    missing = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
    missing += [] if PROGRAMS else ["postgres"]
    missing += [] if find_spec("patroni") else ["patroni"]
    if missing:
        raise HaError(
            f"missing: {', '.join(missing)} (apt-get install etcd-server haproxy pgbouncer postgresql; "
            "pip install 'patroni[etcd3,psycopg3]')"
        )


def _python(down: list[str]) -> str:
    """Find a Python that Postgres' account can run, whose Patroni starts Postgres by another one."""
    again = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', '']))"
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        with suppress(OSError):
            if (
                subprocess.run(
                    [*down, python, "-c", again], cwd="/", stderr=subprocess.DEVNULL, check=False
                ).returncode
                == 0
            ):
                return python
    raise HaError(f"the account {ACCOUNT} can run no Python 3.{sys.version_info.minor}")


@contextmanager
def running_cluster(logs: Path | None = None) -> Iterator[Cluster]:
    """Start everything but the APIs, and end it with the block; a folder may keep what all of them said."""
    check_programs()
    account = pwd.getpwnam(ACCOUNT)
    down = []
    if os.geteuid() == 0:
        down = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    here = {**os.environ, "PATH": f"{PROGRAMS[-1]}:{PATH}", "LC_ALL": "C.UTF-8"}
    here["PYTHONPATH"] = sysconfig.get_path("purelib")
    started: list[psutil.Popen] = []
    with open_place() as folder:
        if down:
            os.chown(folder, account.pw_uid, account.pw_gid)

        def start(name: str, *command: object) -> None:
            with (folder / f"{name}.log").open("wb") as output:
                arguments = [*down, *map(str, command)]
                started.append(psutil.Popen(arguments, env=here, stdout=output, stderr=subprocess.STDOUT))

        clients, peers = free_port(), free_port()
        start("etcd", "etcd", *_etcd(folder, clients, peers))
        (folder / "owner.sql").write_text(configuration("owner"))
        text = configuration("patroni", {"/etc/patroni/owner.sql": str(folder / "owner.sql")})
        (folder / "patroni.yml").write_text(text)
        command = [*down, _python(down), "-m", "patroni", str(folder / "patroni.yml")]
        nodes = [
            _node(name, folder, clients, command, here) for name in ("postgres-1", "postgres-2", "postgres-3")
        ]
        cluster = Cluster(folder, nodes, writes=free_port())
        try:
            for node in nodes:
                node.start()
            ports = {
                "bind :5432": f"bind {HERE}:{cluster.writes}",
                "bind :5433": f"bind {HERE}:{cluster.reads}",
            }
            ports |= {f"{node.name}:5432": f"{HERE}:{node.port} port {node.rest}" for node in nodes}
            (folder / "haproxy.cfg").write_text(configuration("haproxy", ports))
            start("haproxy", "haproxy", "-W", "-db", "-f", folder / "haproxy.cfg")
            (folder / "users").write_text(as_password(compose()["configs"]["pgbouncer_users"]["content"]))
            ours = {"host=haproxy port=5432": f"host={HERE} port={cluster.writes}"}
            ours |= {"listen_addr = *": f"listen_addr = {HERE}", "6432": str(cluster.bouncer)}
            ours |= {"/etc/pgbouncer/userlist.txt": str(folder / "users")}
            (folder / "pgbouncer.ini").write_text(configuration("pgbouncer", ours))
            start("pgbouncer", "pgbouncer", folder / "pgbouncer.ini")
            eventually(cluster.is_whole, 180)
            yield cluster
        finally:
            for process in [*started, *(node.process for node in nodes if node.process is not None)]:
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
            psutil.wait_procs([*started, *(node.process for node in nodes if node.process)], timeout=30)
            for node in nodes:
                node.kill(whole=True)
            for log in folder.glob("*.log") if logs is not None else ():
                shutil.copy(log, logs)


def _etcd(folder: Path, clients: int, peers: int) -> list[object]:
    ours, theirs = f"http://{HERE}:{clients}", f"http://{HERE}:{peers}"
    return [
        f"--data-dir={folder / 'etcd'}",
        *(f"--{name}-client-urls={ours}" for name in ("listen", "advertise")),
        f"--listen-peer-urls={theirs}",
        f"--initial-advertise-peer-urls={theirs}",
        f"--initial-cluster=default={theirs}",
    ]


def _node(name: str, folder: Path, etcd: int, command: list[str], here: dict[str, str]) -> Node:
    """Make a node with the environment that its container has, and its own places."""
    port, rest, data = free_port(), free_port(), folder / name
    given = compose()["services"][name]["environment"]
    own = {key: as_password(value) for key, value in given.items()} | {
        "PATRONI_ETCD3_HOSTS": f"{HERE}:{etcd}",
        "PATRONI_RESTAPI_LISTEN": f"{HERE}:{rest}",
        "PATRONI_RESTAPI_CONNECT_ADDRESS": f"{HERE}:{rest}",
        "PATRONI_POSTGRESQL_LISTEN": f"{HERE}:{port}",
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"{HERE}:{port}",
        "PATRONI_POSTGRESQL_DATA_DIR": str(data),
        "PATRONI_POSTGRESQL_BIN_DIR": str(PROGRAMS[-1]),
        "PATRONI_POSTGRESQL_PGPASS": str(folder / f"{name}.pgpass"),
    }
    return Node(name, data, port, rest, command, here | own, folder / f"{name}.log")


def exchanges(cluster: Cluster, *arguments: str, **settings: str) -> str:
    """Run a command of ours as the owner, on the primary."""
    result = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        cwd=REPOSITORY,
        env=environment(DATABASE_URL=cluster.url(cluster.writes), **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise HaError(f"exchanges {arguments[0]}: {result.stderr.strip()}")
    return result.stdout


@contextmanager
def running_apis(cluster: Cluster) -> Iterator[list[str]]:
    """Fill the database, and start the APIs; give their URLs."""
    exchanges(cluster, "migrate", "--load")
    passwords = {name: PASSWORDS[name] for name in ("WRITER_PASSWORD", "READER_PASSWORD")}
    exchanges(cluster, "roles", **passwords)
    urls = {
        "DATABASE_URL": cluster.url(cluster.bouncer, "writer"),
        "DATABASE_READ_URL": cluster.url(cluster.reads, "reader"),
    }
    processes = []
    for number, port in enumerate(cluster.apis, 1):
        with (cluster.folder / f"api-{number}.log").open("wb") as output:
            processes.append(
                psutil.Popen(
                    [sys.executable, "-m", "api.cli", "serve", f"--port={port}"],
                    cwd=REPOSITORY,
                    env=environment(**urls, **UNLIMITED),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
    bases = [f"http://{HERE}:{port}" for port in cluster.apis]
    try:
        for base in bases:
            eventually(lambda base=base: _answers(base), 120)
        yield bases
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(processes, timeout=30)


def _answers(base: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{base}/readyz", timeout=5):
        return True
    return False
