"""Networks of all kinds of populations, connections and inputs survive the way through YAML."""

from __future__ import annotations

from random import Random

import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.formats.lems.normal import normal_form
from tvbo_lite.formats.lems.reader import link_string

HEAD = """<Lems><Target component="sim1"/>
<Include file="NeuroML2CoreTypes.xml"/><Include file="Simulation.xml"/>
<iafCell id="iaf" leakReversal="-60mV" thresh="-55mV" reset="-62mV" C="1.0nF" leakConductance="0.05uS"/>
<ionChannelPassive id="pas" conductance="10pS"/>
<pointCellCondBased id="pc" C="10pF" v0="-65mV" thresh="20mV">
  <channelPopulation id="p" ionChannel="pas" number="300" erev="-54mV"/>
</pointCellCondBased>
<expOneSynapse id="syn" gbase="5nS" erev="0mV" tauDecay="3ms"/><gapJunction id="gj" conductance="10pS"/>
<silentSynapse id="sil"/><linearGradedSynapse id="ls" conductance="5pS"/>
<gradedSynapse id="gs" conductance="5pS" delta="5mV" Vth="-55mV" k="0.025per_ms" erev="0mV"/>
<pulseGenerator id="pg" delay="5ms" duration="40ms" amplitude="0.4 nA"/>
<spikeGenerator id="sg" period="20ms"/>
<poissonFiringSynapse id="pfs" averageRate="10 Hz" synapse="syn" spikeTarget="./syn"/>
<Simulation id="sim1" length="10ms" step="0.1ms" target="net1"/>
"""


def element(tag: str, random: Random, inside: str = "", /, **attributes: object) -> str:
    """An element with those attributes that are not None, in any order."""
    items = [f'{name}="{value}"' for name, value in attributes.items() if value is not None]
    random.shuffle(items)
    return f"<{tag} {' '.join(items)}>{inside}</{tag}>"


class Maker:
    """Makes the members of a network, of which each may be usual or odd."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.populations: dict[str, tuple[str, list[int], bool]] = {}  # cell, ids of instances, listed

    def some(self, *values: object) -> object:
        return self.random.choice(values)

    def network(self) -> str:
        members = [self.population(f"p{number}", "iaf") for number in range(2)]
        members += [self.population("p2", "pc"), self.population("p3", "sg")]
        makers = (self.events, self.analog, self.single, self.explicit, self.inputs, self.property)
        members += [self.random.choice(makers)(f"m{number}") for number in range(8)]
        if self.random.random() < 0.3:
            self.random.shuffle(members)
        return element("network", self.random, "".join(members), id="net1")

    def population(self, name: str, cell: str) -> str:
        size, listed = self.random.randint(1, 4), self.random.random() < 0.5
        usual = self.random.random() < 0.7
        ids = list(range(size)) if usual or not listed else self.random.sample(range(20), size)
        self.populations[name] = (cell, ids, listed)
        if not listed:
            return element("population", self.random, id=name, component=cell, size=size)
        place = f'<location x="{self.some(1, "2.50", "-3e1")}" y="0" z="{self.some(".5", 7)}"/>'
        instances = "".join(f'<instance id="{item}">{self.some(place, place, "")}</instance>' for item in ids)
        said = {"id": name, "component": cell, "type": "populationList", "size": self.some(size, None)}
        return element("population", self.random, instances, **said)

    def path(self, population: str) -> str:
        cell, ids, listed = self.populations[population]
        return f"{population}/{self.some(*ids)}/{cell}" if listed else f"{population}[{self.some(*ids)}]"

    def ends(self, *sources: str) -> tuple[str, str]:
        return str(self.some(*sources)), str(self.some("p0", "p1", "p2"))

    def ids(self) -> list[object]:
        odd = [self.random.randint(50, 99) + number * 100 for number in range(3)]
        return self.random.choice([[0, 1, 2], [0, 1, 2], odd, [None] * 3])[: self.random.randint(0, 3)]

    def places(self, segment: str) -> dict[str, object]:
        where = {f"pre{segment}": 0, f"post{segment}": 0, "preFractionAlong": 0.5, "postFractionAlong": ".25"}
        return self.random.choice([{}, {}, where])

    def events(self, name: str) -> str:
        source, target = self.ends("p0", "p1", "p2", "p3")
        rows = ""
        for identifier in self.ids():
            said = {"id": identifier, "preCellId": "../" + self.path(source)}
            said |= {
                "postCellId": f"{self.some('../', '../', '')}{self.path(target)}",
                **self.places("SegmentId"),
            }
            strength = {"weight": self.some("0.5", ".5"), "delay": self.some("2ms", "0 ms")}
            weighted = self.random.random() < 0.5
            said |= strength if weighted else {"destination": self.some(None, "synapses")}
            rows += element("connectionWD" if weighted else "connection", self.random, **said)
        between = {"presynapticPopulation": source, "postsynapticPopulation": target, "synapse": "syn"}
        return element("projection", self.random, rows, id=name, **between)

    def analog(self, name: str) -> str:
        kind = str(self.some("electrical", "continuous"))
        source, target = self.ends("p0", "p1", "p2")
        rows = ""
        for identifier in self.ids():
            tag = str(self.some("", "Instance", "InstanceW"))
            paths = {"preCell": "../" + self.path(source), "postCell": "../" + self.path(target)}
            first, last = (self.some(*self.populations[end][1]) for end in (source, target))
            said = {"id": identifier, **(paths if tag else {"preCell": first, "postCell": last})}
            said |= {"weight": self.some("1", ".5") if tag == "InstanceW" else None, **self.places("Segment")}
            graded = {"preComponent": self.some("sil", "ls"), "postComponent": self.some("gs", "ls")}
            said |= {"synapse": "gj"} if kind == "electrical" else graded
            rows += element(f"{kind}Connection{tag}", self.random, **said)
        between = {"presynapticPopulation": source, "postsynapticPopulation": target}
        return element(f"{kind}Projection", self.random, rows, id=name, **between)

    def single(self, _: str) -> str:
        source, target = self.ends("p0", "p2", "p3")
        said = {"from": self.path(source), "to": self.path(target), "synapse": "syn"}
        said |= {"destination": self.some(None, "synapses")}
        weighted = self.random.random() < 0.5
        strength = {"weight": "0.5", "delay": "2ms"} if weighted else {}
        return element(
            "synapticConnectionWD" if weighted else "synapticConnection", self.random, **said, **strength
        )

    def explicit(self, name: str) -> str:
        said = {"target": self.path(self.ends("p0")[1]), "input": self.some("pg", "pfs")}
        odd = {"destination": self.some(None, "synapses"), "id": self.some(None, None, None, name)}
        return element("explicitInput", self.random, **said, **odd)

    def inputs(self, name: str) -> str:
        target = self.ends("p0")[1]
        rows = ""
        for number in range(self.random.randint(0, 4)):
            weight = self.some(None, "0.5")
            said = {"id": self.some(number, number, number + 70), "target": "../" + self.path(target)}
            said |= {"destination": self.some("synapses", "synapses", None), "segmentId": self.some(None, 0)}
            rows += element("input" if weight is None else "inputW", self.random, **said, weight=weight)
        return element("inputList", self.random, rows, id=name, component="pg", population=target)

    def property(self, name: str) -> str:
        return element("property", self.random, tag=name, value="x")


@pytest.mark.parametrize("seed", range(30))
def test_a_random_network_survives(seed: int) -> None:
    """Whatever its members look like, LEMS to YAML to LEMS gives an equal model."""
    model = link_string(f"{HEAD}{Maker(seed).network()}</Lems>")
    experiment = SimulationExperiment.from_lems(model)
    again = SimulationExperiment.from_string(experiment.to_yaml())
    assert again == experiment
    assert normal_form(again.model()) == normal_form(model)
