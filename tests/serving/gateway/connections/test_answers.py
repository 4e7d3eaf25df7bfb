"""How often answers are written. A socket of messages shows each write by itself."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.gateway.connections.answers import AnswerSocket

HEAD, BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"body"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, AnswerSocket]]:
    yield from _ends(socket.SOCK_SEQPACKET)


@pytest.fixture
def stream_ends() -> Iterator[tuple[socket.socket, AnswerSocket]]:
    yield from _ends(socket.SOCK_STREAM)


def _ends(kind: int) -> Iterator[tuple[socket.socket, AnswerSocket]]:
    client, server = socket.socketpair(socket.AF_UNIX, kind)
    client.settimeout(5)
    server.setblocking(False)
    with client, server:
        yield client, AnswerSocket(server, seconds=0.2)


def test_each_answer_is_one_write(ends: tuple[socket.socket, AnswerSocket]) -> None:
    client, answers = ends
    for _ in range(2):
        answers.sendall(HEAD)
        answers.sendall(BODY)
        answers.end()

    assert [client.recv(1000), client.recv(1000)] == [HEAD + BODY] * 2


def test_what_follows_the_first_part_of_a_body_is_written_at_once(ends: tuple[socket.socket, AnswerSocket]) -> None:
    client, answers = ends
    answers.sendall(HEAD)
    answers.sendall(BODY)
    answers.sendall(b"more")

    assert [client.recv(1000), client.recv(1000)] == [HEAD + BODY, b"more"]


def test_an_answer_without_a_body_is_written_at_its_end(ends: tuple[socket.socket, AnswerSocket]) -> None:
    client, answers = ends
    answers.sendall(HEAD)
    answers.end()

    assert client.recv(1000) == HEAD


def test_a_file_follows_its_head(ends: tuple[socket.socket, AnswerSocket], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    client, answers = ends
    answers.sendall(HEAD)
    with (tmp_path / "file").open("rb") as file:
        assert answers.sendfile(file, count=4) == 4

    assert [client.recv(1000), client.recv(1000)] == [HEAD, BODY]


def test_an_answer_that_does_not_fit_into_the_buffer_is_sent_whole(
    stream_ends: tuple[socket.socket, AnswerSocket],
) -> None:
    client, answers = stream_ends
    body = bytes(range(256)) * 40_000
    came: list[bytes] = []

    def read() -> None:
        while sum(map(len, came)) < len(HEAD) + len(body):
            came.append(client.recv(1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    answers.sendall(HEAD)
    answers.sendall(body)
    answers.end()
    reader.join(10)

    assert b"".join(came) == HEAD + body


def test_a_client_that_takes_nothing_is_waited_for_so_long(stream_ends: tuple[socket.socket, AnswerSocket]) -> None:
    _, answers = stream_ends
    answers.sendall(HEAD)
    with pytest.raises(TimeoutError):
        answers.sendall(bytes(10_000_000))
