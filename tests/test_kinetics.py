"""Channels against the membrane potential, judged by closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.analysis import kinetics
from tvbo_lite.errors import ModelError, UnitError
from tvbo_lite.formats.lems.reader import link_string, read_file
from tvbo_lite.plotting.kinetics import plot_kinetics

CA = "LEMS_NML2_Ex15_CaDynamics.xml"


def hodgkin_huxley(v):
    """Hodgkin & Huxley (1952), J. Physiol. 117:500, Eqs. 12, 13, 20, 21, 23, 24: rates per ms at 6.3 °C.

    Their V is the displacement from rest, here -65 mV, and of the other sign.
    """
    u = v * 1e3 + 65.0
    return {
        "m": (0.1 * (25 - u) / (np.exp((25 - u) / 10) - 1), 4 * np.exp(-u / 18)),
        "h": (0.07 * np.exp(-u / 20), 1 / (np.exp((30 - u) / 10) + 1)),
        "n": (0.01 * (10 - u) / (np.exp((10 - u) / 10) - 1), 0.125 * np.exp(-u / 80)),
    }


@pytest.mark.parametrize("example", ["LEMS_NML2_Ex1_HH.xml", "LEMS_NML2_Ex5_DetCell.xml"])
def test_gates_are_those_of_the_paper(example):
    """inf = a / (a + b) and tau = 1 / (a + b) of all three gates, to rounding."""
    found = {item.channel: item for item in kinetics(read_file(example))}
    sodium = found.get("na") or found["naChan"]
    potassium = found.get("k") or found["kChan"]
    rates = hodgkin_huxley(sodium.v)
    for channel, gate in ((sodium, "m"), (sodium, "h"), (potassium, "n")):
        a, b = rates[gate]
        np.testing.assert_allclose(channel.curve(gate, "inf"), a / (a + b), rtol=1e-11)
        np.testing.assert_allclose(channel.curve(gate, "tau"), 1e-3 / (a + b), rtol=1e-11)
    assert {curve.unit for curve in sodium.curves} == {"1", "s"}
    assert (sodium.v[0], sodium.v[-1], sodium.unit) == (-0.1, 0.1, "V")


def test_a_temperature_scales_the_time_constants():
    """Ex10: tau falls by 3 ** ((T - 6.3) / 10); the network's temperature holds unless another is given."""
    model = read_file("LEMS_NML2_Ex10_Q10.xml")
    (own,) = kinetics(model, ["kChan"])
    (cold,) = kinetics(model, ["kChan"], conditions={"temperature": "6.3 degC"})
    assert own.conditions == {"temperature": "22 degC"}
    ratio = cold.curve("n", "tau") / own.curve("n", "tau")
    np.testing.assert_allclose(ratio, 3 ** ((22 - 6.3) / 10), rtol=1e-12)
    np.testing.assert_allclose(cold.curve("n", "inf"), own.curve("n", "inf"), rtol=1e-12)


def test_calcium_is_a_condition():
    """A channel that requires caConc gets the usual one, or what is asked for."""
    model = read_file(CA)
    (usual,) = kinetics(model, ["Gran_KCa_98"])
    (more,) = kinetics(model, ["Gran_KCa_98"], conditions={"caConc": "1e-3 mM"})
    assert set(usual.conditions) == {"caConc", "temperature"}
    assert (more.curve("m", "inf") > usual.curve("m", "inf")).all()


def test_parts_of_parts_are_found():
    """The gates inside a fractional gate, and the transitions of kinetic schemes, also those without ids."""
    found = {item.channel: item for item in kinetics(read_file("LEMS_NML2_Ex24_FractionalConductance.xml"))}
    assert {curve.part for curve in found["k_slow"].curves} == {"a", "b/bb", "b/bb1"}
    schemes = {item.channel: item for item in kinetics(read_file("LEMS_NML2_Ex4_KS.xml"))}
    assert {(c.part, c.name) for c in schemes["k_vh"].curves} == {
        ("n/vHalfTransition1", "rf"),
        ("n/vHalfTransition1", "rr"),
    }


OWN = """<Lems>
  <Include file="Cells.xml"/>
  <ComponentType name="lazyGate">
    <Parameter name="half" dimension="voltage"/>
    <Constant name="width" dimension="voltage" value="10mV"/>
    <Requirement name="v" dimension="voltage"/>
    <Exposure name="inf" dimension="none"/>
    <Exposure name="tau" dimension="time"/>
    <Dynamics>
      <DerivedVariable name="inf" dimension="none" exposure="inf" value="1/(1 + exp((half - v)/width))"/>
      <ConditionalDerivedVariable name="tau" dimension="time" exposure="tau">
        <Case condition="v .lt. half" value="SLOW"/>
        <Case value="2 * SLOW"/>
      </ConditionalDerivedVariable>
    </Dynamics>
  </ComponentType>
  <Constant symbol="SLOW" name="slow" dimension="time" value="7ms"/>
  <lazyGate id="g" half="-20mV"/>
  <izhikevichCell id="iz" v0="-60mV" thresh="30mV" a="0.02" b="0.2" c="-50" d="2"/>
</Lems>"""


def test_a_type_of_the_model_s_own_is_evaluated_too():
    """No kind of gate is known by name; what has no open potential, such as a cell, is no channel."""
    (gate,) = kinetics(link_string(OWN), voltages=("-60 mV", "20 mV"), count=7)
    assert (gate.channel, gate.type) == ("g", "lazyGate")
    np.testing.assert_allclose(gate.v, np.linspace(-0.06, 0.02, 7))
    np.testing.assert_allclose(gate.curve("", "inf"), 1 / (1 + np.exp((-0.02 - gate.v) / 0.01)), rtol=1e-12)
    np.testing.assert_allclose(gate.curve("", "tau"), np.where(gate.v < -0.02, 0.007, 0.014))


def test_a_potential_without_dimension_counts_in_millivolts():
    """As NeuroML's dimensionless cells have it; the rest is the same."""
    bare = OWN.replace('name="v" dimension="voltage"', 'name="V" dimension="none"')
    bare = bare.replace("half - v)/width", "half - V * MV)/width").replace("v .lt. half", "V * MV .lt. half")
    bare = bare.replace(
        "<lazyGate", '<Constant symbol="MV" name="mv" dimension="voltage" value="1mV"/><lazyGate'
    )
    (gate,) = kinetics(link_string(bare), voltages=("-60 mV", "20 mV"), count=7)
    assert gate.unit == ""
    np.testing.assert_allclose(gate.v, np.linspace(-60, 20, 7))
    (other,) = kinetics(link_string(OWN), voltages=("-60 mV", "20 mV"), count=7)
    np.testing.assert_allclose(gate.curve("", "inf"), other.curve("", "inf"), rtol=1e-9)
    assert gate.plot().axes[0].get_xlabel() == "V"


def test_a_potential_at_which_a_value_is_none_is_named():
    """0 / 0 of an unguarded rate: the part, the potential, what to do."""
    model = link_string(OWN.replace("1/(1 + exp((half - v)/width))", "(v - half)/(v - half)"))
    with pytest.raises(ModelError, match=r"g/inf is nan at v = -0.02 V; other potentials"):
        kinetics(model, voltages=("-40 mV", "0 mV"), count=3)
    (found,) = kinetics(model, voltages=("-40 mV", "0 mV"), count=4)
    np.testing.assert_array_equal(found.curve("", "inf"), 1.0)


def test_what_is_not_there_is_told():
    """Unknown channels, conditions that nothing requires, wrong units, and requirements without a value."""
    model = read_file(CA)
    with pytest.raises(ModelError, match="did you mean 'Gran_KCa_98'"):
        kinetics(model, ["Gran_KCa98"])
    with pytest.raises(ModelError, match=r"no channel requires 'caConcc'.*caConc"):
        kinetics(model, ["Gran_KCa_98"], conditions={"caConcc": "1 mM"})
    with pytest.raises(UnitError, match="caConc: '1 mV' is voltage, not concentration"):
        kinetics(model, ["Gran_KCa_98"], conditions={"caConc": "1 mV"})
    with pytest.raises(ModelError, match="there are no 200 potentials from 10 mV to 0 mV"):
        kinetics(model, voltages=("10 mV", "0 mV"))
    needy = OWN.replace("<Exposure", '<Requirement name="light" dimension="none"/><Exposure', 1)
    with pytest.raises(ModelError, match=r"lazyGate 'g' requires 'light' \(none\); expected a value for it"):
        kinetics(link_string(needy))
    (found,) = kinetics(link_string(needy), conditions={"light": "1"})
    assert found.conditions == {"light": "1"}
    with pytest.raises(KeyError, match=r"g has no 'm/inf'; there are /inf, /tau"):
        found.curve("m", "inf")


def test_a_synapse_with_two_ends_is_no_channel():
    """A graded synapse exposes inf and tau, which follow the potential at its other end."""
    text = """<Lems><Include file="Cells.xml"/><Include file="Synapses.xml"/>
      <ComponentType name="mySynapse" extends="gradedSynapse"/>
      <mySynapse id="s" conductance="5pS" delta="5mV" Vth="-55mV" k="0.025per_ms" erev="0mV"/></Lems>"""
    assert kinetics(link_string(text)) == ()


def test_an_experiment_has_channels_too():
    """Its lowered model is what is looked at; one without channels gives nothing."""
    text = "dynamics: {name: fn, iri: 'neuroml:fitzHughNagumoCell', parameters: {I: 0.8}}"
    text += "\nintegration: {step_size: 1, duration: 10, time_scale: ms}"
    assert kinetics(SimulationExperiment.from_string(text)) == ()


def test_the_figure_has_a_row_for_each_channel_and_units_on_its_axes():
    """Potentials in mV, time constants in ms, rates per ms; a channel without curves has no row."""
    found = kinetics(read_file("LEMS_NML2_Ex4a_KS.xml"))
    figure = plot_kinetics(found)
    labels = {axes.get_ylabel() for axes in figure.axes}
    assert labels == {"inf", "tau [ms]", "rf, rr [1/ms]"}
    assert {axes.get_xlabel() for axes in figure.axes} == {"v [mV]"}
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[:3] == ["k_classic: steady state", "k_classic: time constant", "k_fwd_rev: rates"]
    assert not any(title.startswith("leak") for title in titles)
    (line,) = figure.axes[1].lines[:1]
    np.testing.assert_allclose(line.get_ydata(), found[0].curve("n", "tau") * 1e3)
    with pytest.raises(ValueError, match="no channel"):
        plot_kinetics([found[-1]])
    assert len(found[0].plot().axes) == 2
