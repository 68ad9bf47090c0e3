"""Modules that load in a thread while something else goes on."""

import subprocess
import sys
import threading

from tvbo_lite.ahead import load_ahead


def test_a_module_is_there_when_it_is_needed():
    """The import that follows waits for the one that has begun, and gets the same module."""
    code = "from tvbo_lite.ahead import load_ahead; load_ahead('tvbo_lite.results'); import tvbo_lite.results"
    code += "; print(tvbo_lite.results.ExperimentResult.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("ExperimentResult", "")


def test_what_is_there_already_takes_no_thread():
    """A second call does nothing."""
    before = threading.active_count()
    load_ahead("tvbo_lite.ahead")
    assert threading.active_count() == before


def test_what_cannot_be_loaded_is_told_by_its_user(capfd):
    """The thread says nothing of a module that is not there; who imports it gets the error."""
    load_ahead("tvbo_lite.there_is_none")
    for thread in threading.enumerate():
        if thread.name.startswith("import "):
            thread.join()
    assert capfd.readouterr() == ("", "")
