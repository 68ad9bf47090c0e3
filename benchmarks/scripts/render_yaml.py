"""``PYTHON render_yaml.py PACKAGE FILE TIMES``: how long it takes to read and render an experiment.

PACKAGE is ``tvbo_lite`` or ``tvbo``, whose classes have the same names here. The last line printed is JSON:
the first and the median of the others in s, without the import, and the number of characters rendered.
"""

import json
import statistics
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter


def main(package: str, file: str, times: str) -> None:
    experiment = import_module(package).SimulationExperiment
    text, found, lems = Path(file).read_text(encoding="utf-8"), [], ""
    for _ in range(int(times) + 1):
        begin = perf_counter()
        lems = experiment.from_string(text).render("lems")
        found.append(perf_counter() - begin)
    print(json.dumps({"first": found[0], "seconds": statistics.median(found[1:]), "characters": len(lems)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
