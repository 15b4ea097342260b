"""What import-linter's contracts leave open, and rules of the house that a syntax tree can show."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "cotune"
FILES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def module_of(path: Path) -> str:
    """`src/cotune/data/split.py` → `cotune.data.split`; a package is its own name."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """Every module that a file imports from, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {_home(node.module or "", alias.name) for alias in node.names}
    return found


def _home(package: str, name: str) -> str:
    """The module that `from package import name` is about."""
    place = SOURCE.parent.joinpath(*package.split("."))
    is_module = (place / f"{name}.py").exists() or (place / name / "__init__.py").exists()
    return f"{package}.{name}" if is_module else package


def test_every_module_stands_in_a_layer() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {name.strip() for layer in layers for name in layer.split("|")}
    here = {
        f"cotune.{path.stem}" for path in SOURCE.iterdir() if path.suffix == ".py" and path.stem != "__init__"
    }
    here |= {f"cotune.{path.name}" for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert named == here


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_inside_a_package_siblings_are_imported(path: Path) -> None:
    """A package's `__init__` is for others: within, it makes cycles."""
    parts = module_of(path).split(".")
    if path.name == "__init__.py" or len(parts) < 3:
        return
    assert ".".join(parts[:2]) not in imported(path)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_unpickles_or_evaluates(path: Path) -> None:
    assert not FORBIDDEN & {name.split(".")[0] for name in imported(path)}
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "__import__"}
