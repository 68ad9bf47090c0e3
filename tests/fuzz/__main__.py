"""Fuzzes one of the readers until it finds something, or its time is over.

    cd tests && python -m fuzz yaml -max_total_time=600

All options that are not this program's own are libFuzzer's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from random import Random

import atheris

READERS = {"yaml": ".yaml", "lems": ".xml", "pyrates": ".yaml"}
CORPUS = Path(__file__).parent / "corpus"
LIMITS = ("-timeout=120", "-rss_limit_mb=4096", "-max_len=20000")
SLOWER = 4  # times, with atheris's counters
BYTES_ONLY = 0.1  # of the changes know nothing of the format


def main() -> None:
    """Reads the options, imports with counters all that the reader uses, and starts libFuzzer."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--corpus", type=Path, help="folder to which inputs with new coverage are added")
    parser.add_argument("--gather", type=Path, help="note findings in this folder and go on")
    parser.add_argument("--own", action="store_true", help="start from this project's own files only")
    own, rest = parser.parse_known_args()
    ending = READERS[own.reader]
    folder = own.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz_{own.reader}_"))
    folder.mkdir(parents=True, exist_ok=True)

    with atheris.instrument_imports(include=["tvbo_lite"]):
        reader, runner = import_module(f"fuzz.{own.reader}_reader"), import_module("fuzz.runner")
        for index, seed in enumerate(reader.seeds(own=own.own)):
            (folder / f"seed{index:03}").write_bytes(seed)
            runner.check(reader.examine, seed, ending, 60.0)  # which imports what is loaded on first use

    def one(data: bytes) -> None:
        try:
            runner.check(reader.examine, data, ending, SLOWER * runner.SECONDS)
        except BaseException as error:
            if own.gather is None or isinstance(error, KeyboardInterrupt):
                raise
            runner.note(own.gather, error, data, ending)

    def changed(data: bytes, most: int, seed: int) -> bytes:
        rng = Random(seed)
        found = atheris.Mutate(data, most) if rng.random() < BYTES_ONLY else reader.changed(data, rng)
        return bytes(found[:most])

    kept = CORPUS / own.reader
    atheris.Setup([sys.argv[0], *LIMITS, *rest, str(folder), str(kept)], one, custom_mutator=changed)
    atheris.Fuzz()


main()
