"""The documentation is true: its code runs, prints what it says, and names commands that exist."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path

import dialect
import pytest
import translations
import walks
import yaml
from examples import TOPICS
from java import has_java
from snippets import blocks, is_walked, run, run_page

import tvbo_lite
from tvbo_lite.backends import BACKENDS
from tvbo_lite.cli import COMMANDS
from tvbo_lite.compiler.methods import ALIASES, EXPONENTIAL, METHODS
from tvbo_lite.formats import FORMATS
from tvbo_lite.resources import folder
from tvbo_lite.transforms import instantiate, shapes

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "mkdocs.yml"))]
EXAMPLE = folder("reference_examples") / "izhikevich"
ROUGHLY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def short(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


WITH_CODE = [page for page in PAGES if any(block.language == "python" for block in blocks(text_of(page)))]
WALKED = [page for page in PAGES if is_walked(page)]
GALLERY = ["index", *(name for names in TOPICS.values() for name in names)]
MADE = {
    ROOT / "docs" / path
    for path in (dialect.PAGE, translations.PAGE, *(f"gallery/{name}.md" for name in GALLERY))
}


@pytest.mark.parametrize("page", sorted({*WITH_CODE, *WALKED}), ids=short)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """All Python blocks run in order, on how-to pages the commands and files between them too; a block marked
    ``output`` is what the one before it prints, and pictures of how-to pages are what they draw.
    """
    if page in WALKED and sys.platform == "win32":
        pytest.skip("its commands are those of a Unix shell")
    shutil.copy(EXAMPLE / "experiment.yaml", tmp_path)
    outputs = run_page(text_of(page), tmp_path, walked=page in WALKED, java=has_java())
    if page in WALKED and has_java():
        assert [name for name in walks.drawn(text_of(page)) if not (tmp_path / name).is_file()] == []
    last = -1
    for block in blocks(text_of(page)):
        if block.language == "python" or (page in WALKED and block.language == "bash"):
            last = block.fence
        if block.language == "output" and last in outputs:
            wanted, got = block.text, outputs[last]
            same = doctest.OutputChecker().check_output(wanted, got, ROUGHLY)
            assert same, f"{page.name}:{block.fence + 1} shows\n{wanted}\nbut the code prints\n{got}"


def examples() -> list[tuple[int, str, bool]]:
    """Line, command and need of Java of every example on the command line's page."""
    return [
        (block.fence, line, block.java)
        for block in blocks(text_of(ROOT / "docs" / "cli.md"))
        if block.language == "bash"
        for line in block.lines
        if line.startswith("tvbo-lite ")
    ]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example[1])
def test_the_commands_of_the_page_run(example: tuple[int, str, bool], tmp_path: Path) -> None:
    """Every example on the command line's page ends well beside ``experiment.yaml`` and its traces."""
    _, line, java = example
    if java and not has_java():
        pytest.skip("no Java runtime")
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "traces").mkdir()
    for file in EXAMPLE.glob("*.dat"):
        shutil.copy(file, tmp_path / "traces")
    run([sys.executable, "-m", "tvbo_lite", *shlex.split(line)[1:]], tmp_path)


def test_every_command_has_its_example() -> None:
    """The command line's page shows each subcommand at work."""
    assert {line.split()[1] for _, line, _ in examples()} - {"--help", "--version"} == set(COMMANDS)


def test_the_readme_begins_with_the_two_commands() -> None:
    """The first block of shell is the main job, the second all tests; ``.ci/run`` runs both as they are."""
    first, second = [block for block in blocks(text_of(README)) if block.language == "bash"][:2]
    assert "tvbo-lite compare reference_examples/izhikevich/experiment.yaml" in " ".join(first.lines)
    assert "--plot izhikevich.png" in " ".join(first.lines)
    assert second.lines[-1].endswith("-m pytest")
    runner = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "readme_command 1" in runner
    assert "readme_command 2" in runner


def test_the_workflow_of_the_page_on_ci_is_run() -> None:
    """Its steps are the commands that the page runs below it, but for the installation."""
    found = list(blocks(text_of(ROOT / "docs" / "howto" / "ci.md")))
    workflow = next(yaml.safe_load(block.text) for block in found if block.title)
    steps = [step["run"] for step in workflow["jobs"]["model"]["steps"] if "run" in step]
    shell = [line for block in found if block.language == "bash" for line in block.lines]
    assert [step for step in steps if step not in shell] == ['pip install "tvbo-lite[java]"']


def test_the_start_installs_as_the_readme_does() -> None:
    """Its commands are those that ``.ci/run`` runs, with an extra that there is."""
    install = next(
        block for block in blocks(text_of(ROOT / "docs" / "start.md")) if block.language == "console"
    )
    venv, pip = (line.removeprefix("$ ") for line in install.lines[:2])
    first = next(block for block in blocks(text_of(README)) if block.language == "bash")
    assert first.text.startswith(f"{venv} && {pip.partition(chr(39))[0]}. ")
    extras = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["optional-dependencies"]
    assert pip.endswith("'.[java]'")
    assert "java" in extras


def test_the_page_on_formats_lists_all() -> None:
    """Each format has its row, which says whether it is read and written."""
    rows = re.findall(
        r"^\| (`.*?) \| *(yes)? *\| *([^|]*?) *\|", text_of(ROOT / "docs" / "formats.md"), re.MULTILINE
    )
    told = {
        name: (bool(read), bool(written))
        for names, read, written in rows
        for name in re.findall(r"`(\w+)`", names)
        if name in FORMATS
    }
    assert told == {name: (bool(item.reader), bool(item.writer)) for name, item in FORMATS.items()}


def test_the_page_on_backends_lists_the_other_simulators() -> None:
    """Each backend that is neither ours nor jLEMS has its row."""
    rows = re.findall(r"^\| `(\w+)` \|", text_of(ROOT / "docs" / "backends.md"), re.MULTILINE)
    assert set(BACKENDS) - {"native", "jlems"} <= set(rows)


def test_the_page_on_methods_lists_all() -> None:
    """Each integration method of the built-in engine has its row."""
    text = text_of(ROOT / "docs" / "methods.md")
    names = [
        name
        for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert {*METHODS, EXPONENTIAL, *ALIASES} <= {*names}


def test_the_page_on_lems_names_every_structure_element() -> None:
    """What structures may hold is written down."""
    text = (ROOT / "docs" / "lems.md").read_text(encoding="utf-8")
    elements = [*shapes.MAKERS, *instantiate.CONNECTORS]
    assert [name for name in elements if f"`{name}`" not in text] == []


def test_the_files_about_the_project_agree_on_its_version() -> None:
    """The version stands in the package, in the changelog and in the citation."""
    version = tvbo_lite.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {version} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", TEXTS, ids=short)
def test_no_page_names_a_place_on_one_machine(page: Path) -> None:
    """Nothing points to a folder that only its author has."""
    assert re.findall(r"/(?:root|home|work|Users)/\S*|\.\./shared\S*", page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page exists, or is made with the site."""
    text = "\n".join(
        line for line in page.read_text(encoding="utf-8").splitlines() if not line.startswith("```")
    )
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    drawn = walks.drawn(text_of(page)) if page in WALKED else []
    missing = [
        link
        for link in links
        if "://" not in link and not (page.parent / link).resolve().exists() and link not in drawn
    ]
    assert [link for link in missing if (page.parent / link).resolve() not in MADE] == []
