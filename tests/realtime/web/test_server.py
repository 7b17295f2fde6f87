"""What the page answers over HTTP, to those who may ask and to those who may not."""

import json
import socket
import time

import psutil
import pytest

from moodring.realtime.web import server
from moodring.realtime.web.requests import policy_of
from tests.support.lsl_stand import wait_for
from tests.support.web_stand import TOKEN, Engines, WebStand, page


@pytest.fixture
def engines(script):
    made = Engines()
    made.show(script.snapshot_at(60.0, participant="P01"))
    return made


@pytest.fixture
def stand(engines):
    with WebStand(engines) as made:
        yield made


def held_for(connection):
    """The server's ends of a connection that it still holds open; it is in this process."""
    place = connection.getsockname()[1]
    return [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == place]


def first_event(response):
    line = response.readline()
    assert line.startswith(b"data: ")
    return json.loads(line[len(b"data: ") :])


def test_the_page_itself_holds_nothing_of_a_session_and_may_ask_nobody_else(stand):
    response = stand.get("/")
    body = response.read().decode()
    assert response.status == 200
    assert body == page()
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2
    assert response.headers["Set-Cookie"] is None
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "http://" not in body.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in body


def test_the_policy_names_the_page_s_own_script_and_style():
    changed = policy_of(page().replace("connect();\n</script>", "connect();alert(1);\n</script>"))
    assert changed != policy_of(page())


def test_with_the_token_the_state_comes_again_and_again(stand, engines, script):
    response = stand.get("/events", TOKEN)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    first = first_event(response)["tiles"][0]
    assert (first["participant"], first["engine"], first["state"]) == ("P01", "room-1", "attached")
    engines.show(script.snapshot_at(61.0, participant="P02"))
    for _ in range(200):
        response.readline()  # the empty line after an event
        if first_event(response)["tiles"][0]["participant"] == "P02":
            break
    else:
        pytest.fail("the change was never told")


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ünï"])
def test_without_the_token_nothing_comes(stand, token):
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")}
    response = stand.get("/events", **headers)
    assert response.status == 401
    assert b"P01" not in response.read()


def test_the_token_is_taken_from_its_header_alone(stand):
    assert stand.get(f"/events?token={TOKEN}").status == 401
    assert stand.get("/events", Cookie=f"token={TOKEN}").status == 401
    assert stand.get("/events", Authorization=f"Basic {TOKEN}").status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/events"])
def test_it_can_only_be_read(stand, method, path):
    response = stand.get(path, TOKEN, method=method)
    assert response.status == 405
    assert response.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page.html",
        "//etc/passwd",
        "/events/../page.html",
        "/./",
        "http://elsewhere/events",
        "*",
    ],
)
def test_there_are_two_addresses_and_no_files(stand, path):
    answer = stand.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"root:" not in answer


@pytest.mark.parametrize(
    "request_bytes",
    [b"\x16\x03\x01 hello\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9 x\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"],
)
def test_what_is_no_request_is_refused(stand, request_bytes):
    assert stand.raw(request_bytes).startswith(b"HTTP/1.1 400 ")
    assert stand.get("/").status == 200


def test_an_endless_head_is_refused_and_does_no_harm(stand):
    assert stand.raw(b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n")[:13] in (b"HTTP/1.1 400 ", b"")
    assert stand.get("/").status == 200


def test_who_says_nothing_holds_up_nobody(stand):
    idle = [socket.create_connection(("127.0.0.1", stand.port)) for _ in range(20)]
    try:
        assert stand.get("/events", TOKEN).status == 200
    finally:
        for one in idle:
            one.close()


def test_more_pages_than_there_may_be_are_refused_and_a_closed_one_makes_room(stand):
    opened = [stand.get("/events", TOKEN) for _ in range(16)]
    assert {one.status for one in opened} == {200}
    refused = stand.get("/events", TOKEN)
    assert refused.status == 503
    assert refused.headers["Retry-After"]
    for one in opened:
        first_event(one)
        one.close()
    for _ in range(500):
        if stand.get("/events", TOKEN).status == 200:
            break
    else:
        pytest.fail("no page was let in again")


def test_a_token_cannot_be_found_by_trying(engines):
    now = [1000.0]
    with WebStand(engines, clock=lambda: now[0]) as stand:
        assert [stand.get("/events", f"guess-{i}").status for i in range(11)] == [401] * 10 + [429]
        assert stand.get("/events", TOKEN).status == 429
        assert stand.get("/").status == 200
        now[0] += 61.0
        assert stand.get("/events", TOKEN).status == 200


def test_who_asks_too_often_waits_a_minute(engines):
    now = [1000.0]
    with WebStand(engines, clock=lambda: now[0]) as stand:
        statuses = [stand.get("/").status for _ in range(241)]
        assert statuses == [200] * 240 + [429]
        now[0] += 61.0
        assert stand.get("/").status == 200


def test_a_browser_that_does_not_read_is_cut_off(engines, script, monkeypatch):
    monkeypatch.setattr(server, "_WRITE_S", 1.0)
    engines.show(*[script.snapshot_at(90.0, notices=("x" * 60_000,)) for _ in range(8)])
    with WebStand(engines, every_s=0.0) as stand, socket.create_connection(("127.0.0.1", stand.port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET /events HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        other = stand.get("/events", TOKEN)
        assert held_for(deaf)
        most, begun_s = 0, time.monotonic()
        while not (most == 2 and stand.server.pages == 1) and time.monotonic() < begun_s + 30.0:
            first_event(other)
            other.readline()
            most = max(most, stand.server.pages)
        assert (most, stand.server.pages) == (2, 1), "it had its place, and lost it"
        first_event(other), "the one that reads goes on"
        other.close()
        wait_for(lambda: not held_for(deaf), 30.0), "what it left unread is not kept for it"


def test_at_its_end_the_browsers_are_let_go(engines):
    with WebStand(engines) as stand:
        response = stand.get("/events", TOKEN)
        first_event(response)
    assert response.read() is not None
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", stand.port), timeout=5.0)
