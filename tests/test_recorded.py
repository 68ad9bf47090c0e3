"""Units of recorded quantities."""

import pytest

from tvbo_lite.backends import jlems, native
from tvbo_lite.formats.lems.reader import link_string, read_file
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.transforms.instantiate import instantiate
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.transforms.recorded import recorded_units, units_of_model
from tvbo_lite.transforms.resolve import Resolver

MULTI_COMPARTMENT = "LEMS_NML2_Ex25_MultiComp.xml"
TEXT = """<Lems><Include file="Cells.xml"/><Include file="Networks.xml"/>
  <Dimension name="odd" m="5" j="2"/>
  <ComponentType name="thing">
    <Parameter name="gain" dimension="per_time"/>
    <Exposure name="x" dimension="voltage"/><Exposure name="any" dimension="*"/>
    <Dynamics>
      <StateVariable name="v" dimension="voltage" exposure="x"/>
      <StateVariable name="s" dimension="odd"/>
      <DerivedVariable name="d" dimension="conductance" value="0"/>
      <Regime name="r" initial="true"><StateVariable name="hidden" dimension="current"/></Regime>
    </Dynamics>
  </ComponentType>
  <Component id="c" type="thing" gain="2 per_s"/>
  <network id="net"><population id="p" component="c" size="2"/></network>
</Lems>"""


@pytest.fixture(scope="module")
def resolver():
    return Resolver(link_string(TEXT))


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ("p[0]/x", "V"), ("p[1]/v", "V"), ("p[0]/d", "S"), ("p[0]/gain", "per_s"), ("p[0]/hidden", "A"),
        ("p[0]/t", "s"), ("net/p[0]/x", "V"), ("p[0]/size", "1"),
        ("p[0]/s", ""), ("p[0]/any", ""), ("p[0]/absent", ""), ("q[0]/x", ""),
    ],
)  # fmt: skip
def test_the_unit_is_that_of_the_declared_dimension(resolver, quantity, unit):
    """Whatever a path may show: exposures, states, derived variables, parameters, the clock, the parent's."""
    root = instantiate(resolver.component("net", resolver.model.location))
    assert recorded_units(root, [quantity], resolver.units) == {quantity: unit}


@pytest.mark.parametrize("name", [name for name in jar.example_names() if name != MULTI_COMPARTMENT])
def test_every_quantity_of_the_canonical_examples_has_a_unit(name):
    """Also those of synapses, channels and regimes; membrane potentials are in volts."""
    model = read_file(name)
    plan = simulation_plan(model)
    units = units_of_model(model, plan)
    assert tuple(units) == plan.quantities()
    assert all(units.values())
    if name != "LEMS_NML2_Ex2_Izh.xml":
        assert {unit for quantity, unit in units.items() if quantity.endswith("/v")} <= {"V"}


def test_a_model_that_cannot_be_made_into_instances_has_no_units():
    """The figure of a reference is drawn without them."""
    model = read_file("LEMS_NML2_Ex9_FN.xml")
    plan = simulation_plan(model)
    components = tuple(item for item in model.components if item.id != plan.target)
    assert units_of_model(type(model)(components=components), plan) == {}


def test_both_backends_give_the_same_units():
    """A recording knows them, whoever made it."""
    ours, theirs = (backend.run_file("LEMS_NML2_Ex9_FN.xml") for backend in (native, jlems))
    assert dict(ours.units) == dict(theirs.units) == dict.fromkeys(ours.quantities, "1")
