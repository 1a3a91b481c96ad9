"""A served model may be slow, endless, broken or hostile: a short error, and no secret anywhere."""

import json
import threading
import time

import pytest

from stages.lib.core import web_client
from stages.lib.core.errors import UserError
from stages.lib.core.secrets import read_key
from stages.pair.interface import GeneratedParams
from stages.pair.query_generation import query_generator
from stages.pair.served_model import KEY_VARIABLE, URL_VARIABLE, ServedGenerator
from tests.hostile.servers import serving

KEY = "sk-verysecretkey"
GOOD = json.dumps({"choices": [{"message": {"content": "why?"}}]}).encode()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Wait for milliseconds where a user waits for seconds."""
    monkeypatch.setattr(web_client, "WAITS", (0.01, 0.01, 0.01))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")


def ask(url, key=KEY):
    return ServedGenerator("m", 8, url, key=key).generate(["prompt"])


def fault(url, key=KEY):
    with pytest.raises(UserError) as caught:
        ask(url, key)
    message = str(caught.value)
    assert KEY not in message
    assert len(message.splitlines()) <= 10
    return message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_no_key_goes_to_another_host(status):
    with serving(lambda handler, _: handler.reply(content=GOOD)) as other:
        where = f"http://127.0.0.1:{other.port}/v1/chat/completions"
        with serving(lambda handler, _: handler.reply(status, Location=where)) as server:
            assert f"redirects to another address ({status})" in fault(server.url)
        assert other.requests == []


# What a server sends, and what the error says.
BAD_ANSWERS = {
    "null": (b"null", "without a text"),
    "no choices": (b"{}", "without a text"),
    "null choices": (b'{"choices":null}', "without a text"),
    "empty choices": (b'{"choices":[]}', "without a text"),
    "null message": (b'{"choices":[{"message":null}]}', "without a text"),
    "null content": (b'{"choices":[{"message":{"content":null}}]}', "without a text"),
    "a number": (b'{"choices":[{"message":{"content":7}}]}', "without a text"),
    "a list": (b'{"choices":[{"message":{"content":["a"]}}]}', "without a text"),
    "a list of lists": (b"[[[]]]", "without a text"),
    "a string": (b'"choices"', "without a text"),
    "nothing": (b"", "no JSON"),
    "HTML": (b"<html>busy</html>", "no JSON"),
    "half of it": (GOOD[:20], "no JSON"),
    "bytes that are no UTF-8": (b'{"choices": "\xff\xfe"}', "no JSON"),
    "100,000 open lists": (b"[" * 100_000, "no JSON"),
    "an endless number": (b"9" * 100_000, "no JSON"),
    "more than the limit": (b" " * (web_client.MOST_BYTES + 1), "longer than 4,000,000 bytes"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_of_no_use_is_a_short_error(name):
    content, message = BAD_ANSWERS[name]
    with serving(lambda handler, _: handler.reply(content=content)) as server:
        assert message in fault(server.url)


def test_half_of_a_surrogate_pair_in_an_answer_becomes_a_question_mark():
    answer = b'{"choices":[{"message":{"content":"a\\ud800b"}}]}'
    with serving(lambda handler, _: handler.reply(content=answer)) as server:
        assert ask(server.url) == ["a?b"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(status):
    def answer(handler, number):
        handler.reply(*((status,) if number < 3 else (200, GOOD)))

    with serving(answer) as server:
        assert ask(server.url) == ["why?"]
        assert len(server.requests) == 3


def test_a_server_that_stays_busy_is_an_error():
    with serving(lambda handler, _: handler.reply(429, b"slow down")) as server:
        assert "answers 429: slow down" in fault(server.url)
        assert len(server.requests) == 4


def test_another_fault_is_not_tried_again():
    with serving(lambda handler, _: handler.reply(500, b"broken")) as server:
        assert "answers 500: broken" in fault(server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("99999", 120.0), ("1e9", 1.0), ("-5", 1.0), ("", 1.0)]
)
def test_the_server_may_say_when_to_come_back(header, seconds, monkeypatch):
    pauses = []
    monkeypatch.setattr(web_client, "WAITS", (1.0,))
    monkeypatch.setattr(web_client.time, "sleep", pauses.append)

    def answer(handler, number):
        if number == 1:
            handler.reply(503, Retry_After=header)
        else:
            handler.reply(content=GOOD)

    with serving(answer) as server:
        ask(server.url)
    assert pauses == [seconds]


def drip_body(handler, stop):
    handler.send_response(200)
    handler.end_headers()
    while not stop.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def drip_headers(handler, stop):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not stop.wait(0.05):
        handler.wfile.write(b"X-A: b\r\n"[:3])
        handler.wfile.flush()


def say_nothing(handler, stop):
    stop.wait()


@pytest.mark.parametrize("drip", [drip_body, drip_headers, say_nothing])
def test_a_server_that_drips_meets_the_deadline(drip, monkeypatch):
    monkeypatch.setattr(web_client, "ATTEMPT_SECONDS", 0.4)
    stop = threading.Event()
    # Without the deadline the test would end by this alarm, minutes later.
    alarm = threading.Timer(60, stop.set)
    alarm.start()
    with serving(lambda handler, _: drip(handler, stop)) as server:
        try:
            assert "no whole answer within 0 seconds" in fault(server.url)
            assert not stop.is_set()
        finally:
            alarm.cancel()
            stop.set()


def test_all_attempts_together_have_a_deadline(monkeypatch):
    monkeypatch.setattr(web_client, "WAITS", (30.0, 30.0))
    monkeypatch.setattr(web_client, "MOST_SECONDS", 10.0)
    monkeypatch.setattr(web_client.time, "sleep", lambda _: pytest.fail("waits past the deadline"))
    with serving(lambda handler, _: handler.reply(503)) as server:
        assert "answers 503" in fault(server.url)


@pytest.mark.parametrize(
    "content",
    [
        f"no such key: {KEY}",
        f"{' ' * 190}{KEY}",
        f"see http://me:hunter22@example.org/?api_key={KEY}&x=1",
    ],
)
def test_a_key_that_the_server_repeats_stands_in_no_message(content):
    with serving(lambda handler, _: handler.reply(401, content.encode())) as server:
        message = fault(server.url)
    assert KEY[:8] not in message and "hunter22" not in message


def test_a_broken_protocol_is_a_short_error():
    def answer(handler, _):
        handler.wfile.write(b"\x1b]0;owned\x07 no HTTP\r\n\r\n")
        handler.close_connection = True

    with serving(answer) as server:
        assert "gives no answer (BadStatusLine" in fault(server.url)


URLS = {
    "a password": "http://me:hunter22@127.0.0.1:1/v1",
    "an escaped password": "http://me:hunter%3222@127.0.0.1:1/v1",
    "a key behind ?": "http://127.0.0.1:1/v1?api-key=hunter22",
    "no scheme": "me:hunter22@127.0.0.1/v1",
    "a file": "file://me:hunter22@host/etc/passwd",
    "no host": "http://me:hunter22@/v1",
    "a port that is none": "http://me:hunter22@host:port/v1",
    "an @ in the password": "http://me:a@hunter22@127.0.0.1:1/v1",
    "a slash in the password": "http://me:a/hunter22@127.0.0.1:1/v1",
    "a line end": "http://me:hunter22@127.0.0.1:1/v1\r\nX-Evil: 1",
    "half an address of IPv6": "http://me:hunter22@[::1/v1",
    "a host that is too long": f"http://me:hunter22@{'a' * 100}/v1",
}


@pytest.mark.parametrize("name", URLS)
def test_a_password_in_the_address_stands_in_no_message_and_no_cache_key(name):
    message = fault(URLS[name])
    assert "hunter" not in message
    try:
        assert "hunter" not in ServedGenerator("m", 8, URLS[name], key=KEY).key
    except UserError as error:
        assert URL_VARIABLE in error.fact


def test_the_cache_key_names_address_and_model_and_no_key():
    generators = [
        ServedGenerator(model, 8, url, key=KEY)
        for model in ("a", "b")
        for url in ("http://one.example/v1", "http://two.example/v1/", "https://one.example/v1")
    ]
    keys = {generator.key for generator in generators}
    assert len(keys) == 6
    assert "served http://two.example/v1 a temperature 0 8" in keys
    assert not [key for key in keys if KEY in key]


def test_a_user_of_the_address_is_sent_as_one_and_never_written_in_the_request():
    with serving(lambda handler, _: handler.reply(content=GOOD)) as server:
        address = f"http://me:pw@127.0.0.1:{server.port}/v1/?version=2#part"
        assert ask(address, key="") == ["why?"]
        path, headers = server.requests[0]
    assert path == "/v1/chat/completions?version=2"
    assert headers["Authorization"] == "Basic bWU6cHc="
    assert headers["Host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("surrounded", [f"{KEY}\n", f" {KEY}\r\n", f"\t{KEY}"])
def test_a_key_is_stripped_of_line_ends(surrounded):
    params = GeneratedParams(model="m", prompt="{text}", max_tokens=8, first=1)
    with serving(lambda handler, _: handler.reply(content=GOOD)) as server:
        environment = {URL_VARIABLE: server.url + "\n", KEY_VARIABLE: surrounded}
        query_generator(params, environment).generate(["prompt"])
        assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "a b", "schl\u00fcssel", "a\0b"])
def test_a_key_that_would_write_headers_is_refused_and_not_shown(key):
    with pytest.raises(UserError, match=KEY_VARIABLE) as caught:
        read_key(KEY_VARIABLE, {KEY_VARIABLE: key})
    assert key not in str(caught.value)


def test_the_timer_of_the_deadline_ends_with_the_request():
    with serving(lambda handler, _: handler.reply(content=GOOD)) as server:
        before = threading.active_count()
        ask(server.url)
        for _ in range(100):
            if threading.active_count() <= before + 1:
                break
            time.sleep(0.01)
        assert threading.active_count() <= before + 1
