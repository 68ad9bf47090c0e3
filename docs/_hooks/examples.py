"""The reference examples, and the topics under which the gallery shows them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvbo_lite import SimulationExperiment
from tvbo_lite.resources import folder

TOPICS = {
    "Cells": (
        "ex0_iaf", "izhikevich", "ex2_izh", "ex8_adex", "ex9_fn", "ex14_pynn", "ex1_hh", "ex5_detcell",
        "ex22_pinsky_rinzel", "ex25_multicomp",
    ),
    "Channels": (
        "ex4_ks", "ex4a_ks", "ex10_q10", "ex15_cadynamics", "ex18_ghk", "ex24_fractional_conductance",
    ),
    "Synapses": (
        "ex3_net", "ex6_nmda", "ex7_stp", "ex11_stdp", "ex19_gap_junctions", "ex19a_gap_junction_instances",
        "ex20_analog_synapses", "ex20a_analog_synapses_hh", "ex21_current_based_synapses",
        "ex27_multisynapses",
    ),
    "Inputs and recordings": ("ex16_inputs", "ex23_spiketimes"),
    "Networks": (
        "ex12_net2", "ex13_instances", "ex17_tissue", "ex26_weights", "izhikevich_network", "cobahh",
    ),
    "Mean fields": ("qif", "qif_sfa", "izhikevich_mean_field"),
}  # fmt: skip
LOOK = "# What to look at: "


@dataclass(frozen=True)
class Example:
    """A folder of ``reference_examples``, read."""

    folder: Path
    text: str
    experiment: SimulationExperiment
    provenance: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> Example:
        """The example of that name."""
        place = folder("reference_examples") / name
        provenance = tomllib.loads((place / "provenance.toml").read_text(encoding="utf-8"))
        text = (place / provenance["experiment"]).read_text(encoding="utf-8")
        path = f"reference_examples/{name}/{provenance['experiment']}"
        return cls(place, text, SimulationExperiment.from_string(text, path), provenance)

    @property
    def name(self) -> str:
        """That of its folder."""
        return self.folder.name

    @property
    def title(self) -> str:
        """Its label; all but a few are of NeuroML."""
        return (self.experiment.label or self.name).removeprefix("NeuroML ")

    @property
    def path(self) -> str:
        """Of its YAML file, from the root of a checkout."""
        return f"reference_examples/{self.name}/{self.provenance['experiment']}"

    @property
    def look(self) -> str:
        """What its text says to look at, the comment that begins so; empty where it says nothing."""
        lines = self.text.splitlines()
        first = next((k for k, line in enumerate(lines) if line.startswith(LOOK)), None)
        if first is None:
            return ""
        said = [lines[first].removeprefix(LOOK)]
        for line in lines[first + 1 :]:
            if not line.startswith("# "):
                break
            said.append(line.removeprefix("# "))
        text = " ".join(said)
        return text[0].upper() + text[1:]


def examples() -> list[Example]:
    """All of them, topic by topic."""
    return [Example.read(name) for names in TOPICS.values() for name in names]
