"""Run an example in a scratch clone: data, parameters, the pipeline, and questions at the end.

    python examples/run.py faq                 into runs/examples/faq; `make example NAME=faq`
    python examples/run.py faq --into FOLDER   into another new folder

The clone is of the last commit of this checkout, in which nothing changes. A folder of examples/
holds params.yaml (what differs from the one of the project), questions.txt (one question a line),
and its data, if it has any. With a releases.csv the pipeline runs once for each release of an
ontology, with a commit and a verdict each. The clone uses the Python that runs this file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from examples.releases import RELEASES, place, read_releases
from stages.commands.init.demo import demo_changes
from stages.commands.init.params_text import set_values
from stages.lib.core.atomic import write_text
from stages.lib.core.errors import UserError
from stages.lib.core.yaml_files import read_yaml

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
OVERLAY = "params.yaml"
QUESTIONS = "questions.txt"
SETTINGS = (OVERLAY, QUESTIONS, RELEASES)
# Where the reader of an ontology expects the file of a release.
ONTOLOGY = Path("data/raw/hp.obo")

# Who commits in the clone. git needs a name.
COMMITTER = ["-c", "user.name=example", "-c", "user.email=example@localhost"]


def names() -> list[str]:
    """Return the names of the examples that can be run."""
    return sorted(path.parent.name for path in EXAMPLES.glob(f"*/{OVERLAY}"))


def data_files(name: str) -> list[Path]:
    """Return the data of an example, relative to the root of the project."""
    files = [path for path in (EXAMPLES / name).iterdir() if path.name not in SETTINGS]
    return sorted(path.relative_to(ROOT) for path in files)


def questions(name: str) -> list[str]:
    """Return the questions that are asked at the end."""
    return (EXAMPLES / name / QUESTIONS).read_text("utf-8").splitlines()


def overlay(text: str, changed: Path) -> str:
    """Return the text of params.yaml with the values of the file `changed`."""
    values = {
        f"{section}.{key}": value
        for section, keys in read_yaml(changed).items()
        for key, value in keys.items()
    }
    return set_values(text, values)


def prepare(name: str, clone: Path) -> None:
    """Clone the project, and make the example its data, in one commit.

    Raises:
        UserError: there is no such example, or `clone` exists.
    """
    if name not in names():
        raise UserError(f"there is no example {name!r}", f"choose one of: {', '.join(names())}")
    if clone.exists():
        raise UserError(f"{clone} exists", "remove it, or name another folder with --into")

    clone.parent.mkdir(parents=True, exist_ok=True)
    run(["git", "clone", "--quiet", str(ROOT), str(clone)], ROOT)

    # The data, as a user takes it: `init` guesses the settings and removes the default data.
    files = [str(path) for path in data_files(name)]
    if files:
        run([sys.executable, "-m", "stages", "init", *files, "--yes"], clone)

    # What this example sets besides.
    params = clone / "params.yaml"
    changed = overlay(params.read_text("utf-8"), EXAMPLES / name / OVERLAY)
    write_text(params, changed)
    commit(f"Start the example {name}", clone)


def train(clone: Path) -> None:
    """Run the pipeline of the clone."""
    run([sys.executable, "-m", "dvc", "repro"], clone)


def has_releases(name: str) -> bool:
    """Return True if an example replays releases."""
    return (EXAMPLES / name / RELEASES).is_file()


def replay(name: str, clone: Path) -> None:
    """Run the pipeline for each release, with a commit and a tag each, and compare neighbours."""
    forget_results(clone)
    before = ""
    for release in read_releases(EXAMPLES / name / RELEASES):
        # What was held out stays held out when rows come and go.
        if before:
            run([sys.executable, "-m", "stages", "freeze"], clone)

        # The data of this release, and its run.
        sys.stdout.write(f"\nRelease {release.date}\n")
        sys.stdout.flush()
        place(release, clone / ONTOLOGY)
        run([sys.executable, "-m", "dvc", "add", "--quiet", str(ONTOLOGY)], clone)
        train(clone)
        commit(f"Take the release {release.date}", clone)
        run(["git", "tag", release.date], clone)

        # On what both releases have, and then on all that the newer one has.
        if before:
            command = [sys.executable, "-m", "stages", "compare", before, release.date]
            run(command, clone)
            run([*command, "--rescore"], clone)
        before = release.date


def forget_results(clone: Path) -> None:
    """Remove the results of the default data, so that the history of results begins here."""
    for path, content in demo_changes(clone).items():
        if path.parts[0] != "metrics":
            continue
        if content is None:
            (clone / path).unlink()
        else:
            (clone / path).write_bytes(content)
    commit("Begin a history of results", clone)


def commit(message: str, clone: Path) -> None:
    """Commit everything in the clone."""
    run(["git", "add", "--all"], clone)
    run(["git", *COMMITTER, "commit", "--quiet", "--message", message], clone)


def show(name: str, clone: Path) -> None:
    """Print the headline, and the questions before and after training."""
    run([sys.executable, "-m", "stages", "headline"], clone)
    run([sys.executable, "-m", "stages", "ask", *questions(name)], clone)


def run(command: Sequence[str], folder: Path) -> None:
    """Run a command in `folder`, with the Python of this process first on PATH.

    Raises:
        UserError: the command failed. It has printed why.
    """
    # The stages start as 'python'. Environments of Python lie beside it.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    status = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=False)
    if status.returncode:
        raise UserError(
            f"'{' '.join(command[:4])}' failed in {folder}", "read what it printed above"
        )


def main(arguments: Sequence[str]) -> int:
    """Run the example that `arguments` name, and return the exit code."""
    parser = argparse.ArgumentParser(description="Run an example in a scratch clone.")
    parser.add_argument("name", help=f"which example: {', '.join(names())}")
    parser.add_argument("--into", type=Path, help="a new folder; default: runs/examples/NAME")
    options = parser.parse_args(arguments)

    clone = options.into or ROOT / "runs/examples" / options.name
    try:
        prepare(options.name, clone.absolute())
        if has_releases(options.name):
            replay(options.name, clone)
        else:
            train(clone)
        show(options.name, clone)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"\nThe page of this run: {clone / 'data/report/index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
