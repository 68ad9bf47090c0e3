"""The order in which Java iterates a HashMap of names, which is jLEMS's order of children."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.backends.java import find_java
from tvbo_lite.transforms.java_hash import java_hash_order

SOURCE = """
import java.nio.file.*; import java.util.*;
public class Order {
  public static void main(String[] args) throws Exception {
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      HashMap<String, Integer> map = new HashMap<>();
      for (String name : line.split("\\t")) map.put(name, 1);
      System.out.println(String.join("\\t", map.keySet()));
    }
  }
}
"""


def test_known_orders():
    """Names that NeuroML uses, and their order in Java."""
    assert java_hash_order(["forwardRate", "reverseRate"]) == java_hash_order(["reverseRate", "forwardRate"])
    assert java_hash_order(["b", "a", "c"]) == ["a", "b", "c"]
    assert java_hash_order([]) == []


def test_names_of_one_bucket_stay_in_their_order():
    """`Aa` and `BB` have the same hash."""
    assert java_hash_order(["BB", "Aa"]) == ["BB", "Aa"]
    assert java_hash_order(["Aa", "BB"]) == ["Aa", "BB"]


def test_a_repeated_name_counts_once():
    assert java_hash_order(["x", "y", "x"]) == ["x", "y"]


@given(st.lists(st.text(max_size=8), unique=True, max_size=40))
def test_every_name_is_kept(names):
    assert sorted(java_hash_order(names)) == sorted(names)


def many_lists():
    """Lists of 1 to 60 names, among them some that are not ASCII or not in the basic plane."""
    words = ["v", "gates", "synapses", "forwardRate", "q10Settings", "été", "naïve", "𝒳y", "Aa", "BB"]
    return [[f"{words[(n * k) % len(words)]}{(n * 7 + k * 13) % 97}" for k in range(n)] for n in range(1, 61)]


def test_the_order_is_that_of_a_java_virtual_machine(tmp_path):
    """Sixty maps, through all sizes of the table up to 128 buckets."""
    java = find_java()
    if not java.with_name("javac").exists():
        pytest.skip("this Java cannot compile; the order is also tested by running models")
    lists = [list(dict.fromkeys(names)) for names in many_lists()]
    source, data = tmp_path / "Order.java", tmp_path / "names.txt"
    source.write_text(SOURCE, encoding="utf-8")
    data.write_text("\n".join("\t".join(names) for names in lists), encoding="utf-8")
    command = [str(java), "-Dstdout.encoding=UTF-8", "-Dfile.encoding=UTF-8", str(source), str(data)]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    orders = [line.split("\t") for line in done.stdout.splitlines()]
    assert [java_hash_order(names) for names in lists] == orders
