"""The code below a `%%carbon` line where no transformer can leave it as the cell's own: run by us.

That is so for `run_cell_magic("carbon", ...)`, and for a body that is to be run again and again.
"""

from __future__ import annotations

import ast
import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from nbcarbon.core.cell import Outcome
from nbcarbon.core.repeats import next_batch

if TYPE_CHECKING:
    from nbcarbon.meter.meter import Meter

_now = time.perf_counter


class Body:
    """Compiled once, run any number of times in the user's names. Its value is its last expression's.

    Raises SyntaxError as the cell itself would, and UsageError where it awaits: a call cannot.
    """

    def __init__(self, shell: Any, source: str, *, refusal: str) -> None:
        transformed = shell.transform_cell(source)
        tree = shell.compile.ast_parse(transformed)
        if _awaits(tree):
            raise UsageError(refusal)
        # Under a name that tracebacks find its lines by.
        file = shell.compile.cache(transformed)
        self._names = shell.user_ns
        self._value: Any = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
            self._value = shell.compile(last, file, "eval")
        self._code = shell.compile(tree, file, "exec")

    def run(self) -> Any:
        exec(self._code, self._names)  # noqa: S102 (the user's own cell)
        return None if self._value is None else eval(self._value, self._names)  # noqa: S307 (the same)


def run_repeatedly(
    body: Body, meter: Meter, name: str, *, repeat_count: int, min_time_s: float
) -> Any:
    """Run it so many times or for so long, in batches that are measured one by one.

    Returns the last value. An error of the body ends it, as it would end the cell.
    """
    done_count = batch_count = 0
    value: Any = None
    start_s = _now()
    while True:
        count = next_batch(
            done_count,
            batch_count,
            _now() - start_s,
            repeat_count=repeat_count,
            min_time_s=min_time_s,
        )
        if not count:
            return value
        run = meter.open(
            key=None,
            source=f"{name} {batch_count}",
            name=f"{name} × {count}" if count > 1 else name,
            front_end=False,
            repeat_count=count,
        )
        outcome = Outcome.ERROR
        try:
            for _ in range(count):
                value = body.run()
            outcome = Outcome.OK
        except KeyboardInterrupt:
            outcome = Outcome.INTERRUPTED
            raise
        finally:
            meter.close(run, outcome)
        done_count, batch_count = done_count + count, batch_count + 1


def _awaits(tree: Any) -> bool:
    """Whether a body awaits outside its own functions."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return False
