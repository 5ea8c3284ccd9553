"""The address of a server, its socket, and the end of its process."""

from __future__ import annotations

import os
import re
import socket
from urllib.parse import parse_qs, urlsplit

import pytest
import segno

from strangers.errors import UsageError
from strangers.web.server import address_of, end_process, listen, qr_code, reachable_name


@pytest.mark.parametrize("token", ["a&b%41 c", "#+=?/", "plain", "caf\u00e9"])
def test_a_browser_reads_the_token_from_the_printed_address(token: str) -> None:
    with listen("127.0.0.1", 0) as listening:
        address = urlsplit(address_of(listening, "127.0.0.1", token))
    assert parse_qs(address.fragment) == {"token": [token]}
    assert token == "plain" or token not in address.geturl()


def test_an_ipv6_address_is_in_brackets() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert address_of(listening, "::1", None) == f"http://[::1]:{listening.getsockname()[1]}/"


def test_an_address_that_cannot_be_used_is_a_wrong_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1, port {port} \("):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("error", "statuses"),
    [(None, [0]), (KeyboardInterrupt(), [130]), (SystemExit(143), [143]), (ValueError(), [])],
    ids=["no error", "Ctrl-C", "SIGTERM", "a bug"],
)
def test_the_process_exits_with_the_status_of_its_end(
    error: BaseException | None, statuses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    end_process(error)
    assert exits == statuses


def test_a_name_other_than_all_addresses_is_printed_as_it_is() -> None:
    assert reachable_name("gpu-box") == "gpu-box"
    assert reachable_name("0.0.0.0") not in ("0.0.0.0", "")


def test_a_qr_code_is_of_the_address() -> None:
    address = "http://192.168.178.23:8000/#token=abcdefghijklmnopqrstuv"
    rows = [re.sub("\033.*?m", "", row) for row in qr_code(address).splitlines()]
    code = segno.make_qr(address)
    light = {"\u2588": (1, 1), "\u2580": (1, 0), "\u2584": (0, 1), " ": (0, 0)}
    drawn = [[light[cell][half] for cell in row] for row in rows for half in (0, 1)]
    size = len(code.matrix)
    assert [row[2 : 2 + size] for row in drawn[2 : 2 + size]] == [
        [1 - cell for cell in row] for row in code.matrix
    ]
