"""That `make torture` can be started and tells what it found; what it does to the service is no test."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from tests.bench.goals import Failure, Finding
from tests.torture.__main__ import TRIALS
from tests.torture.corpus import everywhere
from tests.torture.fuzzing import every_case_of_reads
from tests.torture.loading import Load
from tests.torture.report import BEGIN, END, PAGE, Report
from tests.torture.talking import Answer, BrokenError, talking

NOW = dt.datetime(2026, 11, 30, 16, 0, tzinfo=dt.UTC)


def test_the_guide_names_every_trial_and_has_a_figure_of_each() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for trial in TRIALS:
        assert f"- `{trial}`: " in text
        assert f"\n| {trial} | " in text.partition(BEGIN)[2].partition(END)[0]


def test_a_trial_fails_if_a_must_does_not_hold() -> None:
    def failed(*found: Finding | Failure) -> bool:
        return Report.of({"slow": found}, NOW, "18.4", short=True).failed

    holds = Finding("slow", "it", 1, 1, "")
    skipped = Finding("slow", "not tried: no root", 0, 0, "", applies=False)
    assert not failed(holds, skipped)
    assert failed(holds, Finding("slow", "it", 0.9, 1, ""))
    assert failed(holds, Failure("slow", "no Postgres"))


def test_rows_of_trials_that_did_not_run_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{BEGIN}{END}\nThe end.\n")
    order = ["slow", "drain"]
    first = {
        "slow": [Finding("slow", "share", 99.5, 100, "a | <b>", unit="%")],
        "drain": [Failure("drain", "x\ny")],
    }
    Report.of(first, NOW, "18.4", short=False).write(order, page)
    again = {"slow": [Finding("slow", "share", 100, 100, "all", unit="%")]}
    Report.of(again, NOW, "18.4", short=True).write(order, page)
    text = page.read_text()
    assert "| slow | share | 100 % | ≥ 100 % | holds | all | 2026-11-30 16:00, short |" in text
    assert "| drain | the trial runs |  |  | FAILED | x y | 2026-11-30 16:00, long |" in text
    assert text.count("| slow |") == 1
    assert "Postgres 18.4" in text
    assert text.endswith(f"{END}\nThe end.\n")


def test_what_was_measured_cannot_break_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    found = {"slow": [Finding("slow", "share", 99.96, 100, "a | <!-- b -->", unit="%")]}
    Report.of(found, NOW, "18.4", short=False).write(["slow"], page)
    assert "| 99.96 % | ≥ 100 % | FAILS | a / &lt;!-- b --&gt; |" in page.read_text()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Answer(200, {}, b""), 0),
        (Answer(422, {}, b""), 0),
        (Answer(503, {"retry-after": "1"}, b""), 0),
        (Answer(503, {}, b""), 1),
        (Answer(500, {"retry-after": "1"}, b""), 1),
    ],
)
def test_only_a_503_that_says_when_to_come_again_is_a_right_failure(answer: Answer, wrong: int) -> None:
    load = Load()
    load.look("/x", answer)
    assert len(load.wrong) == wrong


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, b"ab"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
        (b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', 304, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", None, b"begun"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", None, b"begun"),
        (b"HTTP/1.1 200", None, b"begun"),
        (b"", None, b"nothing"),
    ],
)
def test_an_answer_that_is_not_whole_is_seen_to_be_cut(sent: bytes, status: int | None, body: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()

    async def ask() -> Answer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, talking(server.sockets[0].getsockname()[1]) as talk:
            return await talk.ask("/")

    if status is None:
        with pytest.raises(BrokenError) as cut:
            asyncio.run(ask())
        assert cut.value.begun == (body == b"begun")
    else:
        answer = asyncio.run(ask())
        assert (answer.status, answer.body) == (status, body)


def test_every_parameter_of_every_read_is_fuzzed() -> None:
    cases = list(every_case_of_reads())
    targets = {case.target for case in cases}
    assert len(cases) > 50_000
    assert b"/v1/exchanges?mediator=%ED%A0%80" in targets
    assert b"/v1/exchanges/%00/revisions/1?" in targets
    assert b"/v1/exchanges/2024-12-30-russia-ukraine/claims/%00?" in targets
    assert any(case.headers.get("Range", "").startswith("bytes=") for case in cases)


def test_text_is_replaced_at_any_depth_but_in_names() -> None:
    assert everywhere({"a": ["b", {"c": "d", "e": 1}], "f": None}, "x") == {
        "a": ["x", {"c": "x", "e": 1}],
        "f": None,
    }
