"""The public names: all there, documented, at home where they say, and cheap to import."""

import subprocess
import sys

import pytest

import cotune


@pytest.mark.parametrize("name", cotune.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(cotune, name)
    assert value.__name__ == name
    assert value.__module__.startswith("cotune.")
    assert (value.__doc__ or "").strip()


def test_the_list_is_sorted_and_complete() -> None:
    assert cotune.__all__ == sorted(cotune.__all__)
    assert set(cotune.__all__) == set(cotune._HOMES) | {"CotuneError"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tuna'"):
        _ = cotune.tuna


def test_importing_cotune_does_not_import_torch() -> None:
    """Torch takes seconds; the command line speaks before that."""
    code = "import sys, cotune, cotune.cli; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
