"""Layout: who imports whom, what the wheel holds, lengths, names, and what may not be committed."""

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("cli", "configs", "models", "offline", "realtime")
# Each folder (the deepest that matches counts) and the packages that it may import besides itself.
MAY_IMPORT = {
    "configs": set(),
    "models": {"configs"},
    "offline": {"models", "configs"},
    "realtime": {"models", "configs"},
    "realtime/ui": {"models", "configs", "realtime"},
    "cli": {"models", "configs", "offline", "realtime", "realtime/ui"},
}
ONLY_IN = {
    "PyQt5": ("realtime/ui",),
    "pyqtgraph": ("realtime/ui",),
    "pylsl": ("realtime", "offline/replay"),
}
NOT_IN = {
    "models/signals": {"torch", "threading", "multiprocessing", "pathlib", "io", "os", "concurrent"},
    "models/streaming": {"threading", "multiprocessing", "concurrent", "time", "mmap"},
}


def product_files() -> list[Path]:
    return sorted(p for package_name in PACKAGES for p in (ROOT / package_name).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every imported module as an absolute dotted name, with its line."""
    package = ["moodring", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{stem}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", product_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_in_the_allowed_direction(path: Path) -> None:
    place = path.relative_to(ROOT).with_suffix("").as_posix()
    folder = max((f for f in MAY_IMPORT if place.startswith(f + "/")), key=len)
    allowed = MAY_IMPORT[folder] | {folder.split("/")[0]}
    broken = []
    for name, line in imported(path):
        head, *rest = name.split(".")
        if head == "moodring":
            package_name = rest[0] if rest else ""
            inside_ui = name.startswith("moodring.realtime.ui")
            if package_name in PACKAGES and (
                package_name not in allowed or (inside_ui and folder not in ("realtime/ui", "cli"))
            ):
                broken.append(f"{place}:{line} imports {name}")
            if package_name == "__main__" or (package_name == "cli" and folder != "cli"):
                broken.append(f"{place}:{line} imports the command line")
        for outside, homes in ONLY_IN.items():
            if head == outside and not place.startswith(homes):
                broken.append(f"{place}:{line} imports {outside}")
        for home, unknown in NOT_IN.items():
            if place.startswith(home + "/") and head in unknown:
                broken.append(f"{place}:{line}: {home} knows no {head}")
    assert not broken


def test_the_decision_core_knows_rings_by_their_protocol_alone() -> None:
    core = [path for path in product_files() if path.is_relative_to(ROOT / "models" / "streaming")]
    named = {
        path.name: name for path in core for name, _ in imported(path) if name.startswith("moodring.models.io.ring")
    }
    assert core
    assert not named


def test_a_file_has_at_most_400_lines() -> None:
    lengths = {p.relative_to(ROOT).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in product_files()}
    assert not {name: lines for name, lines in lengths.items() if lines > 400}


def test_a_folder_has_at_most_sixteen_modules() -> None:
    modules = Counter(p.parent.relative_to(ROOT).as_posix() for p in product_files() if p.name != "__init__.py")
    assert not {folder: count for folder, count in modules.items() if count > 16}


def test_docstrings_say_what_is_returned() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in product_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and re.match(r"(Give|Say|Tell|Ask)s? ", ast.get_docstring(node) or "")
    ]
    assert not found, "begin with 'Return …' or another plain imperative"


def test_files_import_each_other_in_no_circle() -> None:
    """Not even inside functions or for types alone."""
    files = {
        ".".join(["moodring", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"): path
        for path in product_files()
    }
    graph = {
        name: {part for other, _ in imported(path) for part in (other, other.rpartition(".")[0]) if part in files}
        - {name}
        for name, path in files.items()
    }
    TopologicalSorter(graph).prepare()


def test_what_every_package_may_import_imports_no_package() -> None:
    assert not [name for name, _ in imported(ROOT / "processes.py") if name.split(".")[0] == "moodring"]


def test_every_package_on_disk_is_in_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    on_disk = {"moodring"} | {
        "moodring." + ".".join(p.parent.relative_to(ROOT).parts) for p in product_files() if p.name == "__init__.py"
    }
    homeless = {p.parent for p in product_files()} - {p.parent for p in product_files() if p.name == "__init__.py"}
    assert listed == on_disk
    assert not homeless


def test_every_dependency_is_pinned_and_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split("\n")
    }
    files = [*product_files(), *ROOT.glob("*.py")]
    modules = {name.split(".")[0] for path in files for name, _ in imported(path)}
    module_of = {
        "opencv-python": "cv2",
        "pywavelets": "pywt",
        "scikit-learn": "sklearn",
        "pyqt5": "PyQt5",
        "pillow": "PIL",
    }
    unused = []
    for requirement in project["dependencies"]:
        name = re.split(r"[\[><=; ]", requirement)[0].lower().replace("_", "-")
        assert name in pins, f"{name} has no pin in constraints.txt"
        module = module_of.get(name, name.replace("-", "_"))
        mentioned = any(f'"{module}"' in p.read_text(encoding="utf-8") for p in product_files())
        if module not in modules and not mentioned:
            unused.append(name)
    assert not unused


def test_the_project_speaks_only_of_itself() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    machine_path = re.compile(r"(?<![\w./])/(?:home|root|work|Users)/\w")
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".sh", ".txt", ".yaml"} and path != Path(__file__) and path.exists():
            text = path.read_text(encoding="utf-8")
            assert not machine_path.search(text), f"{name} names a path of one machine"
