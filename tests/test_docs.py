"""The documentation is true: its code runs, prints what it says, and names commands that exist."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from java import has_java
from snippets import blocks, is_walked, run, run_page

import tvbo_lite
from tvbo_lite.cli import COMMANDS
from tvbo_lite.resources import folder
from tvbo_lite.transforms import instantiate, shapes

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "mkdocs.yml"))]
EXAMPLE = folder("reference_examples") / "izhikevich"
ROUGHLY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


WITH_CODE = [page for page in PAGES if any(block.language == "python" for block in blocks(text_of(page)))]
WALKED = [page for page in PAGES if is_walked(page)]


@pytest.mark.parametrize("page", sorted({*WITH_CODE, *WALKED}), ids=lambda page: page.name)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """All Python blocks run in order, on how-to pages the commands and files between them too; a block marked
    ``output`` is what the one before it prints.
    """
    shutil.copy(EXAMPLE / "experiment.yaml", tmp_path)
    (tmp_path / "reference_examples").symlink_to(EXAMPLE.parent)
    outputs = run_page(text_of(page), tmp_path, walked=page in WALKED, java=has_java())
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


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_no_page_names_a_place_on_one_machine(page: Path) -> None:
    """Nothing points to a folder that only its author has."""
    assert re.findall(r"/(?:root|home|work|Users)/\S*|\.\./shared\S*", page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page exists."""
    text = "\n".join(
        line for line in page.read_text(encoding="utf-8").splitlines() if not line.startswith("```")
    )
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
