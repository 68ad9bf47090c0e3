"""The functions that PyRates' scripts use: ``integrate`` and ``CircuitTemplate``.

A script for PyRates runs with its import lines changed to ``from tvbo_lite.adapters.pyrates import ...``;
its templates are read without PyRates, and its results are data frames with PyRates' index and columns.
Values are 64-bit numbers (PyRates' are 32-bit unless ``float_precision`` says otherwise).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tvbo_lite.adapters._frames import frame
from tvbo_lite.adapters._pyrates_request import IGNORED, SCIPY, SOLVERS, Request, Solver, matching_nodes
from tvbo_lite.adapters._pyrates_templates import (
    EdgeTemplate,
    NodeTemplate,
    OperatorTemplate,
    edge_of,
    group_of,
    shown,
    with_edge,
    with_variable,
)
from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.pyrates.model import Circuit, Group
from tvbo_lite.formats.pyrates.reader import read_circuit

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

__all__ = [
    "CircuitTemplate",
    "EdgeTemplate",
    "NodeTemplate",
    "OperatorTemplate",
    "clear",
    "clear_frontend_caches",
    "integrate",
]


class CircuitTemplate:
    """A circuit of nodes and edges, whose values can be changed and which can be run."""

    def __init__(  # noqa: PLR0917  the order of PyRates' arguments
        self,
        name: str,
        path: str | None = None,
        description: str | None = None,
        circuits: Mapping[str, str | CircuitTemplate] | None = None,
        nodes: Mapping[str, str | NodeTemplate] | None = None,
        edges: Iterable[Sequence[Any]] | None = None,
    ) -> None:
        """Build a circuit in Python.

        Args:
            name: the circuit's.
            path: not used; PyRates' place of the template.
            description: what it is.
            circuits: circuits inside, or their names, in place of nodes.
            nodes: what the nodes do, or names of templates.
            edges: (source, target, edge template or None, {"weight": ...}), the ends as
                ``node/operator/variable``.

        Raises:
            ModelError: something that is no template, or no edge.
            ReadError: a name that means no template.
        """
        del path
        self._circuit = Circuit(name, description=description)
        self._circuit = self._with(circuits, nodes, edges)

    @classmethod
    def from_yaml(cls, path: str) -> Self:
        """The template ``package.file.template`` or ``path/to/file/template``.

        Raises `ReadError` for one that is not there, and for files that are no PyRates templates.
        """
        return cls._of(read_circuit(path))

    @classmethod
    def _of(cls, circuit: Circuit) -> Self:
        found = cls(circuit.name)
        found._circuit = circuit
        return found

    def _with(
        self,
        circuits: Mapping[str, str | CircuitTemplate] | None,
        nodes: Mapping[str, str | NodeTemplate] | None,
        edges: Iterable[Sequence[Any]] | None,
    ) -> Circuit:
        """The circuit with more, or other, circuits and nodes, and more edges."""
        own, inside = dict(self._circuit.nodes), dict(self._circuit.circuits)
        own |= {key: group_of(item) for key, item in (nodes or {}).items()}
        inside |= {
            key: read_circuit(item) if isinstance(item, str) else item.circuit
            for key, item in (circuits or {}).items()
        }
        if own and inside:
            raise ModelError(Problem(f"the circuit '{self.name}' holds nodes or circuits, not both"))
        more = tuple(map(edge_of, edges or ()))
        return replace(self._circuit, circuits=inside, nodes=own, edges=(*self._circuit.edges, *more))

    def update_template(
        self,
        name: str | None = None,
        circuits: Mapping[str, str | CircuitTemplate] | None = None,
        nodes: Mapping[str, str | NodeTemplate] | None = None,
        edges: Iterable[Sequence[Any]] | None = None,
        *,
        in_place: bool = False,
    ) -> Self:
        """A circuit with more, or other, nodes and circuits, and more edges; this one with ``in_place``."""
        circuit = replace(self._with(circuits, nodes, edges), name=name or self.name)
        if not in_place:
            return self._of(circuit)
        self._circuit = circuit
        return self

    def add_edges_from_matrix(  # noqa: PLR0917  the order of PyRates' arguments
        self,
        source_var: str,
        target_var: str,
        source_nodes: Sequence[str],
        target_nodes: Sequence[str] | None = None,
        weight: ArrayLike | None = None,
        template: str | EdgeTemplate | None = None,
        edge_attr: Mapping[str, Any] | None = None,
        min_weight: float = 1e-6,
    ) -> None:
        """Connect nodes by a matrix of weights, shape ``(n_targets, n_sources)``, ones where left out.

        ``source_var`` and ``target_var`` are ``operator/variable``. Other values of the edges in
        ``edge_attr`` are numbers, or matrices of the same shape. Weights up to ``min_weight`` are left out.
        """
        targets = source_nodes if target_nodes is None else target_nodes
        weights = np.ones((len(targets), len(source_nodes))) if weight is None else np.asarray(weight)
        given = {key: np.asarray(value) for key, value in (edge_attr or {}).items()}
        edges = []
        for j, target in enumerate(targets):
            for i, source in enumerate(source_nodes):
                if abs(weights[j, i]) <= min_weight:
                    continue
                values = {
                    key: (value[j, i] if value.ndim == 2 else value).item() for key, value in given.items()
                }
                ends = f"{source}/{source_var}", f"{target}/{target_var}"
                edges.append((*ends, template, {"weight": float(weights[j, i]), **values}))
        self.update_template(edges=edges, in_place=True)

    @property
    def circuit(self) -> Circuit:
        """What the template says."""
        return self._circuit

    @property
    def name(self) -> str:
        """The name of the template."""
        return self._circuit.name

    @property
    def nodes(self) -> dict[str, Group]:
        """The nodes of this level, by name."""
        return dict(self._circuit.nodes)

    @property
    def circuits(self) -> dict[str, CircuitTemplate]:
        """The circuits inside, by name."""
        return {name: CircuitTemplate._of(circuit) for name, circuit in self._circuit.circuits.items()}

    @property
    def edges(self) -> list[tuple[str, str, str | None, dict[str, Any]]]:
        """The edges of all levels: source, target, name of the template, values."""
        return [shown(edge) for edge in self._circuit.all_edges()]

    def get_nodes(self, node_identifier: str | Sequence[str]) -> list[str]:
        """The paths of the nodes that an identifier means; ``all`` is every node of a level."""
        path = node_identifier if isinstance(node_identifier, str) else "/".join(node_identifier)
        return list(matching_nodes(self._circuit, path))

    def update_var(
        self,
        node_vars: Mapping[str, Any] | None = None,
        edge_vars: Iterable[tuple[str, str, Mapping[str, Any]]] | None = None,
    ) -> Self:
        """Give variables other values; returns this template.

        Args:
            node_vars: values by ``node/operator/variable``; that of a variable with a derivative is its
                initial one. An array has a value for each node that the path means.
            edge_vars: (source, target, values) of edges; the first edge between the two is meant.

        Raises:
            ModelError: no such variable or edge; nothing is changed then.
        """
        circuit = self._circuit
        for path, value in (node_vars or {}).items():
            circuit = with_variable(circuit, path, value)
        for source, target, values in edge_vars or ():
            circuit = with_edge(circuit, source, target, values)
        self._circuit = circuit
        return self

    def run(  # noqa: PLR0917  the order of PyRates' arguments
        self,
        simulation_time: float,
        step_size: float,
        inputs: Mapping[str, ArrayLike] | None = None,
        outputs: Mapping[str, str] | Sequence[str] | None = None,
        sampling_step_size: float | None = None,
        cutoff: float | None = 0.0,
        solver: str = "euler",
        **options: Any,
    ) -> pd.DataFrame:
        """Simulate. Times are in the unit of the template.

        Args:
            simulation_time: how long; a whole number of steps.
            step_size: time step.
            inputs: by ``node/operator/variable`` the value in each step, shape ``(n_steps,)``.
            outputs: names of columns with ``node/operator/variable``, or a list of the latter.
            sampling_step_size: time between rows; a whole number of steps.
            cutoff: rows before this time are left out.
            solver: ``euler``, ``heun``, or ``scipy`` for an adaptive method (``method``, ``rtol``, ``atol``).
            options: of PyRates; ``dde_approx`` counts, those that say how PyRates computes do not.

        Returns:
            Rows by time from 0 to before ``simulation_time``, a column for each output; for an output of
            several nodes a column each, named by (output, node, ``operator/variable``).

        Raises:
            ModelError: no such variable, an input of the wrong shape, times that are no whole steps.
            UnsupportedError: a solver or option that is not supported yet.
            SimulationError: a value became NaN or infinite.
        """
        precision = options.pop("float_precision", None)
        request = Request(
            self._circuit,
            simulation_time,
            step_size,
            inputs or {},
            outputs,
            sampling_step_size,
            _solver(solver, options),
            options.pop("dde_approx", 0),
        )
        _check_options(options)
        time, columns = request.result()
        if precision == "float32":
            columns = {name: values.astype(_single(values)) for name, values in columns.items()}
        return frame(time, columns).loc[cutoff:, :]

    def experiment(
        self, simulation_time: float, step_size: float, inputs: Mapping[str, ArrayLike] | None = None
    ) -> SimulationExperiment:
        """What `run` runs, as an experiment that can be rendered, stored and run elsewhere."""
        request = Request(self._circuit, simulation_time, step_size, inputs or {})
        found, data = request.translated()
        return SimulationExperiment.from_data(data, found.location)

    def clear(self) -> None:
        """There is nothing to clear: no files are written and no state is kept."""

    def __repr__(self) -> str:
        return f"<CircuitTemplate '{self.name}'>"


def integrate(circuit: str | CircuitTemplate, **options: Any) -> pd.DataFrame:
    """Simulate a circuit, or the template of that name; ``options`` and result as `CircuitTemplate.run`."""
    template = CircuitTemplate.from_yaml(circuit) if isinstance(circuit, str) else circuit
    return template.run(**options)


def clear(model: CircuitTemplate, **_: Any) -> None:
    """There is nothing to clear; PyRates' scripts call it."""
    model.clear()


def clear_frontend_caches(**_: Any) -> None:
    """There is nothing to clear; PyRates' scripts call it."""


def _solver(name: str, options: dict[str, Any]) -> Solver:
    """The method of a solver; what concerns it is taken out of ``options``."""
    if name in SOLVERS:
        return SOLVERS[name]
    if name != "scipy":
        known = [*SOLVERS, "scipy"]
        message = f"the solver '{name}' is not supported"
        raise UnsupportedError(Problem(message, expected=" or ".join(known), hint=nearest(name, known)))
    method = options.pop("method", "RK45")
    if method not in SCIPY:
        message = f"SciPy's method '{method}' is not supported"
        raise UnsupportedError(
            Problem(message, expected=" or ".join(SCIPY), hint=nearest(str(method), SCIPY))
        )
    found = SCIPY[method]
    return found._replace(
        rel_tol=options.pop("rtol", found.rel_tol), abs_tol=options.pop("atol", found.abs_tol)
    )


def _check_options(options: Mapping[str, Any]) -> None:
    unknown = [name for name in options if name not in IGNORED]
    if unknown:
        hint = nearest(unknown[0], (*IGNORED, "sampling_step_size", "simulation_time", "step_size"))
        raise UnsupportedError(Problem(f"run has no option '{unknown[0]}' here", hint=hint))


def _single(values: np.ndarray[Any, Any]) -> type[np.generic]:
    return np.complex64 if np.iscomplexobj(values) else np.float32
