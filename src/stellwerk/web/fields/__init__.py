"""How each kind of value looks: in a cell of a list, on a page, in a form, among the filters.

One renderer per kind, registered with `renders`; `manage.py check` names a kind that has none.
"""

from stellwerk.web.fields import choices, numbers, references, texts, times
from stellwerk.web.fields.renderer import RENDERERS, Renderer, renderer_of, renders

__all__ = [
    "RENDERERS",
    "Renderer",
    "choices",
    "numbers",
    "references",
    "renderer_of",
    "renders",
    "texts",
    "times",
]
