"""Component types, dimensions, units and constants that a YAML document declares for itself."""

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import InputError, UnitError
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.lems.model import ComponentType

HEAD = "component_types:\n"
REST = """
network:
  dynamics: {source: {iri: neuroml:spikeGenerator, parameters: {period: 20ms}}}
  populations: {p: {dynamics: source, size: 1}}
integration: {step_size: 1, duration: 50}
"""


def declared(text: str) -> ComponentType:
    """The type that a piece of YAML says."""
    lines = "".join(f"  {line}\n" for line in text.strip().splitlines())
    return SimulationExperiment.from_string(HEAD + lines + REST).model().component_types[-1]


def element(xml: str) -> ComponentType:
    """The type that a piece of XML says."""
    return read_string(f"<Lems>{xml}</Lems>").component_types[0]


def problems(text: str, kind: type[InputError] = InputError) -> list[str]:
    with pytest.raises(kind) as caught:
        declared(text)
    assert all(problem.location.line for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


CASES = {
    "declarations": (
        """\
kind:
  extends: baseCell
  parameters: {a: , b: voltage, c: {dimension: time, description: a time}}
  derived_parameters: {d: {dimension: voltage, equation: 2 * b}}
  constants: {k: {dimension: per_time, value: 0.125per_ms}, n: {value: 3}}
  properties: {weight: {dimension: none, default: 1}}
  texts: [color, note]
  paths: where
  links: {peer: baseCell}
  references: {synapse: {type: baseSynapse, local: true}}
  child: {one: notes}
  children: {many: {type: property}}
  attachments: {synapses: basePointCurrent}
  requirements: {iSyn: current}
  exposures: {q: {dimension: none, description: seen}}
  event_ports: {spike: out, in: in}
  state_variables: {q: {exposure: q}}
""",
        """\
<ComponentType name="kind" extends="baseCell">
<Parameter name="a" dimension="none"/><Parameter name="b" dimension="voltage"/>
<Parameter name="c" dimension="time"/>
<DerivedParameter name="d" dimension="voltage" value="2 * b"/>
<Constant name="k" dimension="per_time" value="0.125per_ms"/><Constant name="n" value="3"/>
<Property name="weight" defaultValue="1"/><Text name="color"/><Text name="note"/><Path name="where"/>
<Link name="peer" type="baseCell"/><ComponentReference name="synapse" type="baseSynapse" local="true"/>
<Child name="one" type="notes"/><Children name="many" type="property"/>
<Attachments name="synapses" type="basePointCurrent"/><Requirement name="iSyn" dimension="current"/>
<Exposure name="q" dimension="none"/><EventPort name="spike" direction="out"/>
<EventPort name="in" direction="in"/>
<Dynamics><StateVariable name="q" exposure="q"/></Dynamics></ComponentType>""",
    ),
    "dynamics": (
        """\
kind:
  parameters: {tau: time}
  event_ports: {in: in, spike: out}
  attachments: {synapses: basePointCurrent}
  state_variables: {q: {equation: -q / tau}, z: {dimension: none}}
  derived_variables:
    i: {dimension: current, select: "synapses[*]/i", reduce: add, required: false}
    r: {equation: q * 2.50}
    s: {cases: [{condition: q .gt. 1, equation: 0}, {equation: q}]}
  on_start: {assign: [{q: 0}, {z: 1}, {q: z}]}
  on_conditions: [{test: q .gt. 0.5, assign: {q: 0}, events: spike}]
  on_events: {port: in, assign: {q: q + 1}}
""",
        """\
<ComponentType name="kind"><Parameter name="tau" dimension="time"/>
<Attachments name="synapses" type="basePointCurrent"/>
<EventPort name="in" direction="in"/><EventPort name="spike" direction="out"/><Dynamics>
<StateVariable name="q"/><StateVariable name="z"/><TimeDerivative variable="q" value="-q / tau"/>
<DerivedVariable name="i" dimension="current" select="synapses[*]/i" reduce="add" required="false"/>
<DerivedVariable name="r" value="q * 2.50"/>
<ConditionalDerivedVariable name="s"><Case condition="q .gt. 1" value="0"/><Case value="q"/>
</ConditionalDerivedVariable>
<OnStart><StateAssignment variable="q" value="0"/><StateAssignment variable="z" value="1"/>
<StateAssignment variable="q" value="z"/></OnStart>
<OnCondition test="q .gt. 0.5"><StateAssignment variable="q" value="0"/><EventOut port="spike"/></OnCondition>
<OnEvent port="in"><StateAssignment variable="q" value="q + 1"/></OnEvent></Dynamics></ComponentType>""",
    ),
    "regimes": (
        """\
kind:
  parameters: {refract: time, tau: time}
  event_ports: {spike: out}
  state_variables: {lastSpike: time, v: }
  regimes:
    refractory:
      on_entry: {assign: {lastSpike: t}}
      on_conditions: {test: t .gt. lastSpike + refract, transition: integrating}
    integrating:
      initial: true
      derivatives: {v: 1 / tau}
      on_conditions: {test: v .gt. 1, events: spike, transition: refractory}
""".replace("lastSpike: time,", "lastSpike: {dimension: time},"),
        """\
<ComponentType name="kind"><Parameter name="refract" dimension="time"/>
<Parameter name="tau" dimension="time"/>
<EventPort name="spike" direction="out"/><Dynamics><StateVariable name="lastSpike" dimension="time"/>
<StateVariable name="v"/><Regime name="refractory">
<OnEntry><StateAssignment variable="lastSpike" value="t"/></OnEntry>
<OnCondition test="t .gt. lastSpike + refract"><Transition regime="integrating"/></OnCondition></Regime>
<Regime name="integrating" initial="true"><TimeDerivative variable="v" value="1 / tau"/>
<OnCondition test="v .gt. 1"><EventOut port="spike"/><Transition regime="refractory"/></OnCondition>
</Regime></Dynamics></ComponentType>""",
    ),
    "structure": (
        """\
kind:
  paths: [from, to]
  references: {synapse: baseSynapse}
  texts: destination
  structure:
    - {kind: With, attributes: {instance: from, as: a}}
    - {kind: With, attributes: {instance: to, as: b}}
    - kind: EventConnection
      attributes: {from: a, to: b, receiver: synapse, receiverContainer: destination}
      parts: [{kind: Assign, attributes: {property: weight, value: 0.5}}]
""",
        """\
<ComponentType name="kind"><ComponentReference name="synapse" type="baseSynapse"/><Path name="from"/>
<Path name="to"/><Text name="destination"/><Structure><With instance="from" as="a"/>
<With instance="to" as="b"/>
<EventConnection from="a" to="b" receiver="synapse" receiverContainer="destination">
<Assign property="weight" value="0.5"/></EventConnection></Structure></ComponentType>""",
    ),
    "no dynamics": (
        "kind: {extends: iafCell, without_dynamics: true}",
        '<ComponentType name="kind" extends="iafCell"><Dynamics/></ComponentType>',
    ),
    "the parent's dynamics": (
        "kind: {extends: iafCell}",
        '<ComponentType name="kind" extends="iafCell"/>',
    ),
}


@pytest.mark.parametrize(("text", "xml"), CASES.values(), ids=CASES)
def test_a_component_type_is_its_element(text: str, xml: str) -> None:
    """Every part of a type stands in the model as it is written, texts and order included."""
    assert declared(text) == element(xml)


WRONG = {
    "name": ("iafCell: {}", "NeuroML has a component type 'iafCell' itself"),
    "parent": ("kind: {extends: iafCel}", "did you mean 'iafCell'?"),
    "itself": ("kind: {extends: kind}", "'kind' extends itself"),
    "dimension": ("kind: {parameters: {v: volt}}", "unknown dimension 'volt'"),
    "expression": ("kind: {derived_variables: {r: {equation: '1 +'}}}", "derived variable 'r'"),
    "undeclared": (
        "kind: {parameters: {tau: }, derived_variables: {r: {equation: tua}}}",
        "did you mean 'tau'?",
    ),
    "rate": (
        "kind: {parameters: {g: voltage}, state_variables: {q: {equation: g}}}",
        "'g' has the dimension voltage",
    ),
    "two values": ("kind: {derived_variables: {r: {equation: 1, select: a/b}}}", "needs one value"),
    "no value": ("kind: {derived_variables: {r: {}}}", "needs one value"),
    "two derivatives": (
        "kind: {parameters: {tau: time}, state_variables: {q: {equation: 1 / tau}}, derivatives: {q: 0}}",
        "given twice",
    ),
    "handler": ("kind: {on_conditions: [{assign: {}}]}", "say when this happens"),
    "port": ("kind: {event_ports: {spike: up}}", "'up'; expected in or out"),
    "event": ("kind: {on_events: [{port: nowhere}]}", "nowhere"),
    "regime": ("kind: {regimes: {a: {on_entry: {transition: b}}}}", "'b'"),
    "exposure": ("kind: {state_variables: {q: {exposure: z}}}", "'z'"),
    "empty beside others": ("kind: {without_dynamics: true, state_variables: {q: }}", "one of the two"),
    "element": ("kind: {structure: [{kind: Wiht}]}", "Wiht"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_type_is_told_with_its_place(text: str, message: str) -> None:
    """The rules about LEMS types hold for those in YAML, with the lines of the YAML text."""
    assert message in "\n".join(problems(text))


def test_a_constant_has_the_unit_of_its_dimension() -> None:
    """A value in another unit is refused where it stands."""
    (found,) = problems("kind: {constants: {k: {dimension: voltage, value: 3 mS}}}", UnitError)
    assert "component_types.kind.constants.k.value" in found


def test_a_type_of_ones_own_runs() -> None:
    """``iri`` names the type; a rate of one's own gives the trace of NeuroML's rate of that formula."""
    text = """\
component_types:
  own:
    extends: baseVoltageDepRate
    constants: {rate: {dimension: per_time, value: 4per_ms}, middle: {dimension: voltage, value: -65mV}}
    parameters: {scale: voltage}
    derived_variables: {r: {dimension: per_time, exposure: r, equation: rate * exp((v - middle)/scale)}}
network:
  dynamics:
    na:
      iri: neuroml:ionChannelHH
      parameters: {conductance: 10pS}
      components:
        m:
          iri: neuroml:gateHHrates
          parameters: {instances: 3}
          components:
            forwardRate:
              iri: neuroml:HHExpLinearRate
              parameters: {rate: 1per_ms, midpoint: -40mV, scale: 10mV}
            reverseRate: REVERSE
    cell:
      iri: neuroml:pointCellCondBased
      parameters: {C: 10pF, v0: -60mV, thresh: 20mV}
      components:
        naChans: {iri: neuroml:channelPopulation, parameters: {ionChannel: na, number: 1000, erev: 50mV}}
  populations: {p: {dynamics: cell, size: 1}}
integration: {step_size: 0.01ms, duration: 5ms}
"""
    own = "{iri: own, parameters: {scale: -18mV}}"
    theirs = "{iri: neuroml:HHExpRate, parameters: {rate: 4per_ms, midpoint: -65mV, scale: -18mV}}"
    one, two = (
        SimulationExperiment.from_string(text.replace("REVERSE", rate)).run() for rate in (own, theirs)
    )
    assert np.array_equal(one.integration.data.values, two.integration.data.values)
    assert np.ptp(one.integration.data.values) > 0.0004


def test_units_dimensions_and_constants_of_ones_own() -> None:
    """They stand in the model, and quantities may use them."""
    text = """\
dimensions: {voltage_squared: {m: 2, l: 4, t: -6, i: -2}}
units: {tick: {dimension: time, power: -4}, V2: {dimension: voltage_squared}}
constants: {faraday: {symbol: F, dimension: charge_per_mole, value: 96485.3 C_per_mol}}
assertions: [{dimension: voltage, matches: current * resistance}]
network:
  dynamics: {source: {iri: neuroml:spikeGenerator, parameters: {period: 30 tick}}}
  populations: {p: {dynamics: source, size: 1}}
recordings: {events: {e: {file: spikes.dat, events: {0: "p[0]"}}}}
integration: {step_size: 1, duration: 10}
"""
    model = SimulationExperiment.from_string(text).model()
    xml = """<Lems><Dimension name="voltage_squared" m="2" l="4" t="-6" i="-2"/>
<Unit symbol="tick" dimension="time" power="-4"/><Unit symbol="V2" dimension="voltage_squared"/>
<Constant name="faraday" symbol="F" dimension="charge_per_mole" value="96485.3 C_per_mol"/>
<Assertion dimension="voltage" matches="current * resistance"/></Lems>"""
    wanted = read_string(xml)
    assert (model.dimensions, model.units, model.constants, model.assertions) == (
        wanted.dimensions,
        wanted.units,
        wanted.constants,
        wanted.assertions,
    )
    recording = SimulationExperiment.from_string(text).run().recording
    assert recording is not None
    times, _ = recording.events["e"]
    assert times == pytest.approx([0.003, 0.006, 0.009], abs=1.1e-3)


def test_a_model_without_a_network_runs() -> None:
    """``target`` names what runs: a simulation, or a component that ``integration`` simulates."""
    text = """\
component_types:
  counter:
    exposures: {n: none}
    parameters: {tau: time}
    state_variables: {n: {exposure: n, equation: 1 / tau}}
network: {dynamics: {one: {iri: counter, parameters: {tau: 1ms}}}}
integration: {target: one, step_size: 1, duration: 10}
recordings: {files: {of: {file: n.dat, columns: {n: n}}}}
"""
    experiment = SimulationExperiment.from_string(text)
    model = experiment.model()
    assert [item.tag for item in model.components] == ["counter", "Simulation"]
    assert float(experiment.run().recording.trace("n")[-1]) == pytest.approx(10)
