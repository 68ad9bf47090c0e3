"""Hostile input: what would take all memory, all time, or other people's files is refused, in words and at once."""

# ruff: noqa: E501  messages and small models read better unbroken

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tvbo_lite import SimulationExperiment, limits
from tvbo_lite.backends._time import Forecast
from tvbo_lite.cli import cli
from tvbo_lite.errors import InputError, ModelError, ReadError, UnsupportedError
from tvbo_lite.expr import lems, python
from tvbo_lite.expr.pyrates import parse_equation
from tvbo_lite.formats.lems.reader import link_string, read_file
from tvbo_lite.formats.pyrates.reader import read_circuit
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

SECRET = "root-of-all"
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for limit in LIMITS:
        monkeypatch.delenv(limit.variable, raising=False)
    Path("secret.txt").write_text(SECRET)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def refused(read: Callable[[str], object], text: str, kind: type[InputError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        read(text)
    assert SECRET not in str(caught.value)
    return str(caught.value)


# ---- XML --------------------------------------------------------------------------------------------------

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE Lems [<!ENTITY e0 "ha">{ENTITIES}]>'
QUADRATIC = f'<!DOCTYPE Lems [<!ENTITY e9 "{"a" * 50_000}">]>'
HREF = '<xi:include href="secret.txt" parse="text"/>'
XML = {
    "entities in entities": (f"{LAUGHS}<Lems><a id='x'>&e9;</a></Lems>", "amplification|DOCTYPE"),
    "entities in an attribute": (f"{LAUGHS}<Lems><a id='&e9;'/></Lems>", "amplification|DOCTYPE"),
    "a long entity": (f"{QUADRATIC}<Lems>{'<a>&e9;</a>' * 1000}</Lems>", "amplification|DOCTYPE"),
    "an entity that is a file": (
        '<!DOCTYPE Lems [<!ENTITY e SYSTEM "secret.txt">]><Lems><a>&e;</a></Lems>',
        "expected plain XML; documents with a DOCTYPE, entities or external references are refused",
    ),
    "an attribute that is a file": (
        '<!DOCTYPE Lems [<!ENTITY e SYSTEM "secret.txt">]><Lems><a id="&e;"/></Lems>',
        "external entity|DOCTYPE",
    ),
    "a DTD elsewhere": ('<!DOCTYPE Lems SYSTEM "http://127.0.0.1:9/a.dtd"><Lems/>', "DOCTYPE"),
    "XInclude": (f'<Lems xmlns:xi="http://www.w3.org/2001/XInclude">{HREF}</Lems>', "<include> knows no attr"),
    "deep nesting": ("<Lems>" + "<a>" * 100_000 + "</a>" * 100_000 + "</Lems>", "Excessive depth|too deep"),
    "a huge text": (f"<Lems><notes>{'x' * 11_000_000}</notes></Lems>", "not well-formed XML: .*(too long|limit)"),
    "a huge attribute": (f'<Lems><a id="{"x" * 11_000_000}"/></Lems>', "not well-formed XML: .*(too long|limit)"),
    "many attributes": (
        "<Lems>\n<a " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/></Lems>",
        "<string>:2: <a> has 100000 attributes; expected at most 1000; if that is meant, .*TVBO_LITE_ATTRIBUTES",
    ),
    "a null character": ("<Lems>\0</Lems>", "<string>:1: not well-formed XML"),
}  # fmt: skip


@pytest.mark.parametrize("name", XML)
def test_hostile_xml_is_refused(name: str) -> None:
    """Nothing is expanded, nothing is fetched, and no file that a document names gets into a message."""
    text, words = XML[name]
    assert re.search(words, refused(link_string, text, ReadError))


def test_a_huge_number_of_elements_is_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an estimate of their memory; as many as fit are read."""
    text = "<Lems>" + '<a b="1"/>' * 1_100_000 + "</Lems>"
    monkeypatch.setenv("TVBO_LITE_MEMORY", "500 MB")
    assert "<string>: reading this needs about 0.704 GB of memory, and TVBO_LITE_MEMORY allows 0.5 GB; " in (
        refused(link_string, text, ReadError)
    )


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """XML, YAML, and what has no end."""
    monkeypatch.setenv("TVBO_LITE_FILE_SIZE", "1 kB")
    for name, read in (("m.xml", read_file), ("e.yaml", SimulationExperiment.from_file)):
        Path(name).write_text("<!-- " + "x" * 1000 + " -->")
        words = f"{name}: the file is larger than 1 KB; if that is meant, set the environment variable"
        assert refused(read, name, ReadError).startswith(words)
    if Path("/dev/zero").exists():
        assert "larger than 1 KB" in refused(SimulationExperiment.from_file, "/dev/zero", ReadError)


# ---- includes ---------------------------------------------------------------------------------------------


def test_includes_in_a_circle_are_read_once_and_links_in_a_circle_are_told() -> None:
    """A link to a file is as good as the file, also when both are included."""
    Path("a.xml").write_text('<Lems><Include file="b.xml"/><Include file="link.xml"/></Lems>')
    Path("b.xml").write_text('<Lems><Include file="a.xml"/><Dimension name="d"/></Lems>')
    Path("link.xml").symlink_to("b.xml")
    assert len(read_file("a.xml").dimensions) == 1
    Path("one.xml").symlink_to("two.xml")
    Path("two.xml").symlink_to("one.xml")
    Path("c.xml").write_text('<Lems>\n<Include file="one.xml"/></Lems>')
    told = refused(read_file, "c.xml", ReadError)
    assert "c.xml:2: include 'one.xml' is not found: one.xml is a symbolic link that leads nowhere" in told
    assert "one.xml: is a symbolic link that leads nowhere" in refused(read_file, "one.xml", ReadError)


def test_an_endless_chain_of_includes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit, which is a setting."""
    for number in range(12):
        Path(f"{number}.xml").write_text(f'<Lems><Include file="{number + 1}.xml"/></Lems>')
    Path("12.xml").write_text("<Lems/>")
    monkeypatch.setenv("TVBO_LITE_INCLUDES", "10")
    assert "10.xml: more than 10 included files; if that is meant" in refused(read_file, "0.xml", ReadError)
    monkeypatch.setenv("TVBO_LITE_INCLUDES", "13")
    assert read_file("0.xml")


# ---- YAML -------------------------------------------------------------------------------------------------

ALIASES = "a0: &a0 [1, 2]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 10}]\n" for n in range(1, 10))
YAML = {
    "aliases that expand": (ALIASES, "e.yaml:.* too many values; expected at most 100000; if that is meant"),
    "an alias of itself": ("a: &a [*a]", "stands inside the value that it names"),
    "deep nesting": ("a: " + "[" * 100_000, "e.yaml:1: the values are nested too deep; expected at most 100"),
    "deep blocks": ("".join(f"{' ' * n}a:\n" for n in range(1000)), "nested too deep"),
    "a tag that makes objects": ("a: !!python/object/apply:os.system [ls]", "the tag .* is not supported"),
    "a number of many digits": (f"a: {'9' * 100_000}", "a number of 100000 digits; expected at most 4000"),
    "a merge of keys": ("a: &a {b: 1}\nc: {<<: *a}", "merge keys"),
    "two documents": ("a: 1\n---\nb: 1", "a second document starts here"),
}


@pytest.mark.parametrize("name", YAML)
def test_hostile_yaml_is_refused(name: str) -> None:
    """By YAML experiments as by PyRates templates, which the same reader reads."""
    text, words = YAML[name]
    assert re.search(words, refused(lambda text: read_text(text, "e.yaml"), text, ReadError))
    Path("circuits.yaml").write_text(text + "\n")
    with pytest.raises(InputError):
        read_circuit("circuits/net")


def test_a_huge_yaml_text_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an estimate of its memory."""
    monkeypatch.setenv("TVBO_LITE_MEMORY", "200 MB")
    told = refused(lambda text: read_text(text, "e.yaml"), "a: [" + "1, " * 1_000_000 + "]", ReadError)
    assert told.startswith("e.yaml: reading this needs about 0.3 GB of memory")


# ---- expressions ------------------------------------------------------------------------------------------

EXPRESSIONS = {
    "a million characters": (
        "a+" * 500_000 + "a",
        "an expression of 100000. characters: +a.a.*at most 100000",
    ),
    "ten thousand brackets": ("(" * 10_000 + "a" + ")" * 10_000, "nested deeper than 200"),
    "brackets that never close": ("(" * 50_000, "nested deeper than 200"),
    "ten thousand functions": ("sin(" * 10_000 + "a" + ")" * 10_000, "nested deeper than 200"),
    "ten thousand terms": ("+".join("a" * 10_000), "more than 300 operations wait for one another: +a.a"),
    "ten thousand signs": ("-" * 10_000 + "a", "more than 300 operations|nested deeper than 200"),
    "ten thousand powers": ("^".join("a" * 10_000), "more than 300 operations|nested deeper|\\*\\*"),
}
LANGUAGES: dict[str, Callable[[str], object]] = {
    "lems": lems.parse,
    "python": python.parse,
    "pyrates": lambda text: parse_equation(f"x = {text}", {"a", "x"}),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_expressions_are_refused(language: str, name: str) -> None:
    """Python's stack is no business of a modeller's; the message shows the beginning and no more."""
    text, words = EXPRESSIONS[name]
    told = refused(LANGUAGES[language], text)
    assert re.search(words, told)
    assert len(told) < 500


# ---- file names -------------------------------------------------------------------------------------------

MODEL = """<Lems>
  <Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
  <Target component="sim"/>
  <izhikevichCell id="iz" v0="-70mV" thresh="30mV" a="0.02" b="0.2" c="-65" d="2"/>
  <network id="net"><population id="p" component="iz" size="SIZE"/></network>
  <Simulation id="sim" length="LENGTH" step="0.01ms" target="net">
    <OutputFile id="out" fileName="FILE"><OutputColumn id="v" quantity="p[0]/v"/></OutputFile>
  </Simulation>
</Lems>"""


def model(file: str = "v.dat", length: str = "1ms", size: str = "1") -> str:
    """A file with that model."""
    path = Path("m.xml")
    path.write_text(MODEL.replace("FILE", file).replace("LENGTH", length).replace("SIZE", size))
    return str(path)


NAMES = {
    "../v.dat": "it leads out of the output folder ('..'); name another folder with --out DIR; --allow-outside",
    "sub/../../v.dat": "it leads out of the output folder ('..')",
    "ABOVE/v.dat": "it is an absolute path; output files go below the output folder (--out DIR); --allow-outside",
    "C:\\v.dat": "it is an absolute path",
    "link/v.dat": "a symbolic link leads out of the output folder, to ABOVE; --allow-outside lets it",
    "link/new/v.dat": "a symbolic link leads out of the output folder, to ABOVE/new; --allow-outside lets it",
    "round/v.dat": "out/round is a symbolic link that leads nowhere",
    "../m.xml": "it leads out of the output folder",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_that_leaves_the_output_folder_is_refused(name: str, tmp_path: Path) -> None:
    """Before the run, with the line; nothing is written."""
    above = tmp_path.parent / "above"
    above.mkdir(exist_ok=True)
    Path("out").mkdir()
    Path("out/link").symlink_to(above)
    Path("out/round").symlink_to("round")
    result = call("run", model(name.replace("ABOVE", str(above))), "--out", "out")
    assert result.exit_code == 2
    assert "m.xml:7: output file '" in result.stderr
    assert NAMES[name].replace("ABOVE", str(above)) in result.stderr
    assert list(above.iterdir()) == []
    assert files() == ["m.xml", "out", "secret.txt"]


def test_a_file_name_may_leave_the_folder_where_that_is_allowed() -> None:
    """By the option; a link inside of the folder needs none, and a file that is a link is replaced, not followed."""
    Path("out/real").mkdir(parents=True)
    Path("other").mkdir()
    Path("out/link").symlink_to("../other")
    Path("out/inner").symlink_to("real")
    Path("out/v.dat").symlink_to("../secret.txt")
    for name in ("link/v.dat", "../v.dat"):
        assert call("run", model(name), "--out", "out", "--allow-outside").exit_code == 0
    for name in ("inner/v.dat", "v.dat"):
        assert call("run", model(name), "--out", "out").exit_code == 0
    for name in ("other/v.dat", "v.dat", "out/real/v.dat", "out/v.dat"):
        assert Path(name).read_bytes().count(b"\n") == 101
    assert Path("secret.txt").read_text() == SECRET
    assert not Path("out/v.dat").is_symlink()
    assert call("run", model("../m.xml"), "--out", "out", "--allow-outside").exit_code == 2


# ---- how much a model asks for ----------------------------------------------------------------------------

NODE = """
dynamics: {name: cell, state_variables: {v: {equation: -v, initial_value: 1}}}
network: {populations: {P: {dynamics: cell, size: 2, record: {v: {every: 1 s}}}}, dynamics: {cell: {state_variables: {v: {equation: -v, initial_value: 1}}}}}
integration: {step_size: 0.001, duration: 1e9, time_scale: ms}
""".replace("dynamics: {name: cell, state_variables: {v: {equation: -v, initial_value: 1}}}\n", "")
FOREVER = r"this run would take about \d\S* (h|d) for its 1e\+12 steps; expected at most "


def test_more_steps_than_memory_holds_are_refused() -> None:
    """A row for each of 10^12 steps, before any is done."""
    result = call("run", model(length="10000000s"))
    assert result.exit_code == 2
    assert re.search(
        r"this run needs about 1\.6e\+04 GB of memory, .* 1000000000000 steps with 1 rec", result.stderr
    )
    assert files() == ["m.xml", "secret.txt"]


def test_more_steps_than_a_day_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where few rows are kept; the message names the time and the ways on, and nothing is left on disk."""
    monkeypatch.setenv("TVBO_LITE_RUN_TIME", "1 min")
    experiment = SimulationExperiment.from_string(NODE)
    with pytest.raises(UnsupportedError, match=f"{FOREVER}1 min; .*: run.force=True.*--force.*_RUN_TIME"):
        experiment.run()
    Path("e.yaml").write_text(NODE)
    for options in (("--out", "out"), ("--output", "run.zarr")):
        result = call("run", "e.yaml", *options)
        assert result.exit_code == 2
        assert re.search(FOREVER, result.stderr)
    assert files() == ["e.yaml", "secret.txt"]


def test_samples_far_apart_do_not_hide_the_steps_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run hears and tells nobody from row to row, so rows that are not kept lie in between."""
    monkeypatch.setenv("TVBO_LITE_RUN_TIME", "1 min")
    text = "dynamics: {name: n, state_variables: {v: {equation: -v}}}\nintegration: {step_size: 1, duration: 1e12}"
    experiment = SimulationExperiment.from_string(text)
    with pytest.raises(UnsupportedError, match=FOREVER):
        experiment.run(sampling_step_size=1e9)
    with pytest.raises(UnsupportedError, match="this run would take about"):
        experiment.explore({"v": [1.0, 2.0]}, sampling_step_size=1e9)


def test_a_long_run_goes_on_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the option of the command line, that of Python, and the setting; here a time limit ends it."""
    monkeypatch.setenv("TVBO_LITE_RUN_TIME", "1 min")
    Path("e.yaml").write_text(NODE)
    result = call("run", "e.yaml", "--force", "--timeout", "1")
    assert "the run was stopped after 1 s" in result.stderr
    experiment = SimulationExperiment.from_string(NODE)

    def enough(done: int, total: int) -> None:
        if done > 2_000_000:
            raise KeyError(total)

    with pytest.raises(KeyError):
        experiment.run(force=True, progress=enough)
    monkeypatch.setenv("TVBO_LITE_RUN_TIME", "100000 d")
    with pytest.raises(KeyError):
        experiment.run(progress=enough)
    assert (
        "--force is an option of the native backend"
        in call("run", "e.yaml", "--force", "--backend", "jlems").stderr
    )


def test_the_estimate_is_that_of_the_fastest_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """After half a second and three parts: the first row is slow, and a machine is busy at times."""
    monkeypatch.setenv("TVBO_LITE_RUN_TIME", "100 s")
    forecast = Forecast(1e6)
    assert not forecast.is_made(1, 0.6, 999_999)
    assert not forecast.is_made(1000, 0.2, 998_999)
    assert forecast.is_made(1000, 0.05, 997_999)
    forecast = Forecast(3e6)
    assert not forecast.is_made(1, 0.6, 2_999_999)
    assert not forecast.is_made(1000, 0.2, 2_998_999)
    with pytest.raises(
        UnsupportedError, match=r"about 2\.5 min for its 3e\+06 steps; expected at most 1\.67 min"
    ):
        forecast.is_made(1000, 0.05, 2_997_999)


def test_steps_beyond_any_time_limit_are_refused_by_other_simulators() -> None:
    """jLEMS is not even started."""
    result = call("run", model(length="10000000s"), "--backend", "jlems")
    assert (
        "jLEMS cannot do 1e+12 steps within 600 s; expected at most 1.2e+10; simulate less" in result.stderr
    )


def test_a_huge_population_is_refused() -> None:
    """The limit, its setting, and the place stand in the message."""
    result = call("run", model(size="1000000000000"))
    assert re.search(
        r"m\.xml:5: .*cannot make 1e\+12 instances \(0 to 20000000\); if .*TVBO_LITE_INSTANCES", result.stderr
    )


def test_a_huge_sweep_is_refused() -> None:
    """Before any set is run."""
    experiment = SimulationExperiment.from_string(
        "dynamics: {name: n, state_variables: {v: {equation: -v}, w: {}}}\n"
        "integration: {step_size: 1, duration: 2}"
    )
    with pytest.raises(UnsupportedError, match=r"250000000000 sets need about 8e\+03 GB of memory"):
        experiment.explore({"v": range(500_000), "w": range(500_000)})


# ---- the table --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_limit_is_a_setting(limit: limits.Limit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment variable is heard at once; what it cannot be is told with what it can."""
    assert limit.value() == limit.default
    smaller = {"number": ("7", 7.0), "size": ("7 MB", 7e6), "time": ("7 min", 420.0)}[limit.kind]
    monkeypatch.setenv(limit.variable, smaller[0])
    assert limit.value() == smaller[1]
    assert str(limit) == smaller[0]
    for wrong in ("", "much", "-1", "7 parsecs"):
        monkeypatch.setenv(limit.variable, wrong)
        with pytest.raises(ModelError, match=rf"{limit.variable} is '{wrong}'; expected a (whole|size|time)"):
            limit.value()


def test_the_documentation_has_every_limit() -> None:
    """Its variable, its default and what it is of, in the order of the table."""
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `TVBO_LITE_")]
    free = {"MEMORY": "what is free"}
    wanted = [(one.variable, free.get(one.name) or one.spelt(one.default), one.of) for one in LIMITS]
    assert [tuple(cell.strip("` ") for cell in row.strip("| ").split(" | ")[:3]) for row in rows] == wanted
