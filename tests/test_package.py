"""What a user installs: light to import, and only what belongs in it."""

import subprocess
import sys
from importlib.metadata import distribution

HEAVY = ("numpy", "scipy", "pandas", "mne", "yasa", "matplotlib", "pydantic", "sklearn", "dask")


def _modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules, sep='\\n')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_import_swa_loads_no_heavy_library() -> None:
    loaded = _modules_after("import swa")
    assert "swa" in loaded
    assert not loaded & set(HEAVY)


def test_help_loads_no_heavy_library() -> None:
    statement = "import contextlib, swa_cli.main as m\ntry: m.main(['--help'])\nexcept SystemExit: pass"
    code = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "inspect" in ran.stdout
    assert not set(ran.stdout.split()) & set(HEAVY)


def test_every_public_name_is_there() -> None:
    import swa

    for name in swa.__all__:
        assert getattr(swa, name) is not None


def test_no_public_function_shares_the_name_of_a_module() -> None:
    import swa

    modules = {"night", "settings", "pipeline", "errors", "recordings", "sleep", "measures", "study", "comparison"}
    assert not modules & set(swa.__all__)


def test_distribution_holds_only_swa_and_its_command_line() -> None:
    files = [str(file) for file in distribution("swa").files or ()]
    tops = {file.split("/")[0] for file in files if not file.startswith(("..", "__editable__"))}
    assert all(top in ("swa", "swa_cli", "__pycache__") or top.endswith(".dist-info") for top in tops), tops


def test_typed_marker_and_templates_are_installed() -> None:
    from importlib.resources import files

    assert (files("swa") / "py.typed").is_file()
    templates = [item.name for item in (files("swa") / "report" / "templates").iterdir()]
    assert any(name.endswith(".html") or ".html" in name for name in templates)
