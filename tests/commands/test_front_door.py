"""python -m stages lists what there is at once, and says what it does not know in a sentence."""

import subprocess
import sys
import time

import pytest

from stages.__main__ import listing, main, question_files, stage_files
from stages.commands.pipeline import order, read_pipeline


def run(*arguments):
    command = [sys.executable, "-m", "stages", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def fastest(limit, *arguments):
    """Return the shortest time, in seconds, of up to five runs: a busy machine is not the code's fault."""
    times = []
    while len(times) < 5 and min(times, default=limit) >= limit:
        start = time.perf_counter()
        assert run(*arguments).returncode == 0
        times.append(time.perf_counter() - start)
    return min(times)


def test_the_list_names_every_stage_in_pipeline_order():
    lines = listing().splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ")]
    assert named == [*order(), *question_files()]


def test_the_list_says_what_each_stage_does():
    lines = {
        line.split()[0]: " ".join(line.split()[1:])
        for line in listing().splitlines()
        if line.startswith("  ")
    }
    assert {name: lines[name] for name in order()} == {
        name: stage.desc for name, stage in read_pipeline().items()
    }


def test_the_list_is_there_in_half_a_second():
    assert fastest(0.5) < 0.5


def test_the_list_imports_nothing_heavy():
    code = "import sys; from stages.__main__ import listing; listing(); print({'pandas', 'typer'} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "set()\n"
    )


@pytest.mark.parametrize("name", [*stage_files(), *question_files()])
def test_help_is_there_in_a_second_and_a_half(name):
    assert fastest(1.5, name, "--help") < 1.5


def test_the_door_leads_to_the_module():
    through, direct = (
        subprocess.run(
            [sys.executable, "-m", *words, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for words in (["stages", "deduplicate"], ["stages.deduplicate"])
    )
    assert through == direct


def test_options_are_passed_on():
    result = run("explain", "d0", "--data", "nowhere")
    assert result.returncode == 1
    assert result.stderr.startswith("error: 'd0' is too short")


def test_a_wrong_name_is_answered_with_close_ones(capsys):
    assert main(["splitt"]) == 1
    assert (
        capsys.readouterr().err
        == "error: there is no stage or question 'splitt'\n  remedy: did you mean split?\n"
    )


def test_a_name_like_no_other_is_answered_with_the_way_to_the_list(capsys):
    assert main(["xyzzy"]) == 1
    assert "remedy: 'python -m stages' lists what there is" in capsys.readouterr().err
