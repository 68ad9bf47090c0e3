"""NEURON, NetPyNE and EDEN as backends: what they are given, what comes back, and how they fail.

The programs themselves are optional. Where they are (see docs/backends.md) they are run; all else is
tested with a program that takes their place.
"""

# ruff: noqa: E501  the XML of small models reads better unbroken

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from java import needs_java

from tvbo_lite import SimulationExperiment, backends
from tvbo_lite.backends import _exported, _python, native
from tvbo_lite.compare import TraceComparison, compare
from tvbo_lite.errors import BackendError, ExpressionError, SimulationError, UnsupportedError
from tvbo_lite.formats.lems.reader import link_string, read_file, read_string
from tvbo_lite.lems.beyond import Beyond, Noise, Solver
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.losses import Losses, LossWarning
from tvbo_lite.transforms.plan import simulation_plan

PACKAGES = {"neuron": "neuron", "netpyne": "netpyne", "eden": "eden_simulator"}
VARIABLES = {name: f"TVBO_LITE_{name.upper()}_PYTHON" for name in PACKAGES}
EX5, EX9 = "LEMS_NML2_Ex5_DetCell.xml", "LEMS_NML2_Ex9_FN.xml"
V = "hhpop[0]/v"


needs_gcc = pytest.mark.skipif(not all(map(shutil.which, ("gcc", "make"))), reason="no C compiler")


def whole_model(cell: str, inputs: str = "", *, quantity: str = "p[0]/v", extra: str = "") -> str:
    return f"""<Lems><Target component="sim"/>
<Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
{cell}<network id="net"><population id="p" component="c" size="1"/>{inputs}</network>
<Simulation id="sim" length="1ms" step="0.1ms" target="net">
<OutputFile id="o" fileName="o.dat"><OutputColumn id="v" quantity="{quantity}"/></OutputFile>{extra}
</Simulation></Lems>"""


FN = '<fitzHughNagumoCell id="c" I="0.8"/>'
IZHIKEVICH = '<izhikevichCell id="c" v0="-60mV" thresh="30mV" a="0.02" b="0.2" c="-50" d="2"/>'


# ---- the programs that are looked for ------------------------------------------------------------


@pytest.mark.parametrize("backend", PACKAGES)
def test_without_the_package_the_error_says_how_to_get_it(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the extra and the variable."""
    monkeypatch.delenv(VARIABLES[backend], raising=False)
    monkeypatch.setattr(_python, "find_spec", lambda _: None)
    words = rf"{PACKAGES[backend]} is not installed.*tvbo-lite\[{backend}\].*{VARIABLES[backend]}"
    with pytest.raises(BackendError, match=words):
        backends.run_file(EX9, backend)


def test_the_running_python_is_used_where_it_has_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the variable names another one."""
    monkeypatch.delenv("SOME_PYTHON", raising=False)
    assert _python.find_python("numpy", "SOME_PYTHON", "x") == Path(sys.executable)
    monkeypatch.setenv("SOME_PYTHON", sys.executable)
    monkeypatch.setattr(_python, "find_spec", lambda _: None)
    assert _python.find_python("numpy", "SOME_PYTHON", "x") == Path(sys.executable)


def test_a_variable_that_names_nothing_useful_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who sets it wants that program, not another one."""
    monkeypatch.setenv("SOME_PYTHON", str(tmp_path / "gone"))
    with pytest.raises(BackendError, match=r"SOME_PYTHON is '.*gone', which is not a program"):
        _python.find_python("numpy", "SOME_PYTHON", "x")
    monkeypatch.setenv("SOME_PYTHON", sys.executable)
    with pytest.raises(BackendError, match="which has no package nothing_of_that_name"):
        _python.find_python("nothing_of_that_name", "SOME_PYTHON", "x")


def test_a_missing_compiler_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On the three systems on which people have none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        BackendError, match=r"NEURON needs a C compiler; .* no gcc and no make.*build-essential"
    ):
        _python.need_programs(["gcc", "make"], "NEURON")


# ---- the document --------------------------------------------------------------------------------


def job(name: str) -> _exported.Job:
    return _exported.job_of(name, read_file(name), None)


@pytest.mark.parametrize("name", [EX5, EX9, "LEMS_NML2_Ex23_Spiketimes.xml"])
def test_the_document_that_stands_alone_means_the_same(name: str) -> None:
    """With all its includes inside it the native engine gives the same bits."""
    work = job(name)
    text = _exported.standing_alone(work, work.plan.quantities())
    again = native.run_model(read_string(text), plan=work.plan)
    assert np.array_equal(again.values, native.run_file(name).values)
    assert "Include file" in text
    assert ".nml" not in text
    bare = _exported.standing_alone(work, [], includes=False)
    assert "Include" not in bare


def test_the_plan_of_the_document_is_ours(tmp_path: Path) -> None:
    """One simulation, one table; events have numbers for ids."""
    work = job("LEMS_NML2_Ex23_Spiketimes.xml")
    (tmp_path / "m.xml").write_text(_exported.standing_alone(work, ["a/v"], more_steps=1))
    plan = simulation_plan(read_file(tmp_path / "m.xml"))
    assert plan.quantities() == ("a/v",)
    assert [file.path for file in plan.files] == [_exported.TABLE]
    assert plan.n_steps == work.plan.n_steps + 1
    ours = [[one.id for one in file.selections] for file in plan.event_files]
    assert ours == [[str(k) for k in range(len(file.selections))] for file in work.plan.event_files]


def test_a_model_without_types_of_neuroml_is_refused() -> None:
    """jNeuroML writes code for NeuroML's cells only."""
    text = """<Lems><Target component="sim"/>
    <ComponentType name="Run"><Parameter name="length" dimension="none"/><Parameter name="step" dimension="none"/>
    <ComponentReference name="target" type="A"/>
    <Simulation><Run component="target" variable="t" increment="step" total="length"/></Simulation>
    </ComponentType><ComponentType name="A"/><A id="a"/><Run id="sim" length="1" step="1" target="a"/></Lems>"""
    with pytest.raises(UnsupportedError, match="none of NeuroML's component types"):
        backends.run_model(link_string(text), "neuron")


@pytest.mark.parametrize("backend", PACKAGES)
def test_a_model_is_checked_before_anything_is_started(backend: str) -> None:
    """With the problems that the native engine tells, not with those of a generated program."""
    wrong = '<ComponentType name="T"><Dynamics><StateVariable name="x" dimension="none"/><TimeDerivative variable="x" value="y"/></Dynamics></ComponentType>'
    with pytest.raises(ExpressionError, match="'y' is not declared"):
        backends.run_model(read_string(whole_model(FN + wrong, quantity="p[0]/V")), backend)


@pytest.mark.parametrize("backend", PACKAGES)
def test_noise_is_refused_as_no_document_holds_it(backend: str) -> None:
    """A run without it would mean something else."""
    model = read_string(TWO_QUANTITIES)
    noisy = replace(model, beyond=Beyond(noise=(Noise("fitzHughNagumoCell", "V", 0.1),)))
    with pytest.raises(UnsupportedError, match="the noise on 'V' of 'fitzHughNagumoCell'"):
        backends.run_model(noisy, backend)


@pytest.mark.parametrize("backend", ["neuron", "netpyne"])
def test_what_jneuroml_leaves_out_in_silence_is_refused(backend: str) -> None:
    """A current without unit, kinetic channels of a point cell, no refractory time; with file and line."""
    current = '<pulseGeneratorDL id="i" delay="1ms" duration="9ms" amplitude="15"/>'
    text = whole_model(
        IZHIKEVICH + current, '<explicitInput target="p[0]" input="i" destination="synapses"/>'
    )
    with pytest.raises(UnsupportedError, match=r"pulseGeneratorDL 'i' gives a current without unit"):
        backends.run_model(read_string(text), backend)
    with pytest.raises(UnsupportedError, match=r"Ex4_KS\.xml:64: cell 'hhcell_1' has kinetic channels"):
        backends.run_file("LEMS_NML2_Ex4_KS.xml", backend)
    with pytest.raises(
        UnsupportedError, match=r"Ex8_AdEx\.xml:\d+: adExIaFCell .* has a refractory time of 0"
    ):
        backends.run_file("LEMS_NML2_Ex8_AdEx.xml", backend)


def test_what_gets_a_wrong_weight_or_no_event_is_refused() -> None:
    """A double synapse in jNeuroML's code, delayed connections in EDEN: both were found by such runs."""
    name = "LEMS_NML2_Ex27_MultiSynapses.xml"
    with pytest.raises(UnsupportedError, match="doubleSynapse 'AMPA_NMDA' is weighed twice") as caught:
        backends.run_file(name, "neuron")
    assert len(caught.value.problems) == 1
    with pytest.raises(
        UnsupportedError, match=r"EDEN leaves out .* from spksPop\[0\] to iafPop\[0\]"
    ) as caught:
        backends.run_file(name, "eden")
    assert len(caught.value.problems) == 5


# ---- programs that take their place --------------------------------------------------------------

Fake = Callable[..., None]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a Python with any package, and the body of a script as its behaviour, in a backend's place.

    What the backends leave behind lies in ``tmp_path / "left"``.
    """
    left, bin_folder = tmp_path / "left", tmp_path / "bin"
    left.mkdir()
    bin_folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(left))

    def program(name: str, body: str) -> Path:
        path = bin_folder / name
        path.write_text(f"#!{sys.executable}\n{textwrap.dedent(body)}", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def make(backend: str, body: str, compiler: str = "") -> None:
        head = "import sys\nif sys.argv[1] == '-c' and 'find_spec' in sys.argv[2]: sys.exit(0)\n"
        python = program("python", head + textwrap.dedent(body))
        program("nrnivmodl", compiler)
        monkeypatch.setenv(VARIABLES[backend], str(python))

    return make


def left_behind(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "left").iterdir())


WRITES = """
    rows = "".join(f"{k * 1e-4:e}\\t{k}\\t0.0\\t\\n" for k in range(11))
    open("tvbo_lite_all.dat", "w").write(rows)
    print("Finished NEURON simulation in 0.25 seconds (0.0 mins)...")
    print("  Done; run time = 0.25 s; real-time ratio: 2.06.")
"""
TWO = '<OutputFile id="o2" fileName="o2.dat"><OutputColumn id="w" quantity="p[0]/W"/></OutputFile>'
TWO_QUANTITIES = whole_model(FN, quantity="p[0]/V", extra=TWO)


@needs_java
@needs_gcc
@pytest.mark.parametrize("backend", ["neuron", "netpyne"])
def test_a_recording_has_the_plan_s_times_units_and_timings(backend: str, fake: Fake, tmp_path: Path) -> None:
    """And nothing of the run's folder is left."""
    fake(backend, WRITES)
    found = backends.run_model(read_string(TWO_QUANTITIES), backend)
    assert found.quantities == ("p[0]/V", "p[0]/W")
    assert found.trace("p[0]/V").tolist() == list(range(11))
    assert np.allclose(found.time, np.arange(11) * 1e-4, rtol=1e-15)
    assert found.units == {"p[0]/V": "1", "p[0]/W": "1"}
    assert found.timings.keys() == {"export", "compile", "process", "simulate"}
    assert found.timings["simulate"] == 0.25
    assert left_behind(tmp_path) == []


@needs_java
@needs_gcc
def test_what_neuron_does_not_record_is_a_loss_not_a_column_of_zeros(fake: Fake) -> None:
    """It is not in the recording, nor in its plan; without a list for it there is a warning."""
    complaint = """
    print("NEURON: W not a public member\\n near line 1\\n { v_q1_tvbo_lite_all.record(&m_c_p[0].W) }", file=sys.stderr)
    """
    fake("neuron", WRITES + complaint)
    losses = Losses()
    found = backends.run_model(read_string(TWO_QUANTITIES), "neuron", losses=losses)
    assert [str(loss) for loss in losses] == ["quantity 'p[0]/W': NEURON says: W not a public member"]
    assert found.quantities == found.plan.quantities() == ("p[0]/V",)
    assert found.values.shape == (11, 1)
    with pytest.warns(LossWarning, match=r"NEURON: quantity 'p\[0\]/W'"):
        backends.run_model(read_string(TWO_QUANTITIES), "neuron")


@needs_gcc
def test_a_value_that_is_not_finite_is_an_error_with_its_time(fake: Fake, tmp_path: Path) -> None:
    """As in the built-in engine."""
    fake("eden", WRITES.replace("{k}\\t0.0", "{k}\\t{'nan' if k > 6 else k}"))
    with pytest.raises(SimulationError, match=r"p\[0\]/W became nan at t = 0\.0007 s"):
        backends.run_model(read_string(TWO_QUANTITIES), "eden")
    assert left_behind(tmp_path) == []


@needs_gcc
def test_a_chosen_method_is_a_loss(fake: Fake) -> None:
    """Each simulator has its own."""
    fake("eden", WRITES)
    model = replace(read_string(TWO_QUANTITIES), beyond=Beyond(solver=Solver("heun")))
    losses = Losses()
    assert backends.run_model(model, "eden", losses=losses).values.shape == (11, 2)
    assert [loss.what for loss in losses] == ["the integration method 'heun' and its settings"]


FAULTS = {
    "fails": ("print('no such thing'); sys.exit(3)", "could not run.*\n  no such thing"),
    "an exception that ends well": (
        WRITES + "    print('Exception saving results of NEURON simulation: full')",
        "Exception saving results of NEURON simulation: full",
    ),
    "says nothing": ("pass", "printed nothing and ended with status 0"),
    "half a table": (WRITES.replace("range(11)", "range(7)"), r"table of shape \(7, 3\) where 11 rows"),
    "half a line": (WRITES.replace("open(", "rows = rows[:-9]; open("), "left files that cannot be read"),
    "no table": (WRITES.replace("tvbo_lite_all.dat", "other.dat"), "could not run"),
    "another step": (WRITES.replace("1e-4", "2e-4"), "a step of 0.0002 s where 0.0001 s were asked for"),
    "cannot build": (
        WRITES + "    print('NEURON: syntax error\\n near line 1\\n { a = }', file=sys.stderr)",
        "could not build.*\n  NEURON: syntax error",
    ),
}


@needs_java
@needs_gcc
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_run_is_an_error_in_its_own_words(fault: str, fake: Fake, tmp_path: Path) -> None:
    """And leaves nothing behind."""
    body, words = FAULTS[fault]
    fake("neuron", body)
    with pytest.raises(BackendError, match=words):
        backends.run_model(read_string(TWO_QUANTITIES), "neuron")
    assert left_behind(tmp_path) == []


@needs_java
@needs_gcc
def test_a_compiler_that_fails_is_quoted(fake: Fake, tmp_path: Path) -> None:
    """Its first lines that name an error."""
    fake("neuron", WRITES, "import sys\nprint('Translating c.mod')\nprint('c.c:3: error: bad'); sys.exit(1)")
    with pytest.raises(
        BackendError, match=r"nrnivmodl could not compile the mechanisms of .*\n  c\.c:3: error: bad"
    ):
        backends.run_model(read_string(TWO_QUANTITIES), "neuron")
    assert left_behind(tmp_path) == []


@needs_gcc
def test_a_run_that_hangs_is_stopped(fake: Fake, tmp_path: Path) -> None:
    """With what it started, when its time is over; nothing remains."""
    fake("eden", "import time, subprocess; subprocess.Popen(['sleep', '60']); time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(BackendError, match=r"EDEN did not finish .* within 1 s .* longer timeout"):
        backends.run_model(read_string(TWO_QUANTITIES), "eden", timeout=1)
    assert time.monotonic() - start < 20
    assert left_behind(tmp_path) == []


EDEN_REFUSES = """
    text = open("model.xml").read()
    if 'quantity="p[0]/V"' in text:
        print("file model.xml, line 9, column 5: not yet supported in EDEN")
        print('        <OutputColumn id="q0" quantity="p[0]/V"/>')
        sys.exit(1)
    rows = "".join(f"{k * 1e-4:e} {k}\\n" for k in range(11))
    open("tvbo_lite_all.dat", "w").write(rows)
"""


@needs_gcc
def test_eden_is_asked_again_without_what_it_refuses(fake: Fake) -> None:
    """The quantity is a loss, with EDEN's words."""
    fake("eden", EDEN_REFUSES)
    losses = Losses()
    found = backends.run_model(read_string(TWO_QUANTITIES), "eden", losses=losses)
    assert [str(loss) for loss in losses] == ["quantity 'p[0]/V': EDEN says: not yet supported in EDEN"]
    assert found.quantities == ("p[0]/W",)
    with pytest.raises(BackendError, match="it can record nothing of it"):
        backends.run_model(read_string(whole_model(FN, quantity="p[0]/V")), "eden", losses=losses)


@needs_gcc
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("returncode of subprocess:\\n-11", "EDEN crashed"),
        ("file m.xml, line 3, column 1: unknown cell type c", "\n  unknown cell type c$"),
        ("c.gen.c:90:33: error: inf undeclared", "inf undeclared"),
    ],
)
def test_eden_s_failures_are_told_in_its_words(said: str, words: str, fake: Fake, tmp_path: Path) -> None:
    """Without its log."""
    fake("eden", f"print('Parsing networks...'); print('{said}'); print('end'); sys.exit(1)")
    with pytest.raises(BackendError, match=words):
        backends.run_model(read_string(TWO_QUANTITIES), "eden")
    assert left_behind(tmp_path) == []


# ---- the programs themselves ---------------------------------------------------------------------


def real(backend: str) -> None:
    """Skips where a program is not there; EDEN's crashes on some systems."""
    try:
        _python.find_python(PACKAGES[backend], VARIABLES[backend], backend)
    except BackendError as error:
        pytest.skip(str(error))
    if not shutil.which("gcc"):
        pytest.skip("no C compiler")
    if backend != "eden":
        return
    try:
        backends.run_file(EX5, backend, losses=Losses())  # its code needs the mathematical library
    except BackendError as error:
        if "crashed" in str(error):
            pytest.skip(str(error))
        raise


def plan_of(name: str, quantities: tuple[str, ...], parts: int = 1) -> SimulationPlan:
    """An example's plan with some of its quantities, and a step that many times smaller."""
    plan = simulation_plan(read_file(name))
    file = replace(
        plan.files[0],
        columns=tuple(
            replace(plan.files[0].columns[0], id=f"c{n}", quantity=quantity)
            for n, quantity in enumerate(quantities)
        ),
    )
    return replace(plan, files=(file,), displays=(), step=plan.step / parts)


def traces(name: str, backend: str, plan: SimulationPlan | None = None) -> dict[str, TraceComparison]:
    other = backends.run_file(name, backend, plan=plan, losses=Losses())
    return {trace.name: trace for trace in compare(native.run_file(name, plan=plan), other)}


MEASURED = {"neuron": 0.65e-3, "netpyne": 0.65e-3, "eden": 0.26e-3}  # s, the largest shift of 7 spikes


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize("backend", PACKAGES)
def test_a_spiking_cell_differs_by_its_integration_alone(backend: str) -> None:
    """Ex5: seven spikes, shifted by less than measured; a quarter of the step makes it a quarter or so."""
    real(backend)
    shifts = []
    for parts in (1, 4):
        trace = traces(EX5, backend, plan_of(EX5, (V,), parts))[V]
        assert len(trace.reference_spikes) == 7
        assert trace.max_spike_shift is not None
        shifts.append(trace.max_spike_shift)
    assert shifts[0] < MEASURED[backend]
    assert shifts[1] < 0.3 * shifts[0]


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize(("backend", "limit"), [("neuron", 1e-6), ("eden", 1e-5)])
def test_equations_without_stiffness_agree_to_the_printed_digits(backend: str, limit: float) -> None:
    """FitzHugh and Nagumo's cell (Ex9): NEURON takes the same Euler step, EDEN does so in float32."""
    real(backend)
    found = traces(EX9, backend)
    assert found.keys() == {"fnPop1[0]/V", "fnPop1[0]/W"}
    assert all(trace.max_error < limit * trace.extent for trace in found.values())


@pytest.mark.slow
@needs_java
def test_neuron_records_units_events_and_gates() -> None:
    """Ex5's gates and current densities; Ex23's spikes, which have their own ids."""
    real("neuron")
    losses = Losses()
    found = backends.run_file(EX5, "neuron", losses=losses)
    assert set(found.units.values()) == {"V", "1", "A_per_m2", "S_per_m2"}
    assert [loss.what for loss in losses] == ["quantity 'hhpop[0]/spiking'"]
    plan = simulation_plan(read_file("LEMS_NML2_Ex6_NMDA.xml"))
    spikes = backends.run_file("LEMS_NML2_Ex6_NMDA.xml", "neuron", losses=losses).events
    assert spikes.keys() == {file.id for file in plan.event_files}
    reference = native.run_file("LEMS_NML2_Ex6_NMDA.xml").events
    for file, (times, ids) in reference.items():
        assert spikes[file][1] == ids
        assert np.allclose(spikes[file][0], times, atol=2 * plan.step)


@pytest.mark.slow
@needs_java
def test_the_izhikevich_experiment_runs_in_eden() -> None:
    """The same number of spikes in all four modes, none shifted by more than 0.15 ms; NEURON is refused."""
    real("eden")
    exp = SimulationExperiment.from_file(
        Path(__file__).parents[1] / "reference_examples/izhikevich/experiment.yaml"
    )
    found = exp.run("eden")
    assert found.data.dims == ("time", "quantity")
    assert found.data.attrs["backend"] == "eden"
    for trace in compare(exp.run().recording, found.recording):
        assert trace.max_spike_shift is not None
        assert len(trace.reference_spikes) >= 7
        assert trace.max_spike_shift < 0.15e-3
    with pytest.raises(UnsupportedError, match="current without unit"):
        exp.run("neuron")


OWN = """
label: own equations
dynamics:
  name: relaxation
  parameters: {tau: {value: 5, unit: ms}, v_end: {value: 3}}
  state_variables: {v: {equation: {rhs: "(v_end - v) / tau"}, initial_value: 1}}
integration: {method: euler, step_size: 0.01, duration: 20, time_scale: ms}
"""


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize("backend", ["neuron", "eden"])
def test_equations_of_one_s_own_run_too(backend: str) -> None:
    """A variable called v without unit, which in NEURON is the potential of a section."""
    real(backend)
    exp = SimulationExperiment.from_string(OWN)
    ours, theirs = exp.run(), exp.run(backend)
    assert theirs.data.dims == ("time", "variable")
    assert np.allclose(ours.data, theirs.data, rtol=2e-3)
    assert theirs.data[0, 0] == 1


@pytest.mark.slow
@needs_java
def test_several_compartments_are_for_neuron() -> None:
    """Ex25, which the native engine and jLEMS refuse, gives potentials of its segments."""
    real("neuron")
    found = backends.run_file("LEMS_NML2_Ex25_MultiComp.xml", "neuron", losses=Losses())
    potentials = [name for name in found.quantities if name.endswith("/v")]
    assert len(potentials) > 3
    assert all(np.isfinite(found.trace(name)).all() for name in potentials)
    assert all(np.ptp(found.trace(name)) > 1e-3 for name in potentials)
