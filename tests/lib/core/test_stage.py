"""What a stage does when something goes wrong, and what its metrics look like."""

import io
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController
from typer.testing import CliRunner

from stages.lib.core import atomic, stage
from stages.lib.core.errors import UserError
from stages.lib.core.stage import check_pins, command, progress, write_metrics
from tests.conftest import ROOT

OUT = Path("data/out.txt")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Stand in a small project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        f'[dependency-groups]\ntables = ["pandas=={version("pandas")}"]\n'
    )
    (tmp_path / "params.yaml").write_text("clean:\n  min_words: 3\n")
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "clean.py").write_text("# the code\n")
    (tmp_path / "stages" / "split.py").write_text("# the code\n")
    return tmp_path


def write_out(text="done"):
    with atomic.write(OUT) as temporary:
        temporary.write_text(text)


def ran(main, *groups):
    return CliRunner().invoke(command(main, *(groups or ("tables",))), [])


def test_a_run_that_ends_well_keeps_its_outputs():
    def main() -> None:
        write_out()

    result = ran(main)
    assert (result.exit_code, result.output) == (0, "")
    assert OUT.read_text() == "done"


def test_options_of_main_are_options_of_the_command():
    def main(text: str = "default") -> None:
        """Write a text."""
        write_out(text)

    app = command(main, "tables")
    assert CliRunner().invoke(app, ["--text", "given"]).exit_code == 0
    assert OUT.read_text() == "given"
    assert "Write a text." in CliRunner().invoke(app, ["--help"]).output


def test_a_problem_exits_with_1_in_ten_lines_and_takes_its_outputs_back():
    def main() -> None:
        write_out()
        raise UserError(
            "\n".join(f"faq.csv: row {at} has no title" for at in range(50)), "add them"
        )

    result = ran(main)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) <= 10
    assert lines[0] == "error: faq.csv: row 0 has no title"
    assert lines[-1] == "  remedy: add them"
    assert result.stdout == ""
    assert not OUT.exists()


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("a bug"), 1), (KeyboardInterrupt(), 130), (SystemExit(3), 3)]
)
def test_any_other_end_takes_the_outputs_back_too(error, code):
    def main() -> None:
        write_out()
        raise error

    assert ran(main).exit_code == code
    assert not OUT.exists()


@pytest.mark.parametrize("error", [UserError("a fact", "a remedy"), KeyboardInterrupt()])
def test_a_run_that_fails_leaves_what_stood_there(error):
    OUT.parent.mkdir()
    OUT.write_text("before")

    def main() -> None:
        write_out("new")
        write_out("newer")
        raise error

    assert ran(main).exit_code != 0
    assert OUT.read_text() == "before"
    assert [path.name for path in OUT.parent.iterdir()] == [OUT.name]


def test_a_rollback_that_fails_is_printed_beside_the_error(monkeypatch):
    def refuse() -> None:
        raise UserError("data/out.txt could not be put back", "put it back by hand")

    def main() -> None:
        raise UserError("a fact", "a remedy")

    monkeypatch.setattr(atomic, "rollback", refuse)
    result = ran(main)
    assert result.exit_code == 1
    assert "could not be put back" in result.stderr and "error: a fact" in result.stderr


def test_a_bug_keeps_its_traceback():
    def main() -> None:
        raise ValueError("a bug")

    assert repr(ran(main).exception) == repr(ValueError("a bug"))


def test_editing_the_parameters_meanwhile_fails_the_run():
    def main() -> None:
        write_out()
        Path("params.yaml").write_text("clean:\n  min_words: 4\n")

    result = ran(main)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: params.yaml changed while the stage was running")
    assert not OUT.exists()


def test_removing_the_parameters_meanwhile_fails_the_run():
    def main() -> None:
        Path("params.yaml").unlink()

    assert ran(main).stderr.startswith("error: params.yaml changed")


def test_editing_loaded_code_meanwhile_fails_the_run_and_other_code_does_not(project, monkeypatch):
    module = type(sys)("stages.clean")
    module.__file__ = str(project / "stages" / "clean.py")
    monkeypatch.setitem(sys.modules, "a_loaded_stage", module)

    def edit_other() -> None:
        Path("stages/split.py").write_text("# edited\n")

    def edit_own() -> None:
        Path("stages/clean.py").write_text("# edited\n")

    assert ran(edit_other).exit_code == 0
    result = ran(edit_own)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: stages/clean.py changed while the stage was running")


def test_touching_a_file_is_no_edit():
    def main() -> None:
        os.utime("params.yaml", (1, 1))

    assert ran(main).exit_code == 0


def test_a_wrong_pin_fails_before_any_work(project):
    (project / "pyproject.toml").write_text('[dependency-groups]\ntables = ["pandas==0.1"]\n')

    def main() -> None:
        write_out()

    result = ran(main)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: pyproject.toml pins pandas to 0.1, but here it is {version('pandas')}\n  remedy: run 'make setup'\n"
    )
    assert not OUT.exists()


@pytest.mark.parametrize(
    ("pin", "fact"),
    [
        ("no-such-package==1.0", "pins no-such-package to 1.0, but here it is not installed"),
        ("numpy==1.0", f"pins numpy to 1.0, but here it is {version('numpy')}"),
        ("pandas[excel]==1.0", f"pins pandas to 1.0, but here it is {version('pandas')}"),
    ],
)
def test_check_pins_names_package_and_versions(project, pin, fact):
    (project / "pyproject.toml").write_text(
        f'[dependency-groups]\ngood = ["numpy=={np.__version__}"]\nbad = ["{pin}"]'
    )
    check_pins(["good"])
    with pytest.raises(UserError, match=r"pyproject\.toml pins") as caught:
        check_pins(["good", "bad"])
    assert fact in caught.value.fact


def test_a_local_build_is_the_same_release(project, monkeypatch):
    monkeypatch.setattr(stage, "version", lambda name: "2.13.0+cpu")
    (project / "pyproject.toml").write_text('[dependency-groups]\nmodel = ["torch==2.13.0"]\n')
    check_pins(["model"])


def test_metrics_are_sorted_rounded_and_end_with_a_line_break(tmp_path):
    path = tmp_path / "metrics" / "clean.json"
    write_metrics({"b": 2 / 3, "a": 7, "c": np.float64(0.5), "d": "x", "e": True}, path)
    assert (
        path.read_text()
        == '{\n  "a": 7,\n  "b": 0.6667,\n  "c": 0.5,\n  "d": "x",\n  "e": true\n}\n'
    )


def test_metrics_have_no_negative_zero(tmp_path):
    write_metrics({"gain": -0.00001}, tmp_path / "m.json")
    assert (tmp_path / "m.json").read_text() == '{\n  "gain": 0.0\n}\n'


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf"), np.float64("nan")])
def test_metrics_that_are_no_numbers_are_refused_by_name(tmp_path, bad):
    path = tmp_path / "m.json"
    write_metrics({"a": 1}, path)
    with pytest.raises(UserError, match=f"{path}: gain, loss came out"):
        write_metrics({"gain": bad, "loss": bad, "rows": 3}, path)
    assert json.loads(path.read_text()) == {"a": 1}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_silent_when_not_on_a_terminal(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress([1, 2, 3], 3, "counting")) == [1, 2, 3]
    assert stream.getvalue() == ""


def test_progress_is_silent_in_ci(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("CI", "true")
    assert list(progress([1, 2, 3], 3, "counting")) == [1, 2, 3]
    assert stream.getvalue() == ""


def test_progress_shows_its_label_on_a_terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress([1, 2, 3], 3, "counting")) == [1, 2, 3]
    assert "counting" in stream.getvalue()


def test_models_are_looked_for_on_this_disk_alone():
    assert (os.environ["HF_HUB_OFFLINE"], os.environ["TRANSFORMERS_OFFLINE"]) == ("1", "1")


PRODUCT = """
import hashlib, sys
import numpy as np
from stages.lib.core.stage import command
chance = np.random.default_rng(1)
left, right = (chance.standard_normal((rows, 384), dtype=np.float32) for rows in (300, 5000))
def main():
    print(hashlib.sha256((left @ right.T).tobytes()).hexdigest())
command(main)()
"""


@pytest.mark.slow
def test_products_have_the_same_bits_on_any_number_of_threads(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    said = set()
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
        said.add(
            subprocess.run([sys.executable, "-c", PRODUCT], capture_output=True, check=True).stdout
        )
    assert len(said) == 1


def test_afterwards_numpy_has_its_threads_back():
    openblas = ThreadpoolController().select(internal_api="openblas")
    with openblas.limit(limits=2):

        def main():
            assert [one["num_threads"] for one in openblas.info()] == [1] * len(openblas)

        assert ran(main).exit_code == 0
        assert [one["num_threads"] for one in openblas.info()] == [2] * len(openblas)
