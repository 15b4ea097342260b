"""What the documents say is so: snippets run, paths exist, tables are fresh, versions agree, examples work.

Snippets are run as they stand, but for their budgets: a minute of tuning, or twenty trials, become two short trials.
"""

import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import yaml

import cotune
from cotune.demo import digits
from cotune.recipe import make, schema
from cotune.recipe.names import METRICS
from cotune.search.rungs.table import BREEDING, RUNGS
from cotune.search.strategies import STRATEGIES
from study.tiny import command

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BUDGETS = (
    (r"--(time-limit|trials) \w+", "--trials 2 --epochs 2"),
    (r'time_limit="\w+"|\btrials=\d+', "trials=2, epochs=2"),
    # The demo has its budget inside; a short study of the same data stands in for it here.
    (r"cotune demo", "cotune tune runs/demo/data.parquet --target digit --trials 2 --epochs 2"),
)
ELSEWHERE = ("make ", "pip ", "source ", "python benchmarks/", "python -m pytest", ".ci/run")
"""Beginnings of shell lines that are no use of cotune."""


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


def shell_lines(path: Path) -> list[str]:
    """The commands of a document: its shell blocks, and the last column of the table of commands."""
    lines = re.findall(r"\| `(cotune [^`]+)` \|$", path.read_text(encoding="utf-8"), re.M)
    return lines + [line for block in blocks(path, "sh") for line in block.splitlines() if line.strip()]


def short(text: str) -> str:
    """The same with a tiny budget."""
    for pattern, small in BUDGETS:
        text = re.sub(pattern, small, text)
    return text


def shell(command: str, folder: Path) -> str:
    """Run a command in `folder` with this environment's `cotune`; its output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves: a study of the digits (a short one here), with a copy of the data."""
    place = tmp_path_factory.mktemp("readme")
    cotune.tune(digits(), target="digit", trials=4, epochs=2, out=place / "runs" / "demo")
    return place


COMMANDS = [
    line
    for path in DOCUMENTS
    for line in shell_lines(path)
    if line.startswith("cotune ") and "COMMAND" not in line
]


@pytest.mark.parametrize("line", list(dict.fromkeys(COMMANDS)), ids=lambda line: line[:50])
def test_shell_lines_run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, since starting one takes longer than most commands do."""
    monkeypatch.chdir(folder)
    words = shlex.split(short(line), comments=True)
    words, into = (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, None)
    said = command(*words[1:])
    assert said.code == 0, said.err
    if into:
        (folder / into).write_text(said.out, encoding="utf-8")


def test_a_shell_line_runs_in_a_shell(folder: Path) -> None:
    assert shell("cotune show runs/demo", folder)


def test_every_shell_line_is_known() -> None:
    for path in DOCUMENTS:
        for line in shell_lines(path):
            assert line.startswith(("cotune ", *ELSEWHERE)), f"{path.name}: who runs this? {line}"


def test_every_command_is_in_the_readme() -> None:
    from cotune.cli import app

    named = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(named) == sorted(
        command.name or command.callback.__name__ for command in app.registered_commands
    )


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if blocks(path, "python")], ids=lambda p: p.name)
def test_python_blocks_run(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    code = short("\n".join(["import cotune", *blocks(path, "python")]))
    exec(compile(code, path.name, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own documents


def test_yaml_blocks_are_recipes() -> None:
    whole, *several = blocks(ROOT / "docs" / "recipe.md", "yaml")
    assert make(yaml.safe_load(whole)).network.dropout == 0.1
    assert len(several) == 2
    for line in "\n".join(several).splitlines():  # the same key in several forms
        if line and not line.startswith("search:"):
            make(**yaml.safe_load(line))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_what_is_named_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (path.parent / link).exists(), f"{path.name} links to {link}"
    for name in re.findall(r"`((?:src|tests|docs|examples|benchmarks)/[\w./]+)`", text):
        assert (ROOT / name).exists(), f"{path.name} names {name}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for words in re.findall(r"^make ([a-z -]+?) *(?:#.*)?$|`make ([a-z-]+)`", text, re.M):
        assert set(" ".join(words).split()) <= targets, f"{path.name}: make {' '.join(words)}"


def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_and_schema_are_fresh() -> None:
    made = generator()
    for name, tables in made.PAGES.items():
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert page == made.page(page, tables()), "run `make docs`"
    written = (ROOT / "docs" / "recipe.schema.json").read_text(encoding="utf-8")
    assert written == generator().json_schema(), "run `make docs`"


def test_meanings_are_of_keys_that_exist_and_have_no_description() -> None:
    known = schema.leaves()
    assert [name for name in generator().MEANINGS if name not in known or known[name][1].description] == []


@pytest.mark.parametrize("name", [name for name, (_, domain) in schema.domains().items() if domain.source])
def test_what_a_domain_names_as_its_source_is_one(name: str) -> None:
    """Each work by author and year; what a key means stands in the page's generator."""
    for work in schema.domains()[name][1].source.split("; "):
        assert re.search(r"[A-Z]\w+.* (1[89]|20)\d\d", work), work


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest is not None
    assert project["version"] == cotune.__version__ == newest.group(1)


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert all(f"   {n}. " in text for n in range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in text


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make test\b", script, re.M)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_names_of_strategies_and_metrics_agree_everywhere() -> None:
    section = schema.SearchSection.model_fields
    assert set(STRATEGIES) == set(get_args(section["strategy"].annotation))
    assert {"auto", *METRICS} == set(get_args(section["metric"].annotation))
    text = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    strategies, rungs = (re.findall(r"^\| `([\w-]+)` \|", part, re.M) for part in text.split("\n## Rungs\n"))
    assert set(strategies) == set(STRATEGIES)
    assert {*rungs, BREEDING} == {"rungs", *RUNGS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_examples_are_numbered() -> None:
    assert [path.name[:3] for path in EXAMPLES] == [f"{n:02}_" for n in range(1, len(EXAMPLES) + 1)]


@pytest.mark.slow
def test_the_demo_reads_digits(tmp_path: Path) -> None:
    shell("cotune demo -q", tmp_path)
    found = cotune.load(tmp_path / "runs" / "demo").show()
    assert found["best"]["test_score"] >= 0.97
