"""Scripts written for ANNarchy, run by the built-in engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tvbo_lite.adapters import annarchy as ann
from tvbo_lite.adapters._annarchy_network import NETWORK
from tvbo_lite.errors import ModelError, UnsupportedError

SCRIPT = Path(__file__).parent / "annarchy" / "izhikevich.txt"

DOCUMENT = {  # the neuron as the tutorial writes it out
    "parameters": """
        noise = 5.0 : population
        a = 0.02
        b = 0.2
        c = -65.0
        d = 2.0
        v_thresh = 30.0
    """,
    "equations": """
        I = g_exc - g_inh + noise * Normal(0.0, 1.0)
        dv/dt = 0.04 * v^2 + 5.0 * v + 140.0 - u + I
        du/dt = a * (b*v - u)
    """,
    "spike": """
        v >= v_thresh
    """,
    "reset": """
        v = c
        u += d
    """,
}


@pytest.fixture(autouse=True)
def _clean():
    """Every test has a network of its own, with steps of 1 ms."""
    ann.clear()
    ann.setup(dt=1.0, seed=42)
    yield
    ann.clear()
    ann.setup(dt=1.0, seed=42)


def pairs(spikes):
    return sorted((step, rank) for rank, steps in spikes.items() for step in steps)


def network(neuron=ann.Izhikevich, noise=True):
    """50 excitatory and 10 inhibitory cells, all connected; and what a program in numpy needs of them."""
    rng = np.random.default_rng(3)
    pop = ann.Population(geometry=60, neuron=neuron)
    exc, inh = pop[:50], pop[50:]
    if noise:
        exc.noise, inh.noise = 5.0, 2.0
    pop.a = 0.02
    exc.d = 8.0 - 6.0 * rng.random(50) ** 2
    pop.v = -65.0
    pop.u = pop.v * pop.b
    ann.Projection(exc, pop, "exc").connect_all_to_all(weights=ann.Uniform(0.0, 4.0))
    ann.Projection(inh, pop, "inh").connect_all_to_all(weights=ann.Uniform(0.0, 8.0), delays=3.0)
    return pop, {name: getattr(pop, name) for name in ("a", "b", "c", "d", "noise", "v", "u")}


def written_out(cells, inputs):
    """ANNarchy's steps in numpy: spikes (step, cell) and the potentials after each step."""
    a, b, c, d, noise, v, u = cells.values()
    arriving = np.zeros((len(inputs) + 10, len(v)))
    spikes, rows = [], []
    for t, normal in enumerate(inputs):
        current = arriving[t] + noise * normal
        v, u = v + 0.04 * v**2 + 5 * v + 140 - u + current, u + a * (b * v - u)
        fired = np.flatnonzero(v > 30)
        spikes += [(t, k) for k in fired.tolist()]
        v[fired], u[fired] = c[fired], u[fired] + d[fired]
        rows.append(v.copy())
        for links in NETWORK.links:
            on = np.isin(links.sources, fired)
            sign = 1 if links.target == "exc" else -1
            np.add.at(arriving[t + int(links.delays[0])], links.targets[on], sign * links.weights[on])
    return spikes, np.array(rows)


# ---- the script of the document -------------------------------------------------------------------------


SEEN = """
axes = plt.gcf().axes
points = len(axes[0].lines[0].get_xdata())
import json
print(json.dumps([len(axes), v.shape, fr.shape, int(fr.sum()), len(t), len(n), points, sorted(spikes)]))
"""


def test_the_script_runs_and_draws():
    """Unchanged but for its import line: 1000 cells, rates as the paper has them, three panels."""
    text = "import numpy; numpy.random.seed(1)\n" + SCRIPT.read_text(encoding="utf-8") + SEEN
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False,
        env=os.environ | {"MPLBACKEND": "agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    panels, v, fr, count, *others, ranks = json.loads(done.stdout)
    assert panels == 3
    assert v == [1000, 1000]
    assert fr == [1000]
    assert others == [count, count, count]
    assert 4 < count / 1000 < 15  # Hz
    assert ranks == list(range(1000))


def test_the_neuron_of_the_document_is_read():
    """Its own text runs; what is declared for the population is one number."""
    pop = ann.Population(20, ann.Neuron(**DOCUMENT))
    pop.v, pop.u = -65.0, -13.0
    monitor = ann.Monitor(pop, "spike")
    ann.simulate(200.0)
    assert pop.noise == 5.0
    assert pairs(monitor.get("spike"))
    ann.clear()
    other = ann.Population(20, ann.Neuron(**DOCUMENT))
    with pytest.raises(ModelError, match="'noise' is the same for all cells"):
        other[:10].noise = 3.0


# ---- steps ------------------------------------------------------------------------------------------------


def test_a_network_steps_as_annarchy_does():
    """Noise, pulses of both signs, delays, views: all spikes; potentials within rounding that grows."""
    pop, cells = network()
    monitor = ann.Monitor(pop, ["spike", "v", "normal_0"])
    ann.simulate(80.0)
    spikes, rows = written_out(cells, monitor.get("normal_0"))
    v = monitor.get("v")
    assert len(spikes) > 50
    assert pairs(monitor.get("spike")) == spikes
    assert np.abs(v - rows).max() < 1e-6  # mV
    assert np.array_equal(pop.v, v[-1])


def test_simulations_go_on_where_the_last_one_stopped():
    """Spikes under way, noise and all states: three parts give what one gives."""
    found = []
    for parts in ((80.0,), (30.0, 1.0, 49.0)):
        ann.clear()
        monitor = ann.Monitor(network()[0], ["spike", "v"])
        for part in parts:
            ann.simulate(part)
        assert ann.get_time() == 80.0
        found.append((pairs(monitor.get("spike")), monitor.get("v")))
    assert found[0][0] == found[1][0] != []
    assert np.array_equal(found[0][1], found[1][1])


def test_a_monitor_gives_what_is_new():
    """Steps count from 0 and go on; a view has its own cells by their ranks."""
    pop, _ = network()
    monitor = ann.Monitor(pop[50:], ["spike", "v"])
    ann.simulate(40.0)
    first = monitor.get()
    ann.simulate(20.0)
    later = monitor.get()
    assert first["v"].shape == (40, 10)
    assert later["v"].shape == (20, 10)
    assert set(first["spike"]) == set(range(50, 60))
    assert all(step < 40 for step, _ in pairs(first["spike"]))
    assert all(40 <= step < 60 for step, _ in pairs(later["spike"]))


def test_a_conductance_may_decay():
    """Spikes raise it before it is integrated: g(t + 1) = (g + w)(1 - 1/tau)."""
    text = "tau = 5.0\n drive = 0.0"
    source = ann.Neuron("", "dv/dt = 0.1 : init = 0.0", "v >= 0.95", "v = 0.0")
    target = ann.Neuron(text, "tau * dg_exc/dt = -g_exc\n dv/dt = g_exc + drive", "v > 1000", "v = 0")
    one, other = ann.Population(1, source), ann.Population(2, target)
    ann.Projection(one, other, "exc").connect_all_to_all(weights=3.0)
    monitor, spikes = ann.Monitor(other, ["g_exc", "v"]), ann.Monitor(one, "spike")
    ann.simulate(30.0)
    arrivals = [step + 1 for step in spikes.get("spike")[0]]
    assert arrivals == [10, 20, 30]
    g, v, rows = 0.0, 0.0, []
    for t in range(30):
        g += 3.0 * (t in arrivals)
        g, v = g - g / 5, v + g
        rows.append((g, v))
    found = np.stack([monitor.get("g_exc")[:, 1], monitor.get("v")[:, 1]], axis=1)
    assert np.allclose(found, rows, rtol=1e-12)


# ---- connections -----------------------------------------------------------------------------------------


def matrix(links, pre, post):
    found = np.zeros((post, pre), int)
    np.add.at(found, (links.targets, links.sources), 1)
    return found


@pytest.mark.parametrize(
    ("method", "options", "rows", "columns"),
    [
        ("all_to_all", {}, 7, 7),
        ("all_to_all", {"allow_self_connections": True}, 8, 8),
        ("one_to_one", {}, 1, 1),
        ("fixed_number_pre", {"number": 3}, 3, None),
        ("fixed_number_pre", {"number": 7}, 7, 7),
        ("fixed_number_post", {"number": 3}, None, 3),
    ],
)
def test_cells_are_connected_as_the_method_says(method, options, rows, columns):
    """The number of connections of each target (rows) and source (columns), none twice."""
    pop = ann.Population(8, ann.Izhikevich)
    getattr(ann.Projection(pop, pop, "exc"), f"connect_{method}")(weights=1.0, **options)
    found = matrix(NETWORK.links[0], 8, 8)
    assert found.max() == 1
    assert rows is None or set(found.sum(axis=1)) == {rows}
    assert columns is None or set(found.sum(axis=0)) == {columns}
    own = method == "one_to_one" or options.get("allow_self_connections", False)
    assert np.diag(found).any() == own


def test_a_part_of_a_population_may_be_connected_to_itself():
    """As in ANNarchy: self connections are left out only between a population and the same one."""
    pop = ann.Population(8, ann.Izhikevich)
    ann.Projection(pop[:3], pop, "exc").connect_all_to_all(weights=1.0)
    assert matrix(NETWORK.links[0], 8, 8)[:3, :3].all()


def test_a_probability_connects_that_share():
    """Within 5 standard deviations; weights and delays are drawn, a delay is a step at least."""
    one, other = ann.Population(100, ann.Izhikevich), ann.Population(80, ann.Izhikevich)
    ann.Projection(one, other, "exc").connect_fixed_probability(
        0.2, weights=ann.Normal(1.0, 0.5, min=0.0), delays=ann.Uniform(0.0, 4.0)
    )
    (links,) = NETWORK.links
    assert abs(len(links.sources) - 1600) < 5 * np.sqrt(8000 * 0.16)
    assert links.weights.min() >= 0
    assert set(links.delays) == {1.0, 2.0, 3.0, 4.0}


# ---- what is wrong ---------------------------------------------------------------------------------------


def test_what_cannot_be_done_is_said():
    """Each in the words of the script."""
    pop = ann.Population(4, ann.Izhikevich)
    with pytest.raises(ModelError, match="has no 'nois'; did you mean 'noise'"):
        pop.nois = 3
    with pytest.raises(ModelError, match="3 values of 'v' for 4 cells"):
        pop.v = [1, 2, 3]
    with pytest.raises(ModelError, match="has no g_ampa; expected exc, inh"):
        ann.Projection(pop, pop, "ampa")
    with pytest.raises(ModelError, match="4 and 2 cells cannot be connected one to one"):
        ann.Projection(pop, pop[:2], "exc").connect_one_to_one(1.0)
    with pytest.raises(ModelError, match="4 of 3 cells cannot be chosen"):
        ann.Projection(pop, pop, "exc").connect_fixed_number_pre(4, 1.0)
    with pytest.raises(UnsupportedError, match="synapses with equations"):
        ann.Projection(pop, pop, "exc", synapse=object())
    with pytest.raises(UnsupportedError, match="a refractory time"):
        ann.Izhikevich(tau_refrac=2.0)
    with pytest.raises(UnsupportedError, match="the method 'exponential' is not supported"):
        ann.Neuron(equations="dv/dt = -v : exponential, init = 1.0")
    with pytest.raises(UnsupportedError, match="random numbers of Uniform"):
        ann.Neuron(equations="dv/dt = -v + Uniform(0, 1)")
    with pytest.raises(ModelError, match=r"(?s)'a is 3' cannot be read.*'dv dt' cannot"):
        ann.Neuron(parameters="a is 3", equations="dv dt")
    ann.simulate(1.0)
    with pytest.raises(UnsupportedError, match="'v' of 'pop0' cannot change once the network runs"):
        pop.v = 0.0


def test_a_network_is_checked_when_it_is_compiled():
    """An unknown name in an equation, and an empty network."""
    with pytest.raises(ModelError, match="no population"):
        ann.compile()
    ann.Population(2, ann.Neuron("a = 1", "dv/dt = a - w : init = 0", "v > 1", "v = 0"))
    with pytest.raises(Exception, match="'w' is not declared"):
        ann.compile()
