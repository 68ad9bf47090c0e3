"""A simulation experiment as people use it: read it, look at it, render it, run it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tvbo_lite.collector import collector_paused
from tvbo_lite.errors import Problem, SchemaError, UnsupportedError
from tvbo_lite.lems.recording import StoppedWarning
from tvbo_lite.reading import text_of
from tvbo_lite.schema import Experiment
from tvbo_lite.schema.integration import seconds
from tvbo_lite.schema.paths import Locate, Locator, without_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import xarray as xr
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from tvbo_lite.formats import Rendered
    from tvbo_lite.lems.model import Model
    from tvbo_lite.lems.recording import Recording
    from tvbo_lite.losses import Losses
    from tvbo_lite.results import ExperimentResult
    from tvbo_lite.streams import Output

__all__ = ["SimulationExperiment"]


class SimulationExperiment(Experiment):
    """What is simulated, how it is connected, and for how long.

    Its fields are those of the YAML dialect (``exp.dynamics``, ``exp.network.nodes``,
    ``exp.integration.duration``, ...). What `render` shows is what `run` runs: both start from `model`.
    """

    @classmethod
    def from_string(cls, text: str, file: str = "<string>") -> Self:
        """The experiment in a YAML text; ``file`` is the name that messages show.

        Raises:
            ReadError: the text is not YAML.
            SchemaError: the document is no experiment; all its problems, each with its line.
        """
        from tvbo_lite.formats.yaml.reader import read_text

        document = read_text(text, file)
        return cls.from_data(document.data, document.location)

    @classmethod
    def from_data(cls, data: dict[str, Any], locate: Locate = without_lines) -> Self:
        """The experiment that plain data describes, such as a YAML text holds.

        ``locate`` gives the place of a path in ``data`` for messages. Raises `SchemaError` as `from_string`.
        """
        from tvbo_lite.schema.load import load

        loaded = load(data, locate)
        given = {name: getattr(loaded, name) for name in loaded.model_fields_set}
        return cls.model_validate(given, context=Locator(data, locate))

    @classmethod
    def from_pyrates(
        cls,
        template: str,
        *,
        step_size: float | None = None,
        duration: float | None = None,
        time_scale: str = "s",
    ) -> Self:
        """The experiment that a PyRates circuit template means; PyRates itself is not needed.

        Args:
            template: ``package.file.template``, such as ``model_templates.neural_mass_models.qif.qif``
                where the package PyRates is installed, or ``path/to/file/template``.
            step_size: in ``time_scale``; without it and ``duration`` the experiment cannot run.
            duration: in ``time_scale``.
            time_scale: what one unit of time of the template is: ``s``, ``ms`` or ``us``.

        Raises:
            ReadError: no such template, or one that PyRates would not read.
            ExpressionError: an equation that cannot be read.
            ModelError: an edge without its variables.
            UnsupportedError: an array, a value of the past, a delay without spread.
        """
        from tvbo_lite.formats.pyrates.experiment import translate
        from tvbo_lite.formats.pyrates.reader import read_circuit

        found = translate(read_circuit(template))
        given = {"step_size": step_size, "duration": duration}
        integration = {key: value for key, value in given.items() if value is not None}
        data = (
            {**found.data, "integration": {**integration, "time_scale": time_scale}}
            if integration
            else found.data
        )
        return cls.from_data(data, found.location)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """The experiment in a YAML file (UTF-8). Raises as `from_string` does."""
        return cls.from_string(text_of(path), str(path))

    @classmethod
    def from_lems(
        cls, source: str | Path | Model, *, search: Sequence[Path] = (), losses: Losses | None = None
    ) -> Self:
        """The experiment that a LEMS or NeuroML document says; its `model` is equal to the document's.

        What a document includes is taken in, but for NeuroML's core types; texts, units and names stay as
        they are written, and comments become descriptions. A document without a simulation gives an
        experiment without ``integration``.

        Args:
            source: a file, the name of a canonical example such as ``"LEMS_NML2_Ex5_DetCell"``, or a model.
            search: further folders in which included files are looked for.
            losses: gets what an experiment cannot say; without it, that is told by a `LossWarning`.

        Raises:
            ReadError: a file cannot be read, or an include is not found.
            UnsupportedError: two components have the same id.
            SchemaError: a name or a text that the dialect refuses.
        """
        from tvbo_lite.formats.lems.reader import link, read_file
        from tvbo_lite.formats.yaml.from_model import experiment_of
        from tvbo_lite.losses import Losses

        model = read_file(source, search) if isinstance(source, str | Path) else source
        found = Losses()
        raised = experiment_of(link(model, search) if model.includes else model, found)
        found.tell("YAML experiment", losses)
        return cls.model_validate({name: getattr(raised, name) for name in raised.model_fields_set})

    def to_yaml(self) -> str:
        """The experiment as YAML text: what was set, and no more. `from_string` makes an equal one of it.

        Raises:
            RenderError: a text holds half of a character, which no file can hold.
        """
        from tvbo_lite.formats.yaml.writer import text_of

        return text_of(self)

    @collector_paused()
    def model(self) -> Model:
        """The LEMS model that the experiment means; its includes are named, not followed.

        Raises:
            ModelError: an unknown type or node, an attribute that is missing or unknown, an impossible edge.
            UnitError: a quantity with an unknown unit or the wrong dimension.
            UnsupportedError: something right that cannot be lowered yet.
        """
        from tvbo_lite.formats.yaml.to_model import model_of

        return model_of(self)

    def render(
        self,
        format: str = "lems",  # noqa: A002  the name that users write
        *,
        strict: bool = False,
        losses: Losses | None = None,
        **options: Any,
    ) -> Rendered:
        """The experiment in another format (`tvbo_lite.formats.FORMATS`): a text, or several by file name.

        What the format cannot hold is added to ``losses``; without that it is told by a `LossWarning`.
        ``strict`` makes it an error. ``options`` are the format's own, such as ``split=True`` of LEMS.

        Raises:
            RenderError: an unknown format or option, a text that the format cannot hold, or a loss with
                ``strict``. Else as `model` does.
        """
        from tvbo_lite.formats import render, writer

        writer(format)  # a misspelt format is told first
        if format == "yaml" and not options:  # as it was given, not as what it means
            return self.to_yaml()
        return render(self.model(), format, strict=strict, losses=losses, **options)

    def save(
        self,
        path: str | Path,
        format: str | None = None,  # noqa: A002  the name that users write
        *,
        strict: bool = False,
        losses: Losses | None = None,
        **options: Any,
    ) -> tuple[Path, ...]:
        """Write what `render` gives; the files written.

        A single text goes to the file ``path``, several to the folder ``path``; each file is replaced whole
        or not at all. Without ``format`` the ending of ``path`` decides (``.xml`` LEMS, ``.yaml`` YAML,
        ``.h5`` NeuroML in HDF5). Raises `OSError` as the system does, else as `render`.
        """
        from tvbo_lite.formats import format_of
        from tvbo_lite.formats.files import Files, write_beside, write_files

        result = self.render(format or format_of(path), strict=strict, losses=losses, **options)
        if isinstance(result, Files):
            return write_files(path, result)
        write_beside(Path(path), result)
        return (Path(path),)

    def draw(self, what: str | None = None, *, title: str = "", **options: Any) -> Figure:
        """A picture of the experiment: ``"network"``, ``"components"`` or ``"channels"``.

        Options and what is raised are those of `tvbo_lite.draw.draw`, and what `model` raises.
        """
        from tvbo_lite.draw import draw

        return draw(self.model(), what, title=title, **options)

    def run(
        self,
        backend: str = "native",
        *,
        duration: float | str | None = None,
        output: str | Path | None = None,
        **options: Any,
    ) -> ExperimentResult:
        """Simulate with the built-in engine, or with another, such as ``"neuroml"`` (jLEMS) or ``"neuron"``.

        The result's dimensions are ``(time, quantity)`` with quantities like ``iz_pop[0]/v``, or
        ``(time, variable)`` where the experiment is one node without network. Ctrl-C ends a run of the
        built-in engine early: the result holds what was recorded, ``result.stopped`` says when that was (s),
        and a `StoppedWarning` tells it.

        Args:
            backend: what runs it.
            duration: how long, in s or with its unit (``"200 ms"``), in place of the experiment's duration.
            output: a ``.zarr`` store or ``.nc`` file to which the built-in engine writes while it runs, so
                that its memory does not grow with the duration. It has its name when it is complete; of a
                run that was stopped it is called ``run.partial.zarr``. The result opens it when it is
                looked at.
            options: the backend's own. Those of the built-in engine are ``method``, ``rel_tol``,
                ``abs_tol``, ``sampling_step_size`` (s), ``max_step`` (s); ``threads``, which share the
                work of a large network and change no bit; and ``initial_state``, an earlier
                ``result.state`` from which the run goes on to the last bit; its first row is the one after
                that state; and ``force``, which lets a run take longer than a day.

        Raises:
            BackendError: an unknown backend, or one that failed. Else as `model` does.
            SimulationError: a value became NaN or infinite.
            UnsupportedError: an ``initial_state`` of another model, an ``output`` of another kind, a run that
                would take too much time or memory (`tvbo_lite.limits`).
            OSError: ``output`` cannot be written; nothing is left of it, and an older file stays.
        """
        from tvbo_lite import backends
        from tvbo_lite.ahead import load_ahead
        from tvbo_lite.lems.renamed import names_of, restored

        name = backends.backend_name(backend)
        model = self._varied(options.get("method"), duration).model()
        if output is not None:
            options["output"] = self._output(output, name, names_of(model.renamed))
        load_ahead("tvbo_lite.results")  # xarray takes as long as the compilation
        recording = restored(backends.run_model(model, backend=backend, **options), model.renamed)
        if recording.stopped is not None:
            warnings.warn(recording.story(), StoppedWarning, stacklevel=2)
        result = self._labelled(recording, name)
        if not self.observations:
            return result
        from tvbo_lite.transforms.observe import observe

        scale = self.integration.time_scale if self.integration is not None else "ms"
        if recording.stored is not None:
            from tvbo_lite.results import with_sources

            sources = {source for item in self.observations.values() for source in item.source}
            recording = with_sources(recording, result, sources)
        return result.with_observations(observe(self.observations, recording, seconds(1, scale) or 1.0))

    def _output(self, path: str | Path, backend: str, names: Mapping[str, str]) -> Output:
        """Where the built-in engine writes. Raises `UnsupportedError` for other backends."""
        from tvbo_lite.streams import Output

        if backend != "native":
            what = f"the backend '{backend}' cannot write while it runs"
            hint = "leave 'output' out, and save the result"
            raise UnsupportedError(Problem(what, expected="native", hint=hint))
        return Output(Path(path), "quantity" if self._has_network() else "variable", names, self.label)

    def explore(
        self,
        space: Mapping[str, ArrayLike] | str,
        mode: str = "product",
        *,
        threads: int | None = None,
        chunk: int | None = None,
        progress: Callable[[int, int], None] | bool = False,
        failures: str = "raise",
        output: str | Path | None = None,
        client: Any = None,
        **options: Any,
    ) -> xr.DataArray:
        """Run every set of parameter values with the built-in engine, on all cores.

        Where the experiment is one node without network, sets run together as rows of one vectorised
        population; elsewhere, with an adaptive method, with noise, and for values that change more than the
        node's parameters and initial values, each set is a run of its own. Either way the traces of a set do
        not depend on the others, nor on ``threads`` and ``chunk``.

        Args:
            space: values by name: ``{"dynamics.parameters.eta": [-6, -5]}``; ``"qif.eta"`` and ``"eta"`` are
                short for it, a state variable's name means its initial value. Numbers are in the unit that
                the experiment gives, texts have their own: ``["80 pA", "0.1 nA"]``. Or the name of one of
                ``explorations``, which says its mode too.
            mode: ``"product"``, each value with each, or ``"zip"``, side by side.
            threads: runs at the same time; by default one for each core.
            chunk: how many sets run together at most; memory during the run grows with it.
            progress: True shows a bar; a function is called with (sets done, sets in all).
            failures: ``"raise"``, or ``"nan"`` for the traces of sets whose values do not stay finite.
            output: a folder that becomes a Zarr store, to which sets are added as they finish; the result
                is read from it where it is used. The same call later runs only what is missing.
            client: a ``dask.distributed.Client``, on whose workers the sets run instead of in threads.
            options: of the integration, as `run`: ``method``, ``sampling_step_size`` (s), ...

        Returns:
            The traces in SI units. Dimensions: one for each name (``eta``), or ``set`` in mode zip; then
            ``time`` (s), ``variable`` (``quantity`` in a network). Coordinates: the values, in their unit.
            Spikes and ``observations`` are not kept.

        Raises:
            ModelError: a name that means nothing here, values that are no numbers or have another dimension.
                Else as `model` does.
            SimulationError: a value became NaN or infinite; it names the set.
            StoreError: ``output`` holds another sweep or something else, or cannot be written.
            BackendError: the cluster fails, or its workers lack this program.
            UnsupportedError: trials or observations of an exploration; what needs more memory than is free.
        """
        from tvbo_lite.explore.declared import space_of
        from tvbo_lite.explore.run import Settings, sweep
        from tvbo_lite.explore.space import read_space
        from tvbo_lite.explore.work import Work

        if isinstance(space, str):
            axes, mode, parallel = space_of(self, space)
            threads = threads or (parallel if client is None else None)
        else:
            axes = read_space(self, space, mode)
        plain = self._varied(options.get("method")).model_copy(update={"explorations": {}})
        folder = None if output is None else Path(output)
        settings = Settings(threads, chunk, progress, failures, folder, client)
        dim = "quantity" if self._has_network() else "variable"
        return sweep(Work(plain, type(self).model, axes, mode, options), settings, dim, self.label)

    def _repr_html_(self) -> str:
        from tvbo_lite.show.experiment import experiment_html

        return experiment_html(self, self.model)

    def _varied(self, method: str | None, duration: float | str | None = None) -> Self:
        """The experiment with another integration method, by which stimuli are placed in time too, and with
        another duration, in s or with its unit. Raises `SchemaError` for no time.
        """
        changes: dict[str, str] = {}
        if method is not None:
            changes["method"] = method.lower()
        if duration is not None:
            changes["duration"] = duration if isinstance(duration, str) else f"{duration!r} s"
            time = seconds(changes["duration"], "s")
            if time is None or not 0 < time < float("inf"):
                expected = "seconds above 0, or a time such as '200 ms'"
                raise SchemaError(Problem(f"the duration is {duration!r}", expected=expected))
        if not changes or self.integration is None:
            return self
        return self.model_copy(update={"integration": self.integration.model_copy(update=changes)})

    def _labelled(self, recording: Recording, backend: str) -> ExperimentResult:
        """The traces by their paths; of one node without network by the names of its variables."""
        from tvbo_lite.results import ExperimentResult

        if recording.stored is not None:
            return ExperimentResult.opened(recording.stored, recording)
        if self._has_network():
            return ExperimentResult.from_recording(recording, name=self.label, backend=backend)
        units = {_variable(quantity): unit for quantity, unit in recording.units.items()}
        slower = tuple(
            replace(part, quantities=tuple(map(_variable, part.quantities))) for part in recording.slower
        )
        quantities = tuple(map(_variable, recording.quantities))
        named = replace(recording, quantities=quantities, slower=slower, units=units)
        result = ExperimentResult.from_recording(named, dim="variable", name=self.label, backend=backend)
        return replace(result, recording=recording)

    def _has_network(self) -> bool:
        network = self.network
        return network is not None and (
            bool(network.nodes or network.populations) or network.number_of_nodes > 1
        )


def _variable(quantity: str) -> str:
    return quantity.rpartition("/")[2]
