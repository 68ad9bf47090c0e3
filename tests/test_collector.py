"""The cyclic garbage collector, while many objects are made."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest

from tvbo_lite.collector import all_is_old, collector_paused


class Ring:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self):
        self.me = self


def test_the_collector_is_as_it_was_before():
    """On again at the end and after an error, and within another pause only when that one ends."""
    assert gc.isenabled()
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), collector_paused():
        raise KeyError
    assert gc.isenabled()


def test_who_switched_it_off_keeps_it_off():
    """A pause does not switch on what its caller had switched off."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_pauses_of_two_threads_end_with_the_collector_on():
    """The one that began first ends first."""
    inside, leave = threading.Event(), threading.Event()

    def first():
        with collector_paused():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    with collector_paused():
        leave.set()
        thread.join()
    assert gc.isenabled()


def test_garbage_among_what_is_old_is_freed():
    """A full collection finds it."""
    ring = Ring()
    gone = weakref.ref(ring)
    del ring
    all_is_old()
    assert gone() is not None
    gc.collect()
    assert gone() is None


def test_what_others_froze_stays_frozen():
    """A program that freezes its objects before it forks keeps them so."""
    code = (
        "import gc; gc.freeze(); from tvbo_lite import SimulationExperiment; print(gc.get_freeze_count() > 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
