"""The server without a browser: who is refused, what forms do, and what is never shown."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.review.cases import ids, line, lines_of, review_queue, served, verdicts_of


@pytest.fixture
def queue(tmp_path):
    return review_queue(tmp_path)


@pytest.fixture
def address(queue):
    with served(queue) as address:
        yield address


def test_a_form_saves_and_leads_to_the_next_row(queue, address):
    reply = address.post(1, "no", "a\nnote")
    assert (reply.status, reply.headers["location"]) == (303, f"{address.row(2)}?did=no")
    assert lines_of(queue) == ["p0000000000000001,d0000000000000001,no,,a note"]
    page = address.ask(f"{address.row(2)}?did=no").text
    assert "Saved: no." in page
    assert "1 of 3" in page


def test_the_queue_leads_to_where_one_stopped(queue, address):
    assert address.ask(f"/{address.token}/negatives").headers["location"] == address.row(1)
    address.post(1, "yes")
    address.post(2, "skip")
    assert address.ask(f"/{address.token}/negatives").headers["location"] == address.row(2)
    address.post(2, "no")
    assert address.post(3, "no").headers["location"] == f"/{address.token}/negatives"
    page = address.ask(f"/{address.token}/negatives")
    assert page.status == 200
    assert "Every row has a verdict: 3 of 3; rate 33 % (" in page.text


def test_every_button_keeps_the_note(queue, address):
    address.post(2, "skip", "first")
    address.post(2, "back", "second", seen_note="first")
    assert lines_of(queue) == ["p0000000000000002,d0000000000000002,,,second"]
    assert address.post(2, "forward", "third", seen_note="second").headers["location"] == (
        address.row(3)
    )

    # Undo takes the last change back, and then saves what was typed here.
    address.post(1, "undo", "typed")
    assert lines_of(queue) == [
        "p0000000000000001,d0000000000000001,,,typed",
        "p0000000000000002,d0000000000000002,,,second",
    ]


def test_scores_are_hidden_until_the_row_is_judged(address):
    assert "cosine 0.1" not in address.ask(address.row(1)).text
    address.post(1, "no")
    assert "cosine 0.1" in address.ask(address.row(1)).text


def test_two_tabs_do_not_overwrite_each_other(queue, address):
    address.post(1, "no")
    reply = address.post(1, "yes", "second tab", seen="")
    assert reply.status == 409
    assert "Nothing was saved." in reply.text
    assert "The file says <b>no</b>. You said <b>yes (note: second tab)</b>." in reply.text
    assert 'name="seen_verdict" value="no"' in reply.text
    assert ">second tab</textarea>" in reply.text
    assert verdicts_of(queue) == {1: "no"}
    assert address.post(1, "yes", "second tab", seen="no").status == 303
    assert verdicts_of(queue) == {1: "yes"}


def test_a_malformed_file_is_named_and_left_alone(queue, address):
    queue.path.write_text("nonsense\n", "utf-8")
    for reply in (
        address.post(1, "no"),
        address.ask(address.row(1)),
        address.ask(f"/{address.token}/"),
    ):
        assert reply.status == 409
        assert "negatives.csv, line 1: the header is not" in reply.text
    assert queue.path.read_text("utf-8") == "nonsense\n"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example:80"}, 400),
        ({"Host": "localhost"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
    ],
)
def test_a_foreign_page_is_refused(queue, address, headers, status):
    reply = address.ask(address.row(1), "POST", "action=no", **headers)
    assert reply.status == status
    assert lines_of(queue) == []


def test_a_request_without_a_host_is_refused(queue, address):
    assert address.ask(address.row(1), Host=None).status == 400

    # A body is refused unread, so that the answer may be lost with the connection.
    with suppress(ConnectionResetError, BrokenPipeError):
        assert address.ask(address.row(1), "POST", "action=no", Host=None).status == 400
    assert lines_of(queue) == []


def test_a_foreign_origin_may_not_even_read(address):
    assert address.ask(address.row(1), Origin="http://evil.example").status == 403
    assert address.ask(address.row(1), Origin=f"http://127.0.0.1:{address.port}").status == 200


def test_words_are_marked_where_texts_are_alike(tmp_path):
    texts = ["the answer 9", "the answer, 1!", "nothing of <it>"]
    with served(review_queue(tmp_path, texts)) as address:
        first, second, third = (address.ask(address.row(number)).text for number in (1, 2, 3))
    assert "the answer <mark>1</mark></div>" in first
    assert "the answer <mark>9</mark></div>" in first
    assert "the answer <mark>2</mark></div>" in second
    assert "the answer, <mark>1!</mark></div>" in second
    assert "nothing of &lt;it&gt;</div>" in third
    assert "<mark>" not in third


@pytest.mark.parametrize(
    "path", ["*", "/", "//", "/wrong/", "/wrong/review.css", "/wrong/negatives"]
)
def test_an_address_without_the_token_is_refused(queue, address, path):
    for method in ("GET", "POST"):
        reply = address.ask(path, method)
        assert reply.status == 403
        assert "The address lacks the token" in reply.text


def test_a_token_that_is_not_ascii_is_refused(address):
    assert address.ask("/%C3%A9/").status == 403


@pytest.mark.parametrize("path", ["", "review.css", "review.js", "negatives", "nothing", "a/b/c/d"])
def test_every_answer_has_a_strict_policy(address, path):
    headers = address.ask(f"/{address.token}/{path}").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_forms_that_are_too_long_or_odd_change_nothing(queue, address):
    assert address.post(1, "no", "n" * 2001).status == 413
    assert address.ask(address.row(1), "POST", "x" * 70_000).status == 413
    assert address.ask(address.row(1), "POST", "%ff&&=&action").status == 303
    assert address.ask(address.row(9)).status == 404
    assert address.post(9, "no").status == 404
    assert address.post(1, "no", queue="unknown").status == 404
    assert address.post(1, "no", queue="negatives.unknown").status == 404
    assert lines_of(queue) == []


def test_a_note_is_one_line_of_text(queue, address):
    address.post(1, "no", ' =1+1\x00\x1b[31m \r\n <b>," ')
    assert lines_of(queue) == ['p0000000000000001,d0000000000000001,no,,"\'=1+1[31m <b>,"""']
    page = address.ask(address.row(1)).text
    assert ">=1+1[31m &lt;b&gt;,&quot;</textarea>" in page


def test_the_server_listens_on_the_loopback_address_alone(address):
    # /proc/net/tcp names each socket that listens: its address and port in hexadecimal.
    rows = [row.split() for row in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    port = f"{address.port:04X}"
    addresses = {
        row[1].split(":")[0] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"
    }
    assert addresses == {"0100007F"}


# ---- Two people.


def test_a_second_judge_sees_nothing_of_the_first(queue):
    with served(queue, judge="ann") as address:
        address.post(1, "yes", "the note of ann")
    with served(queue, judge="ben") as address:
        pages = [address.ask(address.row(1)).text, address.ask(f"/{address.token}/").text]
        assert "You judge as <b>ben</b>." in pages[1]
        assert "0 of 3" in pages[0]
        for page in pages:
            assert "ann" not in page
            assert "cosine" not in page
            assert "aria-pressed" not in page
        assert "conflicts" not in pages[1]


def test_conflicts_are_a_queue_of_those_who_judged(queue):
    for judge, verdicts in (("ann", "yes no no"), ("ben", "no no no"), ("cem", "no")):
        with served(queue, judge=judge) as address:
            for number, verdict in enumerate(verdicts.split(), 1):
                address.post(number, verdict, f"says {judge}" if number == 1 else "")
    with served(queue, judge="ann") as address:
        index = address.ask(f"/{address.token}/").text
        assert "Mined negatives: conflicts" in index
        assert "ann and ben: 3 rows judged by both, 1 conflicts, Cohen&#x27;s kappa 0.00" in index
        assert "ben and cem" not in index
        page = address.ask(address.row(1, "negatives.conflicts")).text
        assert re.findall("<li>(.*?)</li>", page)[:2] == [
            "ann: yes (says ann)",
            "ben: no (says ben)",
        ]
        assert "0 of 1" in page
        assert address.ask(address.row(2, "negatives.conflicts")).status == 404

        # What they agree on has a line of its own.
        address.post(1, "no", queue="negatives.conflicts")
        assert "p0000000000000001,d0000000000000001,no,agreed," in lines_of(queue)
        assert "1 of 1" in address.ask(f"/{address.token}/negatives.conflicts").text


def test_a_verdict_of_the_file_is_shown(queue, address):
    content = queue.path.read_text("utf-8")
    queue.path.write_text(f"{content}{','.join(ids(2))},yes,,by hand\n", "utf-8")
    page = address.ask(address.row(2)).text
    assert 'value="yes" class="yes" data-key="y" aria-pressed="true"' in page
    assert ">by hand</textarea>" in page
    assert address.post(2, "no", "by hand", seen="yes", seen_note="by hand").status == 303
    assert verdicts_of(queue) == {2: "no"}
    assert line(2, "no").is_relevant is False
