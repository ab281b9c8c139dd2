"""Every text that people read can be translated: texts in templates, and labels and refusals in Python.

What is looked at: text between tags and in attributes that are read out; choices, labels of declarations and forms,
what refusals and messages say. Sentences that are put together elsewhere are not found here.
"""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent.parent / "src" / "stellwerk"
TEMPLATES = sorted(path for path in SOURCES.rglob("*.html") if "node_modules" not in path.parts)
MODULES = sorted(
    path
    for path in SOURCES.rglob("*.py")
    if not {"tests", "testing", "migrations", "demo", "commands", "node_modules"} & set(path.parts)
    and path.name != "design_system.py"  # samples, for those who build pages
)

# -- templates

TRANSLATED = re.compile(
    r"{%\s*(comment|blocktranslate)\b.*?{%\s*end\1\s*%}"
    r"|{% block \w+_(?:class|attributes) %}.*?{% endblock %}|{#.*?#}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)
READ_OUT = {"title", "aria-label", "placeholder", "alt", "aria-description", "label", "aria-roledescription"}
FOR_MACHINES = {"script", "style", "code", "kbd", "pre", "svg"}
WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = re.compile(r"Stellwerk|If-Match|(?:PER|INC)-\d+|--space-")


class Reader(HTMLParser):
    """Collects what a page says by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FOR_MACHINES:
            self._inside.append(tag)
        self.said += [value for name, value in attrs if name in READ_OUT and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.said.append(data)


def untranslated(template: str) -> list[str]:
    reader = Reader()
    reader.feed(TRANSLATED.sub("", template))
    reader.close()
    return [" ".join(text.split()) for text in reader.said if WORD.search(NAMES.sub("", text))]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_a_template_says_nothing_untranslated(path: Path) -> None:
    assert untranslated(path.read_text(encoding="utf-8")) == []


def test_what_a_template_says_untranslated_is_found() -> None:
    assert untranslated('<p title="Hello there">{{ name }} and {% translate "more" %}</p>') == [
        "Hello there",
        "and",
    ]
    assert (
        untranslated(
            '{# not #}<p{% if x %} class="b"{% endif %}>{% blocktranslate %}a b{% endblocktranslate %}'
        )
        == []
    )


# -- Python

SAYS_FIRST = {"Section", "ValidationError", "PermissionDenied", "Http404"}
SAYS_SECOND = {"Transition", "success", "error", "warning", "info", "unfit"}
SAYS_BY_NAME = {"verbose_name", "verbose_name_plural", "help_text", "label"}
LABELS = {"verbose_name", "verbose_name_plural"}
POINTING = {"ForeignKey", "OneToOneField", "ManyToManyField"}
CHOICES = {"TextChoices", "IntegerChoices"}
LOGS = {"log", "logger"}


def _is_said(node: ast.expr | None) -> bool:
    """Whether it is a text in letters as it stands, or one put together of such."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(WORD.search(node.value))
    if isinstance(node, ast.JoinedStr):
        return any(_is_said(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _is_said(node.left)
    if isinstance(node, ast.Dict):
        return any(_is_said(value) for value in node.values)
    return False


def plain_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Find the texts that are said without being marked for translation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_a_call(node)
        elif isinstance(node, ast.ClassDef) and CHOICES & {ast.unparse(b).split(".")[-1] for b in node.bases}:
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple):
                    yield from _said(line.value.elts[-1:])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in LABELS:
            yield from _said([node.value])


def _of_a_call(node: ast.Call) -> Iterator[tuple[int, str]]:
    called = ast.unparse(node.func)
    name = called.split(".")[-1]
    is_field = called.startswith("models.") and called.endswith("Field") and name not in POINTING
    if called.split(".")[0] in LOGS:
        return
    by_name = [given.value for given in node.keywords if given.arg in SAYS_BY_NAME]
    first = node.args[:1] if name in SAYS_FIRST or is_field else []
    second = node.args[1:2] if name in SAYS_SECOND else []
    yield from _said([*by_name, *first, *second])


def _said(nodes: list[ast.expr]) -> Iterator[tuple[int, str]]:
    yield from ((node.lineno, ast.unparse(node)[:60]) for node in nodes if _is_said(node))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_a_module_says_nothing_untranslated(path: Path) -> None:
    assert list(plain_texts(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_what_a_module_says_untranslated_is_found() -> None:
    source = """
class Kind(models.TextChoices):
    A = "a", "First"
    B = "b", _("Second")
name = models.CharField("name", help_text=_("help"))
raise ValidationError({"name": f"{name} is not here"})
messages.success(request, "Saved.")
Section(_("One"), ["two"])
"""
    assert [line for line, _text in plain_texts(ast.parse(source))] == [3, 5, 6, 7]
