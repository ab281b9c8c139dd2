"""Break the code of permissions in small ways and see whether tests notice: `python tools/mutants.py [--sample N]`.

The files are those that import a module of the access policy; of each, the functions that use what it imports.
Operators are fixed (see `Breaking`). The tests named in tools/mutants.toml run once unbroken, which tells which of
them come by which line; then, for each mutant, a forked process puts the broken code into the function and runs the
tests that come by its lines, those first that killed its neighbours and else the quickest, until one fails. Ends with
1 where more survive than tools/mutants.toml allows, or where none of a wall's mutants died. Survivors are listed; those
that can make no difference are declared there, each with a reason.
"""

import argparse
import ast
import copy
import functools
import gc
import os
import random
import resource
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
DECLARED = ROOT / "tools" / "mutants.toml"
KILLED, SURVIVED, UNREACHED, UNFIT, LATE = (
    "killed",
    "survived",
    "called by no test",
    "unfit",
    "killed by time",
)

BROKEN = 3
LEAST_SECONDS, SLOWER = 20, 5
"""A mutant counts as killed once it took so many seconds of the processor, and so many times as long as unbroken code."""

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
"""What each comparison becomes: its opposite, and its neighbour that is off by one."""
LEVELS = ("NONE", "VIEW", "CONTRIBUTE", "EDIT", "FULL")


@dataclass(frozen=True)
class Mutant:
    """One change of one function; `text` says what stands there now, `operator` what was done. `ends` is its last line."""

    module: str
    function: str
    line: int
    ends: int
    operator: str
    text: str
    number: int
    code: CodeType = field(compare=False, repr=False)

    @property
    def key(self) -> str:
        """Name it without its line, so that a declaration outlives other changes of the file."""
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.module}:{self.function}: {self.operator}: {self.text}{again}"


# -- operators ---------------------------------------------------------------------------------------------


class Breaking:
    """Every way in which a node can be broken: pairs of an operator's name and what stands in the node's place."""

    def of(self, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
        ways = getattr(self, type(node).__name__, None)
        if ways:
            yield from ways(node)

    def BoolOp(self, node: ast.BoolOp) -> Iterator[tuple[str, ast.AST]]:
        for index, dropped in enumerate(node.values):
            rest = node.values[:index] + node.values[index + 1 :]
            left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield f"drop condition {ast.unparse(dropped)}", left
        other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "swap and, or", ast.BoolOp(other, node.values)

    def If(self, node: ast.If) -> Iterator[tuple[str, ast.AST]]:
        yield "negate", ast.If(_not(node.test), node.body, node.orelse)

    def IfExp(self, node: ast.IfExp) -> Iterator[tuple[str, ast.AST]]:
        yield "negate", ast.IfExp(_not(node.test), node.body, node.orelse)

    def Compare(self, node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
        if len(node.ops) == 1:
            for other in COMPARED[type(node.ops[0])]:
                yield f"compare by {other.__name__}", ast.Compare(node.left, [other()], node.comparators)

    def Call(self, node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in ("filter", "exclude"):
            return
        if node.func.attr == "filter":
            for index, dropped in enumerate(node.args if len(node.args) + len(node.keywords) > 1 else ()):
                rest = node.args[:index] + node.args[index + 1 :]
                yield f"drop arm {ast.unparse(dropped)}", ast.Call(node.func, rest, node.keywords)
            for index, arm in enumerate(node.keywords if len(node.args) + len(node.keywords) > 1 else ()):
                others = node.keywords[:index] + node.keywords[index + 1 :]
                yield f"drop arm {arm.arg}", ast.Call(node.func, node.args, others)
        yield f"drop {node.func.attr}", ast.Call(ast.Attribute(node.func.value, "all", ast.Load()), [], [])

    def BinOp(self, node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
        if isinstance(node.op, ast.BitOr | ast.BitAnd):
            yield f"drop arm {ast.unparse(node.right)}", node.left
            yield f"drop arm {ast.unparse(node.left)}", node.right

    def Return(self, node: ast.Return) -> Iterator[tuple[str, ast.AST]]:
        if getattr(node, "of_bool", False):
            for value in (True, False):
                yield f"return {value}", ast.Return(ast.Constant(value))

    def Raise(self, _node: ast.Raise) -> Iterator[tuple[str, ast.AST]]:
        yield "drop raise", ast.Pass()

    def Expr(self, node: ast.Expr) -> Iterator[tuple[str, ast.AST]]:
        if isinstance(node.value, ast.Call) and _called(node.value).lstrip("_").startswith(
            ("require", "refuse")
        ):
            yield "drop check", ast.Pass()

    def Attribute(self, node: ast.Attribute) -> Iterator[tuple[str, ast.AST]]:
        if isinstance(node.value, ast.Name) and node.value.id == "Access" and node.attr in LEVELS:
            index = LEVELS.index(node.attr)
            for other in LEVELS[max(index - 1, 0) : index + 2]:
                if other != node.attr:
                    yield f"level {other}", ast.Attribute(node.value, other, ast.Load())


def _not(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


# -- what is broken ----------------------------------------------------------------------------------------


def modules() -> dict[str, Path]:
    """Map the names of all modules but tests to their files."""
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        if not {"tests", "testing", "migrations"} & set(parts):
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imported_from(tree: ast.Module, policy: Iterable[str]) -> set[str]:
    """Collect the names that a module imports from the policy."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in policy
        for alias in node.names
    }


def functions_of(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions of a module and its classes by qualified name; inner ones belong to their outer one."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{f.name}", f) for f in node.body if isinstance(f, ast.FunctionDef))


def guards(function: ast.FunctionDef, names: set[str]) -> bool:
    """Whether a function uses a name of the policy, refuses for want of a right, or selects what may be seen."""
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    return bool(used & (names | {"PermissionDenied", "visible_to"}))


def mutants_of(module: str, path: Path, policy: Iterable[str]) -> list[Mutant]:
    """List the mutants of one file, none where it has nothing to do with the policy."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names = imported_from(tree, policy)
    if module not in policy and not names:
        return []
    found: list[Mutant] = []
    for name, function in functions_of(tree):
        dunder = function.name.startswith("__") and function.name != "__call__"
        if not dunder and (module in policy or guards(function, names)):
            found += _broken(module, path, name, function)
    return found


def _broken(module: str, path: Path, name: str, function: ast.FunctionDef) -> Iterator[Mutant]:
    if ast.unparse(function.returns or ast.Constant(None)) == "bool":
        for node in ast.walk(function):
            if isinstance(node, ast.Return):
                node.of_bool = True  # type: ignore[attr-defined]
    alike: Counter[tuple[str, str]] = Counter()
    # Only bodies: what stands in annotations and defaults is not asked at run time.
    for statement in function.body:
        for node in _asked(statement):
            for operator, instead in Breaking().of(node):
                broken = _replaced(name, function, node, instead)
                try:
                    compiled = compile(broken, str(path), "exec")
                except (SyntaxError, ValueError, TypeError):
                    continue
                code = _code_named(compiled, name)
                if code:
                    text = _short(node)
                    alike[operator, text] += 1
                    line = getattr(node, "lineno", 0)
                    ends = getattr(node, "end_lineno", line) or line
                    yield Mutant(module, name, line, ends, operator, text, alike[operator, text], code)


def _asked(statement: ast.AST) -> Iterator[ast.AST]:
    """Walk through a statement, past the types that are noted in it: nobody asks them at run time."""
    left_out = {id(node.annotation) for node in ast.walk(statement) if isinstance(node, ast.AnnAssign)}
    waiting = [statement]
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if id(child) not in left_out]


def _replaced(name: str, function: ast.FunctionDef, node: ast.AST, instead: ast.AST) -> ast.Module:
    """Copy a function, alone in its module or class, with something else in a node's place."""
    copied = copy.deepcopy(function, {id(node): ast.copy_location(copy.deepcopy(instead), node)})
    outer, dot, _inner = name.rpartition(".")
    body: ast.stmt = ast.ClassDef(outer, [], [], [copied], []) if dot else copied
    return ast.fix_missing_locations(ast.Module([body], []))


def _short(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0].strip()[:100]


def _code_named(code: CodeType, name: str) -> CodeType | None:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_qualname == name:
                return inner
            if name.startswith(f"{inner.co_qualname}.") and (found := _code_named(inner, name)):
                return found
    return None


def declared() -> dict[str, Any]:
    """Read what is to be broken, by which tests it is to be noticed, and what can make no difference."""
    return tomllib.loads(DECLARED.read_text(encoding="utf-8"))


def all_mutants(policy: Iterable[str]) -> list[Mutant]:
    return [each for module, path in modules().items() for each in mutants_of(module, path, policy)]


# -- trying them -------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Trial:
    """A pytest plugin: runs the tests unbroken, then those that reach each mutant, in a process of its own."""

    mutants: list[Mutant]
    results: dict[Mutant, str] = field(default_factory=dict)
    by: dict[Mutant, str] = field(default_factory=dict)
    _by_line: dict[tuple[str, int], set[pytest.Item]] = field(default_factory=lambda: defaultdict(set))
    _killers: Counter[tuple[str, str, pytest.Item]] = field(default_factory=Counter)
    """How often a test killed mutants of a function: it goes first with the next one."""
    _took: dict[pytest.Item, float] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what commits: its end empties the database that all processes share."""
        items[:] = [item for item in items if not _commits(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        wanted = {str(modules()[mutant.module]) for mutant in self.mutants}
        for item, following in _in_turn(session.items):
            self._run_unbroken(item, following, wanted)
        sound = [item for item in session.items if item.nodeid not in self._failed]
        print(f"\n{len(sound)} of {len(session.items)} tests pass unbroken and are used", flush=True)
        for number, mutant in enumerate(self.mutants, 1):
            self.results[mutant] = self._try(mutant, set(sound))
            by = f" ({self.by[mutant]})" if mutant in self.by else ""
            print(f"{number:4} {self.results[mutant]}: {mutant.key}{by}", flush=True)
        return True

    def _run_unbroken(self, item: pytest.Item, following: pytest.Item, wanted: set[str]) -> None:
        """Run a test and note by which lines of the wanted files it comes; the rest runs untraced."""
        came_by: set[tuple[str, int]] = set()

        def line(frame: Any, _event: str, _given: Any) -> Any:
            came_by.add((frame.f_code.co_filename, frame.f_lineno))
            return line

        def call(frame: Any, event: str, given: Any) -> Any:
            return line(frame, event, given) if frame.f_code.co_filename in wanted else None

        began = time.process_time()
        sys.settrace(call)
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            sys.settrace(None)
        self._took[item] = time.process_time() - began
        for place in came_by:
            self._by_line[place].add(item)

    def _try(self, mutant: Mutant, sound: set[pytest.Item]) -> str:
        path = str(modules()[mutant.module])
        lines = range(mutant.line, mutant.ends + 1)
        reached = set().union(*(self._by_line.get((path, each), ()) for each in lines)) & sound
        if not reached:
            return UNREACHED
        killers = {item: self._killers[mutant.module, mutant.function, item] for item in reached}
        items = sorted(reached, key=lambda item: (-killers[item], self._took[item], item.nodeid))
        enough = LEAST_SECONDS + SLOWER * sum(self._took[item] for item in items)
        from django.db import connections  # the settings are read when pytest has begun

        connections.close_all()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            result = BROKEN
            resource.setrlimit(resource.RLIMIT_CPU, (int(enough), int(enough) + 1))
            try:
                result = _run_broken(mutant, items, writing)
            finally:
                os._exit(result)  # nothing of the parent's may end here
        os.close(writing)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with os.fdopen(reading, encoding="utf-8") as told:
            text = told.read()
        if text:
            self.by[mutant] = text
            killer = next(item for item in items if item.nodeid == text)
            self._killers[mutant.module, mutant.function, killer] += 1
        late = -signal.SIGXCPU, -signal.SIGKILL
        return LATE if status in late else {0: SURVIVED, 1: KILLED}.get(status, UNFIT)


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(marker and marker.kwargs.get("transaction")) or bool(
        fixtures & {"transactional_db", "live_server", "django_db_reset_sequences"}
    )


def _in_turn(items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item]]:
    """Pair each test with the next one; the last with itself, so that the database stays."""
    return zip(items, [*items[1:], items[-1]], strict=True)


def _run_broken(mutant: Mutant, items: list[pytest.Item], writing: int) -> int:
    """Put the broken code in place and run the tests until one fails; in the forked process, whose end this is."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    if not put_in_place(mutant):
        return 2
    failed: list[str] = []

    class Noting:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid)

    items[0].config.pluginmanager.register(Noting())
    items[0].session._setupstate.teardown_exact(items[0])
    for item, following in _in_turn(items):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if failed:
            os.write(writing, failed[0].encode())
            return 1
    return 0


def put_in_place(mutant: Mutant) -> bool:
    """Give the function its broken code, wherever it was imported to; what was remembered of it is dropped."""
    path = str(modules()[mutant.module])
    placed = False
    for found in gc.get_objects():
        if type(found) is FunctionType:  # asking a lazy object what it is would make it
            code = found.__code__
            if code.co_filename == path and code.co_qualname == mutant.function:
                try:
                    found.__code__ = mutant.code
                except ValueError:  # it closes over other names than before
                    return False
                placed = True
        elif type(found) is functools._lru_cache_wrapper and str(found.__module__).startswith("stellwerk."):
            found.cache_clear()
    return placed


# -- the command -------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sample", type=int, default=0, help="try only so many, chosen by --seed")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default="", help="only mutants whose name holds this text")
    parser.add_argument("--list", action="store_true", help="list them without trying them")
    given = parser.parse_args(arguments)
    known = declared()
    found = all_mutants(known["policy"])
    print(f"{len(found)} mutants in {len({each.module for each in found})} files")
    equivalent = {each["mutant"] for each in known.get("equivalent", [])}
    tried = [each for each in found if each.key not in equivalent and given.only in each.key]
    if given.sample and given.sample < len(tried):
        tried = random.Random(given.seed).sample(tried, given.sample)  # noqa: S311 -- to be repeated
    if given.list:
        print("\n".join(each.key for each in tried))
        return 0
    trial = Trial(sorted(tried, key=lambda each: each.key))
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "--no-header",
        "--show-capture=no",
        "--tb=no",
    ]
    pytest.main([*options, *known["tests"]], plugins=[trial])
    return told(trial, len(found), equivalent, known)


def told(trial: Trial, possible: int, equivalent: set[str], known: dict[str, Any]) -> int:
    """Print the figures, and return 1 where too many survive or too many are declared equivalent."""
    counts = Counter(trial.results.values())
    print("\n" + ", ".join(f"{count} {result}" for result, count in counts.most_common()))
    judged = sum(counts.values()) - counts[UNFIT]
    died = counts[KILLED] + counts[LATE]
    share = died / judged if judged else 0.0
    print(f"{died} of {judged} died: {share:.1%}; {len(equivalent)} of {possible} are declared equivalent")
    standing = True
    for wall, functions in known["walls"].items():
        of_it = [
            result
            for mutant, result in trial.results.items()
            if f"{mutant.module}:{mutant.function}" in functions
        ]
        dead = sum(result in (KILLED, LATE) for result in of_it)
        standing = standing and (dead > 0 or not of_it)
        print(f"  {wall}: {dead} of {len(of_it)} died")
    return int(
        not standing
        or share < known["killed_at_least"]
        or len(equivalent) > known["equivalent_at_most"] * possible
    )


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
