"""Commands take any argument: an answer or a short error, no traceback, and no file outside the project."""

import hashlib
import importlib
import pickle
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.__main__ import command_files, main, stage_files
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.retrieval.encoder import Encoder
from stages.pair.interface import GeneratedParams
from stages.pair.query_generation import query_generator
from tests.conftest import git
from tests.hostile.inputs import of_seed, seeds, text
from tests.hostile.timing import at_most

pytestmark = [pytest.mark.slow, pytest.mark.fuzz, pytest.mark.timeout(7200)]

SECONDS = 10
# `lock` asks a package index, and `fetch` without a name asks for all that is missing.
LEFT_OUT = {"stages.commands.lock"}
ARGUMENTS = (
    *("--help", "-h", "--", "-", "--force", "--yes", "-x", "--html", "--out", "-rf", "--version", "", " ", "."),
    *("..", "../..", "../outside", "/", "/etc/passwd", "/dev/zero", "/proc/self/environ", "link", "loop", "~"),
    *("HEAD", "HEAD~9", "-n1", "--exec=touch owned", "--upload-pack=touch owned", "$(touch owned)", "`touch owned`"),
    *("; touch owned", "a\nb", "\x1b[31m", "\u202e", "\udcff", "a" * 5_000, "http://me:hunter22@127.0.0.1:1/", "file:///etc"),
    *("split", "collect", "all", "0", "-1", "1e9", "NaN", "[link]", "*", "**/*", "%s", "{0}", "d0123456789abcdef"),
)  # fmt: skip


@pytest.fixture
def inside(project, monkeypatch):
    """Stand in a project of a few files, between files that are no part of it."""
    outside = project / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret", "utf-8")
    inside = project / "inside"
    inside.mkdir()
    for name in ("params.yaml", "pyproject.toml"):
        (project / name).rename(inside / name)
    (inside / "link").symlink_to(outside)
    (inside / "loop").symlink_to("loop")
    (inside / "faq.csv").write_text("question,answer\n=1+1?,\x1b[31m<script>b\n", "utf-8")
    git(inside, "init", "-q")
    monkeypatch.chdir(inside)
    monkeypatch.setenv("PAIRSMITH_CACHE", str(project / "cache"))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    return inside


def state_of(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def apps():
    """Return the application of each stage and command, by its module: a name may stand for both."""
    names = [f"stages.{name}" for name in stage_files()]
    names += [f"stages.commands.{name}" for name in command_files()]
    found = {}
    for name in sorted(set(names) - LEFT_OUT):
        package = importlib.import_module(name)
        is_package = hasattr(package, "__path__")
        found[name] = importlib.import_module(f"{name}.__main__") if is_package else package
    return {name: module.app for name, module in found.items()}


def test_a_command_takes_any_argument(inside):
    outside = state_of(inside.parent / "outside")
    of_name = apps()
    for seed in seeds(2):
        source = of_seed("commands", seed)
        name = source.choice(sorted(of_name))
        count = source.randint(1, 3)
        arguments = [
            source.choice((*ARGUMENTS, text(source, 2, surrogates=False))) for _ in range(count)
        ]
        if "\0" in "".join(arguments):
            continue
        with at_most(SECONDS):
            result = CliRunner().invoke(of_name[name], arguments)
        case = (seed, name, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), case
        assert result.exit_code in (0, 1, 2), case
        assert "Traceback" not in result.output, case
        assert not Path("owned").exists(), case
        assert "hunter22" not in result.output or result.exit_code == 2, case
        if result.exit_code == 1:
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", result.output), case
    assert state_of(inside.parent / "outside") == outside


def test_a_name_that_is_no_command_is_refused(capsys):
    for seed in seeds(2):
        source = of_seed("names", seed)
        name = text(source, 2) or "x"
        if name in {"-h", "--help"}:
            continue
        assert main([name]) == 1
        assert "\x1b" not in capsys.readouterr().err


class Pickled:
    """What writes a file when it is unpickled."""

    def __reduce__(self):
        return (Path("owned").touch, ())


@pytest.mark.parametrize(
    "name",
    [
        "pytorch_model.bin",
        "model.pt",
        "model.ckpt",
        pytest.param("model.safetensors", marks=pytest.mark.prove),
    ],
)
def test_a_pickle_where_weights_belong_is_never_run(name, project):
    folder = Path("data/raw/model")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "bert"}', "utf-8")
    (folder / name).write_bytes(pickle.dumps(Pickled()))
    params = ModelParams(base=str(folder), weights_sha256="", anchor_prompt="", document_prompt="")
    # A file of the right name is no UserError yet where sentence-transformers reads it.
    expected = Exception if name == "model.safetensors" else UserError
    with pytest.raises(expected):
        Encoder(find_base_model(params)).encode(["a"], "")
    generated = GeneratedParams(model=str(folder), prompt="{text}", max_tokens=8, first=1)
    with pytest.raises(UserError):
        query_generator(generated, {}).generate(["a"])
    assert not Path("owned").exists()
