"""What a user installs: light to import, and only what belongs in it."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
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


CONDA = {"dask-core": "dask", "matplotlib-base": "matplotlib", "mne-base": "mne", "soxr-python": "soxr"}


def test_the_recipe_of_conda_asks_for_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = (ROOT / "examples" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    run = recipe.partition("  run:\n")[2].partition("\n\n")[0]
    wanted = {f"{CONDA.get(name, name)}>={least}" for name, least in re.findall(r"- ([\w-]+) >=([\d.]+)\n?", run)}
    assert wanted == set(project["dependencies"])
    assert f"  version: {project['version']}\n" in recipe
    assert f'  python_min: "{project["requires-python"].removeprefix(">=")}"\n' in recipe
    assert f"  summary: {project['description']}\n" in recipe
    assert all(f"- {name} = {target}\n" in recipe for name, target in project["scripts"].items())


def test_the_containers_hold_the_same_and_what_a_fresh_machine_lacks() -> None:
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    apptainer = (ROOT / "examples" / "cluster" / "swa.def").read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY (?!--)(.*) \S+$", docker, re.MULTILINE) for word in line.split()}
    assert copied == set(re.findall(r"^    (\S+) /source/\1$", apptainer, re.MULTILINE))
    assert copied == set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    bases = set(re.findall(r"^FROM (\S+)", docker, re.MULTILINE))
    assert bases == set(re.findall(r"^From: (\S+)", apptainer, re.MULTILINE))
    assert "libgomp1" in docker.rpartition("FROM ")[2]
    assert "libgomp1" in apptainer
    assert 'ENTRYPOINT ["swa"]' in docker
    assert 'exec swa "$@"' in apptainer
    assert set(re.findall(r"\w+(?==/tmp)", docker)) <= {"HOME", *re.findall(r"\w+(?==/tmp)", apptainer)}
