"""Many networks of Izhikevich's example against as many of the paper's program, written out in numpy.

For each of seven statistics the means of 20 networks of ours and of 20 of the program are compared by Welch's
test at a level of 0.001 (|t| < 3.6 at about 38 degrees of freedom; for all together below 0.01). A difference
of 1.6 standard deviations from network to network is found with a probability of 0.9 (noncentral t: 1.6
sqrt(20 / 2) = 5.1, 1.5 above the limit); the last test shows what that is: noise that is 6 % stronger.
"""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import yaml

from tvbo_lite import SimulationExperiment
from tvbo_lite.resources import folder

NETWORKS = 20
STEPS = 1000  # of 1 ms
NE, NI = 800, 200
LIMIT = 3.6
BANDS = {"alpha": (8, 13), "gamma": (30, 60)}  # Hz
NAMES = ("rate E", "rate I", "spread of rates", "highest rates", "alpha", "gamma", "variation of intervals")


def program(seed, noise=1.0):
    """Steps and cells of the spikes of the paper's program, with numbers of numpy's generator."""
    rng = np.random.default_rng(seed)
    re, ri = rng.random(NE), rng.random(NI)
    a = np.concatenate([np.full(NE, 0.02), 0.02 + 0.08 * ri])
    b = np.concatenate([np.full(NE, 0.2), 0.25 - 0.05 * ri])
    c = np.concatenate([-65 + 15 * re**2, np.full(NI, -65.0)])
    d = np.concatenate([8 - 6 * re**2, np.full(NI, 2.0)])
    out = np.vstack([0.5 * rng.random((NE, NE + NI)), -rng.random((NI, NE + NI))])  # row: what a cell sends
    strength = noise * np.repeat([5.0, 2.0], [NE, NI])
    v = np.full(NE + NI, -65.0)
    u = b * v
    steps, cells = [], []
    for t in range(STEPS):
        current = strength * rng.standard_normal(NE + NI)
        fired = np.flatnonzero(v >= 30)
        steps.append(np.full(len(fired), t))
        cells.append(fired)
        v[fired] = c[fired]
        u[fired] += d[fired]
        current += out[fired].sum(axis=0)
        v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u += a * (b * v - u)
    return np.concatenate(steps), np.concatenate(cells)


def ours(seed, file="experiment.yaml"):
    """The same of the example, all of whose seeds are changed."""
    text = (folder("reference_examples") / "izhikevich_network" / file).read_text()
    data = copy.deepcopy(yaml.safe_load(text))
    network = data["network"]
    for number, item in enumerate(network["dynamics"].values()):
        item["parameters"]["r"]["distribution"]["seed"] = 10 * seed + number
        item["state_variables"]["xi"]["noise"]["seed"] = 10 * seed + 2
    for number, item in enumerate(network["projections"].values()):  # with one seed E and I are alike
        item["rule"] = {**item["rule"], "seed": 10 * seed + 3 + number}
    for item in network["populations"].values():
        item["record"] = ["spikes"]
    events = SimulationExperiment.from_data(data).run().events
    steps = [np.round(events[name].times * 1e3).astype(int) for name in ("E", "I")]
    return np.concatenate(steps), np.concatenate([events["E"].index, events["I"].index + NE])


def statistics(steps, cells):
    """Rates in Hz, powers as logarithms, the coefficient of variation of intervals of a typical cell."""
    rates = np.bincount(cells, minlength=NE + NI) / (STEPS * 1e-3)
    count = np.bincount(steps, minlength=STEPS)[:STEPS].astype(float)
    power = np.abs(np.fft.rfft(count - count.mean())) ** 2
    frequency = np.fft.rfftfreq(STEPS, 1e-3)
    bands = [np.log(power[(frequency >= low) & (frequency <= high)].mean()) for low, high in BANDS.values()]
    order = np.lexsort((steps, cells))
    intervals = np.split(steps[order], np.flatnonzero(np.diff(cells[order])) + 1)
    variation = [np.diff(one).std() / np.diff(one).mean() for one in intervals if len(one) >= 5]
    return (
        rates[:NE].mean(), rates[NE:].mean(), rates[:NE].std(), np.quantile(rates[:NE], 0.95),
        *bands, np.mean(variation),
    )  # fmt: skip


@cache
def theirs(noise=1.0):
    return np.array([statistics(*program(1000 + seed, noise)) for seed in range(NETWORKS)])


def welch(one, other):
    """Student's t for each column, without the assumption of equal variances."""
    error = np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other))
    return dict(zip(NAMES, (one.mean(axis=0) - other.mean(axis=0)) / error, strict=True))


def test_networks_fire_as_those_of_the_program():
    """No statistic differs: rates, their distribution, both rhythms, irregularity."""
    found = np.array([statistics(*ours(seed)) for seed in range(NETWORKS)])
    assert 5 < found[:, 0].mean() < 12  # Hz
    assert {name: t for name, t in welch(found, theirs()).items() if abs(t) >= LIMIT} == {}


def test_the_comparison_would_find_a_small_difference():
    """Noise that is 6 % stronger is told from the right one."""
    assert max(map(abs, welch(theirs(1.06), theirs()).values())) > LIMIT
