"""The flat equations of each population: names, order, what is kept and what is worked out."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scripts import RATES, model

from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Name, Number, Select
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations import System, population_equations
from tvbo_lite.transforms.equations.grow import Names
from tvbo_lite.transforms.equations.simplify import simplified


@cache
def equations(name: str, *, ordered: bool = True) -> tuple[System, tuple[str, ...]]:
    losses = Losses()
    system = population_equations(model(name), losses, ordered=ordered)
    return system, tuple(str(loss) for loss in losses)


def test_a_group_for_each_population_and_each_attached_component() -> None:
    """Cells of a population are one group, what is attached to them another, which knows its hosts."""
    system, losses = equations("LEMS_NML2_Ex12_Net2.xml")
    assert losses == ()
    assert set(system.order) == {"spikersPop", "spikeArrayPop", "spike100Pop", "iafPop"}
    assert system.groups["iafPop"].size == 9
    assert system.groups["syn1"].host is system.groups["iafPop"]
    assert system.groups["syn1"].at == (0, 1, 2)


def test_names_are_the_shortest_that_tell_parts_apart() -> None:
    """A gate's variable is named by the gate, a channel's by the channel where two have it."""
    group = equations("LEMS_NML2_Ex5_DetCell.xml")[0].groups["hhpop"]
    assert set(group.states) == {"m_q", "h_q", "n_q", "v", "spiking"}
    names = {item.name for item in group.definitions()}
    assert {"naChans_iDensity", "kChans_iDensity", "leak_iDensity"} <= names


def test_what_depends_on_parameters_alone_is_worked_out() -> None:
    """Area and capacitance of a cell are parameters, with the formula they come from."""
    group = equations("LEMS_NML2_Ex5_DetCell.xml")[0].groups["hhpop"]
    capacitance = group.parameters["totCap"]
    assert capacitance.values[0] == pytest.approx(1e-11, rel=1e-6)
    assert capacitance.dimension == "capacitance"
    assert "*" in capacitance.formula


def test_what_nobody_reads_is_gone() -> None:
    """Calcium, of which this cell has none, leaves no trace."""
    group = equations("LEMS_NML2_Ex5_DetCell.xml")[0].groups["hhpop"]
    assert not any("Ca" in item.name for item in group.definitions())


def test_older_values_are_kept_where_jlems_shows_them() -> None:
    """Gates advance before their channel has copied the potential, so its copy stays, and is late."""
    ordered = equations("LEMS_NML2_Ex5_DetCell.xml")[0].groups["hhpop"]
    assert {"naChans_v", "naChans_ionChannel_v"} <= ordered.late
    plain = equations("LEMS_NML2_Ex5_DetCell.xml", ordered=False)[0].groups["hhpop"]
    assert plain.late == set()
    assert not any(item.name.endswith("_v") for item in plain.definitions())


def test_initial_values_are_those_of_the_first_row() -> None:
    """What OnStart gives, gates at rest included, is what the engine records at t = 0."""
    from scripts import native_run, shorter

    found = shorter(model("LEMS_NML2_Ex5_DetCell.xml"), "0.02 ms")
    system = equations("LEMS_NML2_Ex5_DetCell.xml")[0]
    recording = native_run(found)
    for record in system.records:
        start = system.groups[record.group].initial[record.name][record.k]
        np.testing.assert_allclose(start, recording.trace(record.quantity)[0], rtol=1e-12)


@pytest.mark.parametrize("ordered", [True, False])
def test_cells_that_read_states_of_each_other_are_one_group(*, ordered: bool) -> None:
    """All read what a state was at the start of the step, by a copy or not: their order does not matter."""
    system, losses = equations("two coupled rates", ordered=ordered)
    assert losses == ()
    assert system.groups["wc_pop"].size == 2


def test_cells_that_read_what_others_work_out_are_taken_one_by_one() -> None:
    """A derived variable is of this step or the one before, by the order of the cells: each is a group."""
    worked_out = 'derived_variables:\n    top: {equation: "tanh(a*E)"}'
    text = RATES.replace("derived_variables:", worked_out).replace("source_var: E", "source_var: top")
    losses = Losses()
    found = link(SimulationExperiment.from_string(text).model())
    system = population_equations(found, losses)
    assert [group.size for group in system.groups.values() if group.states] == [1, 1]
    assert "wc_pop" in population_equations(found, losses, ordered=False).groups
    assert len(losses) == 0


def test_weights_without_change_are_parameters() -> None:
    """What a connection gives each copy is a parameter with a number for each."""
    group = equations("LEMS_NML2_Ex12_Net2.xml")[0].groups["syn1"]
    assert group.parameters["weight"].values == (1.0, 0.5, 0.25)


def test_connections_are_routes_with_delays() -> None:
    """A port's connections to one group are one route: copies, and delays in seconds."""
    routes = equations("LEMS_NML2_Ex12_Net2.xml")[0].groups["spike100Pop"].routes
    route = next(route for route in routes if route.target == "syn1")
    assert (route.sources, route.targets) == ((0, 0, 0), (0, 1, 2))
    assert route.delays == pytest.approx((0.0, 0.01, 0.015))


def test_names_are_unique_identifiers() -> None:
    """Spaces and keywords are no names of variables, and a name is given once."""
    names = Names(["taken"])
    assert [names.new(one) for one in ("a b", "taken", "lambda", "1x", "a b")] == [
        "a_b", "taken2", "lambda_", "n1x", "a_b2",
    ]  # fmt: skip


def test_simplifying_changes_no_value() -> None:
    """Ones and zeros that do nothing go, choices that are known are made."""
    assert simplified(parse("1 * x + 0")) == Name("x")
    assert simplified(parse("2 * 3")) == Number(6.0)
    choice = Select(((parse("a .gt. 0"), Name("x")), (None, Name("y"))))
    assert simplified(choice, {"a": 1.0}) == Name("x")
    assert simplified(choice, {"a": -1.0}) == Name("y")
    assert simplified(choice) == choice
