"""Measure the shape of the sources and hold it: `python tools/shape.py [--keep]`.

Prints each figure beside what is wanted and what tools/shape.toml keeps, and fails where a figure that is held got
worse. `--keep` writes down those that got better, for whoever made them so; it loosens none. Median lengths, comments
and helpers that are called once are told, not held: they are easily improved on paper.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "tools" / "shape.toml"
PACKAGE = "stellwerk"
Graph = Mapping[str, set[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef

FIELD_ROOMS = (f"{PACKAGE}.kernel.fields", f"{PACKAGE}.web.fields", f"{PACKAGE}.kernel.web.fields")
"""Where the kind of a value may be asked, because the kinds are there."""
KINDS = {"reference", "choice", "date", "number", "yes_no"}
SHORT = 6


@dataclass
class Source:
    """One module with its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module = field(repr=False)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def where(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@dataclass(frozen=True)
class Figure:
    """One line of the table: `held` ones must not exceed what is kept; `places` say where to look."""

    key: str
    label: str
    value: float
    wanted: str
    held: bool = False
    places: tuple[str, ...] = ()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--keep", action="store_true", help="write the figures that got better to tools/shape.toml"
    )
    parser.add_argument("--places", action="store_true", help="list where each held figure comes from")
    asked = parser.parse_args()
    figures = measure(ROOT / "src")
    kept = tomllib.loads(KEPT.read_text(encoding="utf-8"))
    print(table(figures, kept, places=asked.places))
    if asked.keep:
        KEPT.write_text(written(figures, kept), encoding="utf-8")
        return 0
    worse = worsened(figures, kept)
    for sentence in worse:
        print(sentence)
    return 1 if worse else 0


def measure(folder: Path) -> list[Figure]:
    """Measure the package `stellwerk` that lies in `folder`, without its tests and migrations."""
    sources = list(read(folder))
    graph = imports(sources)
    kernel = f"{PACKAGE}.kernel"
    rooms = _squashed(graph, kernel)
    files = _largest(circles(graph))
    any_places = list(anys(sources))
    lines = sum(source.lines for source in sources)
    lengths = sorted(_length(f) for source in sources for f in source.functions) or [0]
    once = list(called_once(sources))
    inner = list(inner_imports(sources))
    kinds = list(kind_asking(sources))
    guests = list(guest_deciding(sources))
    tall = quantiles(lengths, n=100) if len(lengths) > 1 else [lengths[0]] * 99
    count = len(lengths)
    return [
        Figure("median", "function length, median", median(lengths), "7"),
        Figure("p90", "function length, nine of ten", tall[89], "25"),
        Figure("p99", "function length, 99 of 100", tall[98], "50"),
        Figure("called_once", "functions called once, in their file, %", _share(once, count), "< 15"),
        Figure(
            "called_once_short",
            "the same, six lines or shorter, %",
            _share([f for f in once if _length(f) <= SHORT], count),
            "< 5",
        ),
        Figure("comments", "comments per 1,000 lines", _per_1000(_comments(sources), lines), "30"),
        Figure(
            "inner_imports",
            "imports inside functions per 1,000 lines",
            _per_1000(len(inner), lines),
            "< 0.5",
            held=True,
            places=tuple(inner),
        ),
        Figure(
            "any",
            "Any in annotations, aliases included",
            len(any_places),
            "< 300",
            held=True,
            places=tuple(any_places),
        ),
        Figure(
            "room_circle",
            "kernel rooms in the largest import circle",
            len(_largest(circles(rooms))),
            "0",
            held=True,
            places=tuple(_largest(circles(rooms))),
        ),
        Figure(
            "file_circle",
            "files in the largest import circle",
            len(files),
            "0",
            held=True,
            places=tuple(files),
        ),
        Figure(
            "circular_files",
            "files in any import circle",
            sum(map(len, circles(graph))),
            "0",
            held=True,
            places=tuple(" ".join(circle) for circle in circles(graph)),
        ),
        Figure(
            "kind_asking",
            "functions outside fields that ask the kind of a value",
            len(kinds),
            "0",
            held=True,
            places=tuple(kinds),
        ),
        Figure(
            "guest_deciding",
            "places that decide what guests may read",
            len(guests),
            "1",
            held=True,
            places=tuple(guests),
        ),
        Figure(
            "kernel_lines",
            "lines of the kernel, without its tests",
            sum(source.lines for source in sources if source.name.startswith(kernel)),
            "7,000",
        ),
    ]


def read(folder: Path) -> Iterator[Source]:
    """Yield the modules below `folder` that are neither tests nor migrations."""
    for path in sorted((folder / PACKAGE).rglob("*.py")):
        if {"tests", "migrations", "node_modules"} & set(path.parts):
            continue
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        yield Source(name, path.relative_to(folder.parent), text, ast.parse(text))


# -- imports -----------------------------------------------------------------------------------------------


def imports(sources: Iterable[Source]) -> Graph:
    """Map each module to those of the package that it names, inside functions and for type checkers too."""
    known = {source.name: source for source in sources}
    graph: dict[str, set[str]] = {name: set() for name in known}
    for name, source in known.items():
        for node in ast.walk(source.tree):
            graph[name] |= {found for found in _named(node, source) if found in known and found != name}
    packages = {name for name, source in known.items() if source.path.name == "__init__.py"}
    # A package that holds nothing but a docstring is no file that anything could stand on.
    empty = {name for name in packages if not graph[name]}
    return {name: others - empty for name, others in graph.items()}


def _named(node: ast.AST, source: Source) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = source.name.split(".")
            package = package if source.path.name == "__init__.py" else package[:-1]
            base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
        for alias in node.names:
            yield f"{base}.{alias.name}"
        yield base


def circles(graph: Graph) -> list[list[str]]:
    """List the groups of modules that import each other in a ring, the largest first (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            ring = stack[at:]
            del stack[at:]
            if len(ring) > 1:
                found.append(sorted(ring))

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 10 * len(graph) + 1000))
    try:
        for name in sorted(graph):
            if name not in index:
                visit(name)
    finally:
        sys.setrecursionlimit(limit)
    return sorted(found, key=len, reverse=True)


def _squashed(graph: Graph, package: str) -> Graph:
    """Look at the packages directly below `package` as one each; modules that lie there themselves are left out."""
    depth = package.count(".") + 1
    rooms: dict[str, set[str]] = defaultdict(set)
    folders = {
        ".".join(name.split(".")[: depth + 1])
        for name in graph
        if name.startswith(f"{package}.") and name.count(".") > depth
    }
    for name, others in graph.items():
        room = ".".join(name.split(".")[: depth + 1])
        if room in folders:
            reached = {".".join(other.split(".")[: depth + 1]) for other in others}
            rooms[room] |= {other for other in reached if other in folders and other != room}
    return rooms


def _largest(found: list[list[str]]) -> list[str]:
    return found[0] if found else []


def inner_imports(sources: Iterable[Source]) -> Iterator[str]:
    """Yield the imports that stand inside a function."""
    for source in sources:
        for function in source.functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield source.where(node)


# -- annotations -------------------------------------------------------------------------------------------


def anys(sources: Iterable[Source]) -> Iterator[str]:
    """Yield each `Any` in an annotation, and each use of an alias that stands for one, wherever it was made."""
    sources = list(sources)
    aliases = _aliases(sources)
    for source in sources:
        meaning = aliases[source.name]
        for node in ast.walk(source.tree):
            for annotation in _annotations(node):
                yield from (source.where(annotation) for name in _names(annotation) if name in meaning)


def _aliases(sources: Iterable[Source]) -> dict[str, set[str]]:
    """Collect by module the names that mean Any there, or a type made of it, until no more are found."""
    meaning = {source.name: {"Any"} for source in sources}
    assigned = [(source.name, *pair) for source in sources for pair in _assigned_types(source.tree)]
    imported = [(source.name, *names) for source in sources for names in _imported_names(source.tree)]
    while True:
        more = {(module, name) for module, name, value in assigned if meaning[module] & set(_names(value))}
        more |= {(module, mine) for module, there, name, mine in imported if name in meaning.get(there, ())}
        if all(name in meaning[module] for module, name in more):
            return meaning
        for module, name in more:
            meaning[module].add(name)


def _imported_names(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield module, name there and name here of what is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name, alias.asname or alias.name) for alias in node.names)


def _assigned_types(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            # A type is written with names, subscripts and bars; a call or a list of values is no alias.
            plain = ast.Name | ast.Subscript | ast.BinOp | ast.Attribute
            if isinstance(node.value, plain) and node.targets[0].id[0].isupper():
                yield node.targets[0].id, node.value
    for each in tree.body:
        for node in each.names if isinstance(each, ast.ImportFrom) else ():
            if node.asname and node.name == "Any":
                yield node.asname, ast.Name("Any")


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
        yield node.annotation
    elif isinstance(node, Function) and node.returns:
        yield node.returns


def _names(annotation: ast.AST) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+", node.value)


# -- functions ---------------------------------------------------------------------------------------------


def called_once(sources: Iterable[Source]) -> Iterator[Function]:
    """Yield the functions whose name stands once in all sources beside its definition, and that in its own file."""
    sources = list(sources)
    uses = {source.name: Counter(_used(source.tree)) for source in sources}
    everywhere: Counter[str] = Counter()
    for counted in uses.values():
        everywhere.update(counted)
    for source in sources:
        for function in source.functions:
            if everywhere[function.name] == 1 and uses[source.name][function.name] == 1:
                yield function


def _used(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def kind_asking(sources: Iterable[Source]) -> Iterator[str]:
    """Yield the functions that ask whether a value is custom, a reference, a state, a choice or a date."""
    for source in sources:
        if not source.name.startswith(FIELD_ROOMS):
            for function in source.functions:
                if any(_asks_kind(node) for node in _own_nodes(function)):
                    yield f"{source.where(function)} {function.name}"


def _asks_kind(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        arguments = node.args
        if isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
            return any(isinstance(each, ast.Constant) and each.value == "custom." for each in arguments)
        if isinstance(node.func, ast.Name) and node.func.id == "isinstance" and len(arguments) == 2:
            return any(name.endswith("Field") or name == "ForeignKey" for name in _names(arguments[1]))
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Attribute) and side.attr == "references" for side in sides[1:]):
            return isinstance(node.ops[0], ast.In | ast.NotIn)
        texts = {side.value for side in sides if isinstance(side, ast.Constant)}
        named = {side.id for side in sides if isinstance(side, ast.Name)}
        typed = any(isinstance(side, ast.Attribute) and side.attr == "type" for side in sides)
        return ("status" in texts and bool(named)) or (typed and bool(texts & KINDS))
    if isinstance(node, ast.If | ast.IfExp | ast.comprehension):
        tests = node.ifs if isinstance(node, ast.comprehension) else [node.test]
        return any(
            isinstance(test, ast.Attribute) and test.attr in ("choices", "flatchoices") for test in tests
        )
    return False


def guest_deciding(sources: Iterable[Source]) -> Iterator[str]:
    """Yield the functions that look at what is shown to requesters."""
    for source in sources:
        for function in source.functions:
            if any(
                isinstance(node, ast.Attribute) and node.attr == "shown_to_requesters"
                for node in _own_nodes(function)
            ):
                yield f"{source.where(function)} {function.name}"


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield what stands in the function, not in functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function):
            waiting.extend(ast.iter_child_nodes(node))


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _comments(sources: Iterable[Source]) -> int:
    """Count the comments, those that only speak to a tool left out."""
    count = 0
    for source in sources:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT and not re.match(
                r"#\s*(noqa|type:|nosec|-- )[^-]*$", token.string
            ):
                count += 1
    return count


def _share(some: Iterable[object], of: int) -> float:
    return round(100 * len(list(some)) / of, 1)


def _per_1000(count: int, lines: int) -> float:
    return round(1000 * count / lines, 2) if lines else 0.0


# -- the table ---------------------------------------------------------------------------------------------


def table(figures: Iterable[Figure], kept: Mapping[str, float], *, places: bool = False) -> str:
    """Put the figures beside what is kept and what is wanted, one line each."""
    lines = [f"{'':58}{'today':>9}{'kept':>9}{'wanted':>9}"]
    for figure in figures:
        limit = f"{kept[figure.key]:g}" if figure.held and figure.key in kept else "-"
        lines.append(f"{figure.label:58}{figure.value:>9g}{limit:>9}{figure.wanted:>9}")
        if places and figure.held:
            lines += [f"    {place}" for place in figure.places]
    return "\n".join(lines)


def worsened(figures: Iterable[Figure], kept: Mapping[str, float]) -> list[str]:
    """Say which of the held figures are larger than what is kept."""
    return [
        f"{figure.label}: {figure.value:g}, it was {kept.get(figure.key, 0):g}. See `make shape PLACES=1`."
        for figure in figures
        if figure.held and figure.value > kept.get(figure.key, 0)
    ]


def written(figures: Iterable[Figure], kept: Mapping[str, float]) -> str:
    """Return tools/shape.toml with what got better; what got worse stays as it was."""
    held = [
        f"{figure.key} = {min(figure.value, kept.get(figure.key, figure.value)):g}"
        for figure in figures
        if figure.held
    ]
    return (
        "# What `make shape` holds: none of these may grow. Written by `python tools/shape.py --keep`.\n"
        + ("\n".join(held) + "\n")
    )


if __name__ == "__main__":
    sys.exit(main())
