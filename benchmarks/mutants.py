"""Breaks the core one place at a time and says which breaks no test notices: `python benchmarks/mutants.py`.

A mutant is a file of the core with one comparison, operator, condition or constant changed. It is loaded in the file's
place, in a process that has imported pytest and all that tests need but auriko, and runs the tests that the file has to
answer to: stages, the quick ones first, each in a process of its own. Nothing is written, and two run at once.
`--sample 50` tries so many at random, `--only sse` those of some files.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib
import io
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import repeat
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, ModuleType

import pytest

ROOT = Path(__file__).parents[1]
WORKERS = 2
ENOUGH = 0.95  # of the mutants
Stage = tuple[str, ...]

_ORDERS = "tests/rules/test_exchange.py::test_any_order_of_outcomes"
_RULES = ("tests/rules/test_exchange.py", f"--deselect={_ORDERS}", "tests/rules/test_retry.py")
_MODELS = ("tests/models/test_models.py", "tests/streams/test_collect.py", "tests/resources/test_responses.py")
_CALLS = (_ORDERS, "tests/spend/test_tracker.py", "tests/http/test_user_client.py", "tests/http/test_interception.py")
_FUZZ = ("tests/fuzz/test_replies.py",)
# Against a server, in the modes that differ for the file.
_FAULTS = ("tests/faults/test_lifecycle.py", "tests/faults/test_time.py", "tests/faults/test_matrix.py")
_IN_ANY_MODE = (*_FAULTS, "-k", "not httptools and not trio")
_ON_ASYNCIO = (*_FAULTS, "tests/faults/test_connecting.py", "-k", "async and not httptools and not trio")
_OWN = "tests/faults/test_connections.py::test_connections_are_asyncios_own"
# What each file has to answer to; most mutants do not survive the first stage.
STAGES: dict[str, tuple[Stage, ...]] = {
    "auriko/_rules/exchange.py": (_RULES, _CALLS, _IN_ANY_MODE),
    "auriko/_rules/retry.py": (_RULES, _IN_ANY_MODE),
    "auriko/_rules/sse.py": (("tests/rules/test_sse.py",), _RULES, _IN_ANY_MODE),
    "auriko/_rules/reader.py": (_RULES, _MODELS, _CALLS, _FUZZ, _IN_ANY_MODE),
    "auriko/_streams/base.py": (_RULES, _MODELS, _CALLS, _IN_ANY_MODE),
    "auriko/_streams/chat.py": (_RULES, _MODELS, ("tests/resources/test_tool_names.py",), _FUZZ, _IN_ANY_MODE),
    "auriko/_streams/responses.py": (_MODELS, _IN_ANY_MODE),
    "auriko/_http/asyncio_stream.py": (("tests/http/test_asyncio_stream.py",), _ON_ASYNCIO),
    "auriko/_http/asyncio_connecting.py": (("tests/http/test_asyncio_connecting.py", _OWN), _ON_ASYNCIO),
    "auriko/_http/chunked.py": (("tests/http/test_chunked.py",), _IN_ANY_MODE),
}
# Mutants that behave as the file does, and why.
EQUIVALENT: dict[tuple[str, str], str] = {
    ("auriko/_http/chunked.py", "at < end  ->  at <= end"): "nothing is left to be read, which begins no chunk",
    ("auriko/_http/chunked.py", "self._missing > 2  ->  self._missing >= 2"): "2 without their last 2 are nothing",
    ("auriko/_http/chunked.py", "end - at  ->  end + at"): "at is 0, or more than 2 is missing, and 2 is the most",
    ("auriko/_rules/retry.py", "64  ->  65"): "long before that the delay is the longest there is",
}
# What the tests of the core import beside it, so that each process finds it there.
IMPORTED = (
    *("anyio", "h11", "httpx", "pydantic", "respx", "trio", "typing_extensions"),
    *("anyio._backends._asyncio", "anyio._backends._trio", "httpcore._async.http11", "hypothesis.strategies"),
)
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}


@dataclass(frozen=True)
class Mutant:
    """A file with one thing changed.

    Attributes:
        change: What stood there, and what stands there now.
        tree: The whole file.
    """

    file: str
    line: int
    change: str
    tree: ast.Module


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """The node with one thing changed."""
    twin = copy.deepcopy(node)
    if isinstance(twin, ast.Compare) and type(twin.ops[0]) in COMPARISONS:
        twin.ops[0] = COMPARISONS[type(twin.ops[0])]()
        yield twin
    elif isinstance(twin, ast.BoolOp):
        twin.op = ast.Or() if isinstance(twin.op, ast.And) else ast.And()
        yield twin
    elif isinstance(twin, ast.BinOp) and type(twin.op) in OPERATORS:
        twin.op = OPERATORS[type(twin.op)]()
        yield twin
    elif isinstance(twin, ast.UnaryOp) and isinstance(twin.op, ast.Not):
        yield twin.operand
    elif isinstance(twin, ast.Constant) and isinstance(twin.value, (bool, int, float)):
        twin.value = not twin.value if isinstance(twin.value, bool) else twin.value + 1
        yield twin
    elif isinstance(twin, (ast.Break, ast.Continue)):
        yield ast.copy_location(ast.Pass(), twin)


class Replace(ast.NodeTransformer):
    """Puts a node in the place of the n-th one."""

    def __init__(self, place: int, new: ast.AST) -> None:
        self._left, self._new = place, new

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or the one that takes its place."""
        self._left -= 1
        return self._new if self._left == -1 else self.generic_visit(node)


def preorder(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node in the order in which `Replace` meets it."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        yield from preorder(child)


def decorations(tree: ast.AST) -> set[ast.AST]:
    """What decorators are made of: that a dataclass is frozen and has slots changes nothing of what the code does."""
    decorators = (each for node in ast.walk(tree) for each in getattr(node, "decorator_list", []))
    return {node for decorator in decorators for node in ast.walk(decorator)}


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every mutant of a file, those that behave alike among them."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    left_out = decorations(tree)
    for place, node in enumerate(preorder(tree)):
        for new in variants(node) if node not in left_out else ():
            whole = copy.deepcopy(tree)
            Replace(place, new).visit(whole)
            ast.fix_missing_locations(whole)
            yield Mutant(file, getattr(node, "lineno", 0), f"{ast.unparse(node)}  ->  {ast.unparse(new)}", whole)


class MutantLoader(SourceFileLoader):
    """Loads the mutant of a module, in whose place it is put among the finders."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.file.removesuffix(".py").replace("/", "."), str(ROOT / mutant.file))
        self._mutant = mutant

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's specification, if it is this module that is asked for."""
        del path, target
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        """The mutant, compiled."""
        del fullname
        return compile(self._mutant.tree, self.path, "exec")


class Trial:
    """A plugin of pytest that puts a mutant in its place, and tells which test noticed something."""

    def __init__(self, mutant: Mutant | None, failures: Connection) -> None:
        self._mutant, self._failures = mutant, failures

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Puts the mutant before pytest's own loader, which is in charge of auriko, too, since that is a plugin."""
        if self._mutant is not None:
            sys.meta_path.insert(0, MutantLoader(self._mutant))

    def pytest_collection(self) -> None:
        """Has examples that fail not made smaller; the rest of the profile is that of tests/conftest.py."""
        import hypothesis  # pytest wants to rewrite its plugin's assertions first

        phases = set(hypothesis.Phase) - {hypothesis.Phase.shrink, hypothesis.Phase.explain}
        hypothesis.settings.register_profile("quick", hypothesis.settings(), phases=phases)
        hypothesis.settings.load_profile("quick")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sends the name of a test that fails."""
        if report.failed:
            self._failures.send(report.nodeid)


def run_tests(mutant: Mutant | None, stage: Stage, failures: Connection) -> None:
    """Ends the process with pytest's exit code."""
    os.setsid()  # so that what the tests have started ends with it
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    os._exit(pytest.main(["-qx", "-p", "no:cacheprovider", *stage], plugins=[Trial(mutant, failures)]))


def noticed(mutant: Mutant | None, stage: Stage, patience: float | None) -> str | None:
    """The test that fails, or what else happens, such as that they do not come to their end; None if all pass."""
    context = multiprocessing.get_context("fork")
    failures, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_tests, args=(mutant, stage, sender))
    process.start()
    sender.close()
    process.join(patience)
    in_time = process.exitcode is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    if process.exitcode == 0:
        return None
    try:
        return str(failures.recv()) if failures.poll() else f"exit code {process.exitcode}" if in_time else "hangs"
    except EOFError:
        return f"exit code {process.exitcode}" if in_time else "hangs"


def seconds(stage: Stage) -> float:
    """How long it takes with the project as it is."""
    begin = time.monotonic()
    if failure := noticed(None, stage, None):
        sys.exit(f"Nothing can be said of mutants, since the project fails as it is: {failure}")
    return time.monotonic() - begin


def noticed_by(mutant: Mutant, patience: dict[Stage, float]) -> str | None:
    """The test that notices the mutant, if one does."""
    return next(filter(None, (noticed(mutant, stage, patience[stage]) for stage in STAGES[mutant.file])), None)


def chosen(options: argparse.Namespace) -> list[Mutant]:
    """The mutants that are to be tried."""
    every = [mutant for file in STAGES for mutant in mutants_of(file)]
    if stale := EQUIVALENT.keys() - {(mutant.file, mutant.change) for mutant in every}:
        sys.exit(f"There are no such mutants, so they cannot be equivalent: {sorted(stale)}")
    wanted = [m for m in every if (m.file, m.change) not in EQUIVALENT and options.only in m.file]
    chance = random.Random(options.seed)  # noqa: S311 - which mutants are tried is no secret
    return chance.sample(wanted, min(options.sample, len(wanted))) if options.sample else wanted


def prepare() -> None:
    """Imports pytest's plugins, by a run of no tests, and what the tests import."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    with redirect_stdout(io.StringIO()):
        pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "benchmarks"])
    for name in IMPORTED:
        importlib.import_module(name)
    if "auriko" in sys.modules:
        sys.exit("auriko is imported already, so that no mutant could take its place.")
    gc.freeze()


def main() -> int:
    """Tries the mutants and prints what became of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="try so many at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the names of the files to be broken")
    mutants = chosen(parser.parse_args())
    prepare()
    tried, killed = Counter[str](), Counter[str]()
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("fork")) as processes:
        stages = list(dict.fromkeys(stage for mutant in mutants for stage in STAGES[mutant.file]))
        patience = {stage: 10 + 4 * took for stage, took in zip(stages, processes.map(seconds, stages), strict=True)}
        for mutant, test in zip(mutants, processes.map(noticed_by, mutants, repeat(patience)), strict=True):
            tried[mutant.file] += 1
            killed[mutant.file] += test is not None
            verdict = "SURVIVED" if test is None else "killed"
            print(f"{tried.total()}/{len(mutants)} {verdict} {mutant.file}:{mutant.line}: {mutant.change}", flush=True)
            if test:
                print(f"    by {test}")
    for file, number in tried.items():
        print(f"{killed[file]:4} of {number:4} {file}")
    share = killed.total() / tried.total()
    print(f"{killed.total()} of {tried.total()} mutants killed: {share:.1%}")
    return 0 if share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
