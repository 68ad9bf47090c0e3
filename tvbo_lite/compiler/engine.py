"""LLVM text to machine code, and its calls: the one door to llvmlite's binding.

Calls go through ctypes, which releases the interpreter lock while compiled code runs.
"""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tvbo_lite.compiler.ir import LOG, LOG_LENGTH, QUEUE, QUEUE_HEAD, QUEUE_TAIL
from tvbo_lite.compiler.runtime_threads import YIELD
from tvbo_lite.errors import CompileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.compiler.llvm import Module

RUN = "run"
RELEASE = "release"
HELP = "help"
RESTORE = "restore"


@lru_cache(maxsize=1)
def _binding() -> Any:
    """llvmlite's binding, its native target set up once a process."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def _machine(*, fast: bool, light: bool = False) -> Any:
    binding = _binding()
    target = binding.Target.from_default_triple()
    return target.create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3 if fast else 1 if light else 2,
        jit=True,
    )


class Kernel:
    """Compiled code of one program, which works on ``size`` cells of memory.

    It must outlive every call of its functions.
    """

    def __init__(self, code: Module, start: str, *, fast: bool = False) -> None:
        binding = _binding()
        machine = _machine(fast=fast, light=code.light)
        try:
            module = binding.parse_assembly(code.text)
            module.verify()
        except RuntimeError as error:
            msg = f"the compiler wrote faulty code; please report this: {error}"
            raise CompileError(msg) from error
        optimise = _optimise_lightly if code.light else _optimise
        optimise(module, machine, fast=fast)
        self._engine = binding.create_mcjit_compiler(module, machine)
        self.size = code.size
        self._arrays = code.arrays  # kept alive as long as the code that reads them
        for variable in module.global_variables:
            if variable.name in code.arrays:
                self._engine.add_global_mapping(variable, code.arrays[variable.name].ctypes.data)
        if code.divided:
            self._engine.add_global_mapping(module.get_function(YIELD), _yield_address())
        self._engine.finalize_object()
        double, integer = ctypes.c_void_p, ctypes.c_int64
        address = self._engine.get_function_address
        self._start = ctypes.CFUNCTYPE(None, double, integer)(address(start))
        self._run = ctypes.CFUNCTYPE(integer, double, double, integer)(address(RUN))
        self._release = ctypes.CFUNCTYPE(None, double)(address(RELEASE))
        self.divided = code.divided
        self._help = ctypes.CFUNCTYPE(None, double, double)(address(HELP)) if code.divided else None
        self.queued = code.queued
        if self.queued:
            self._restore = ctypes.CFUNCTYPE(None, double, double, integer)(address(RESTORE))

    def start(self, memory: NDArray[np.float64]) -> None:
        """Sets all variables to their start values."""
        self._start(memory.ctypes.data, 0)

    def run(self, memory: NDArray[np.float64], rows: NDArray[np.float64]) -> int:
        """Does a step for each of ``rows``, shape ``(n, 1 + n_recorded)``; the number of good rows."""
        return int(self._run(memory.ctypes.data, rows.ctypes.data, len(rows)))

    def help(self, memory: NDArray[np.float64], words: NDArray[np.int64]) -> None:
        """Does parts of long loops until the ``words`` of the team say that the run is over."""
        assert self._help is not None  # noqa: S101  only divided code is helped
        self._help(memory.ctypes.data, words.ctypes.data)

    def take_events(self, memory: NDArray[np.float64]) -> NDArray[np.void]:
        """The events recorded since the last call, in order: ``time`` (s) and the ``recorder``'s number."""
        import numpy as np

        kind = np.dtype([("time", np.float64), ("recorder", np.int64)])
        cells = memory.view(np.int64)
        length = int(cells[LOG_LENGTH])
        if length == 0:
            return np.empty(0, kind)
        data = ctypes.string_at(int(cells[LOG]), length * kind.itemsize)
        cells[LOG_LENGTH] = 0
        return np.frombuffer(data, kind)

    def waiting(self, memory: NDArray[np.float64]) -> NDArray[np.void]:
        """The delayed events that are still to come, in the order of delivery: when they are ``due`` (s), the
        number of the ``handler`` in ``queued``, and the ``index`` that it is called for.
        """
        import numpy as np

        kind = np.dtype([("due", np.float64), ("handler", np.int64), ("index", np.int64)])
        head, tail = (int(memory.view(np.int64)[place]) for place in (QUEUE_HEAD, QUEUE_TAIL))
        if head == tail:
            return np.empty(0, kind)
        first = int(memory.view(np.int64)[QUEUE]) + head * kind.itemsize
        return np.frombuffer(ctypes.string_at(first, (tail - head) * kind.itemsize), kind)

    def restore(self, memory: NDArray[np.float64], waiting: NDArray[np.void]) -> None:
        """Queues what `waiting` gave in place of all that is queued."""
        import numpy as np

        memory.view(np.int64)[[QUEUE_HEAD, QUEUE_TAIL]] = 0
        if self.queued:
            self._restore(memory.ctypes.data, np.ascontiguousarray(waiting).ctypes.data, len(waiting))

    def release(self, memory: NDArray[np.float64]) -> None:
        """Frees what a run has allocated: its queue and its list of events."""
        self._release(memory.ctypes.data)


def _yield_address() -> int:
    """Where the system's function lies by which a thread lets others run."""
    if sys.platform == "win32":
        found = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        found = ctypes.CDLL(None).sched_yield
    return ctypes.cast(found, ctypes.c_void_p).value or 0


def _optimise(module: Any, machine: Any, *, fast: bool) -> None:
    binding = _binding()
    options = binding.create_pipeline_tuning_options(speed_level=3 if fast else 2)
    options.loop_vectorization = True
    options.slp_vectorization = fast
    builder = binding.create_pass_builder(machine, options)
    _pass(builder.getModulePassManager(), module, builder)


def _optimise_lightly(module: Any, machine: Any, *, fast: bool) -> None:
    """The few passes that do most of the work for code without long loops, in a quarter of the time."""
    binding = _binding()
    options = binding.create_pipeline_tuning_options(speed_level=3 if fast else 2)
    builder = binding.create_pass_builder(machine, options)
    passes = binding.create_new_module_pass_manager()
    for name in _LIGHT:
        getattr(passes, f"add_{name}_pass")()
    _pass(passes, module, builder)


def _pass(passes: Any, module: Any, builder: Any) -> None:
    """Run passes over a module, and free them: 75 kB, which llvmlite (0.50) does not do by itself, since the
    method that would is hidden by an empty one of the same name.
    """
    passes.run(module, builder)
    able: list[Any] = [kind for kind in type(passes).__mro__ if "_dispose" in vars(kind)]
    if able[0] is _binding().ffi.ObjectRef:
        able[-1]._dispose(passes)  # noqa: SLF001  the one that is hidden


_LIGHT = (
    "sroa", "instruction_combine", "simplify_cfg", "new_gvn", "dead_store_elimination",
    "instruction_combine", "simplify_cfg",
)  # fmt: skip
