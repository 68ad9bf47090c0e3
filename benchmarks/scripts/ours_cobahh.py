"""COBAHH as tvbo_lite runs the reference example. ``python ours_cobahh.py [fast]``."""

import json
import sys

from tvbo_lite import SimulationExperiment
from tvbo_lite.resources import folder

experiment = SimulationExperiment.from_file(folder("reference_examples") / "cobahh" / "experiment.yaml")
result = experiment.run(fast="fast" in sys.argv[1:])
spikes = sum(map(len, result.events.values()))
print(json.dumps({"seconds": result.timings["simulate"], "spikes": spikes}))
