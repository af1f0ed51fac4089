"""Breaks the core one place at a time and says which breaks no test notices: `python benchmarks/mutants.py`.

Each mutant is a copy of the project with one comparison, operator, condition or constant changed, on which the tests
of the core are run; as many at once as there are processors. `--sample 50` tries so many at random.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[1]
FILES = [
    *("auriko/_rules/exchange.py", "auriko/_rules/retry.py", "auriko/_rules/sse.py"),
    *("auriko/_rules/reader.py", "auriko/_streams/chat_reader.py", "auriko/_streams/base.py"),
]
_SLOW = "tests/unit/test_exchange.py::test_any_order_of_outcomes"
# In stages, the quick ones first: most mutants do not survive them.
TESTS = [
    ["tests/unit/test_sse.py", "tests/unit/test_retry.py", "tests/unit/test_exchange.py", f"--deselect={_SLOW}"],
    ["tests/unit/test_models.py", "tests/unit/test_spend.py", "tests/wire", _SLOW],
    ["tests/surface/test_collect.py", "tests/faults/test_lifecycle.py", "tests/faults/test_time.py"],
    ["tests/fuzz/test_replies.py", "tests/faults/test_matrix.py"],
]
# Seconds for one stage, none of which takes a minute on an idle machine: what takes longer hangs.
PATIENCE = 300
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


def mutants_of(node: ast.AST) -> Iterator[ast.AST]:
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
        yield ast.Pass()


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


def all_mutants() -> Iterator[tuple[str, int, str, str]]:
    """File, line, what was changed, and the whole source of every mutant."""
    for file in FILES:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        for place, node in enumerate(preorder(tree)):
            for new in mutants_of(node):
                whole = Replace(place, new).visit(copy.deepcopy(tree))
                change = f"{ast.unparse(node)}  ->  {ast.unparse(new)}"
                yield file, getattr(node, "lineno", 0), change, ast.unparse(ast.fix_missing_locations(whole))


def copy_of_project(folder: Path) -> Path:
    """The folder, with what the tests of the core need."""
    for part in ("auriko", "tests", "pyproject.toml"):
        source = ROOT / part
        shutil.copytree(source, folder / part) if source.is_dir() else shutil.copy(source, folder)
    return folder


def passes(folder: Path) -> bool:
    """Whether the tests of the core pass in a copy of the project; where they hang, they do not."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    for stage in TESTS:
        # aiohttp makes a difference to the transport alone, which has no part in this.
        command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "-k", "not aiohttp", *stage]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, check=False, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode != 0:
            return False
    return True


def main() -> int:
    """Tries the mutants and prints what became of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="try so many at random")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    mutants = list(all_mutants())
    if options.sample:
        chance = random.Random(options.seed)  # noqa: S311 - which mutants are tried is no secret
        mutants = chance.sample(mutants, min(options.sample, len(mutants)))
    workers = os.cpu_count() or 1
    with ExitStack() as stack, ThreadPoolExecutor(workers) as threads:
        copies: SimpleQueue[Path] = SimpleQueue()
        for _ in range(workers):
            copies.put(copy_of_project(Path(stack.enter_context(tempfile.TemporaryDirectory()))))

        def survives(numbered: tuple[int, tuple[str, int, str, str]]) -> bool:
            number, (file, line, change, source) = numbered
            folder = copies.get()
            target = folder / file
            whole = target.read_text("utf-8")
            target.write_text(source, "utf-8")
            survived = passes(folder)
            target.write_text(whole, "utf-8")
            copies.put(folder)
            print(f"{number}/{len(mutants)} {'SURVIVED' if survived else 'killed'} {file}:{line}: {change}", flush=True)
            return survived

        untouched = copies.get()
        if not passes(untouched):
            sys.exit("The tests fail on the project as it is; nothing can be said of mutants.")
        copies.put(untouched)
        survivors = sum(threads.map(survives, enumerate(mutants, 1)))
    killed = len(mutants) - survivors
    print(f"{killed} of {len(mutants)} mutants killed")
    return 0 if killed >= 0.9 * len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
