"""Who gets what at every route of records, by family of types, to requests that are valid but for the right."""

import json
from dataclasses import dataclass
from typing import Any

REPRESENTED_BY = (
    "party",
    "person",
    "team",
    "role_assignment",
    "service",
    "priority_scheme",
    "incident",
)
"""One type of each family (stellwerk.kernel.testing.families): their pages run through different code."""


@dataclass(frozen=True)
class Try:
    """A request, who may send it, and what they are answered.

    Places in braces are filled in from the world of test_matrix.py, as are bodies that are named.
    """

    method: str
    route: str
    may: dict[str, str]
    ok: int
    body: str | dict[str, Any] | None = None

    def __str__(self) -> str:
        named = self.body if isinstance(self.body, str) else json.dumps(self.body) if self.body else ""
        return f"{self.method} {self.route} {named}".strip()

    def wanted(self, key: str) -> str:
        """Return what the ROLES of routes.py are answered on a type, in their order."""
        nobody = "401" if self.route.startswith("api/") else "302"
        row = next(row for keys, row in self.may.items() if key in keys.split())
        return f"{nobody} {row.replace('ok', str(self.ok))}"


# Who may do what: by type, what nobody, the outsider, Gus, the viewer, the agent, Maria and Root get. Who has not
# signed in gets 401 from the API and is led to sign in by pages. 404 is for who may not know that it is there, 422
# for who names something that they may not see.
CHANGE = {
    "party person team service": "404 404 404 403 403 ok ok",
    "role_assignment": "404 404 404 403 404 403 ok",
    "priority_scheme": "404 403 404 403 403 403 ok",
    "incident": "404 404 403 403 ok ok ok",
}
READ = {
    "party person team service": "404 404 404 ok ok ok ok",
    "role_assignment": "404 404 404 ok 404 ok ok",
    "priority_scheme": "404 ok 404 ok ok ok ok",
    "incident": "404 404 ok ok ok ok ok",
}
ANYBODY = {
    "party person team role_assignment service priority_scheme incident": "ok ok ok ok ok ok ok",
}
UNTIE = {
    "party person team service": "404 404 404 403 403 ok ok",
    "role_assignment": "404 404 404 403 404 403 ok",
    "priority_scheme": "404 403 404 403 403 403 ok",
    "incident": "404 404 404 403 ok ok ok",
}
TAKE_PART = {
    "party person team service": "404 404 404 403 403 ok ok",
    "role_assignment": "404 404 404 403 404 403 ok",
    "priority_scheme": "404 403 404 403 403 403 ok",
    "incident": "404 404 ok 403 ok ok ok",
}
CREATE = {
    "role_assignment priority_scheme": "403 403 403 403 403 403 ok",
    "party person team service": "403 422 403 403 403 ok ok",
    "incident": "422 422 422 422 ok ok ok",
}
CREATE_MANY = {
    "role_assignment priority_scheme": "422 422 422 422 422 422 ok",
    "party person team service": "422 422 422 422 422 ok ok",
    "incident": "422 422 422 422 ok ok ok",
}
STEP = {
    "party person team service": "404 404 404 403 403 ok ok",
    "role_assignment": "404 404 404 404 404 404 404",
    "priority_scheme": "404 403 404 403 403 403 ok",
    "incident": "404 404 403 403 ok ok ok",
}
IMPORT = {
    "role_assignment priority_scheme": "403 403 403 403 403 403 ok",
    "party person team service": "403 ok 403 403 403 ok ok",
    "incident": "403 ok 403 403 ok ok ok",
}
OWN_DRAFT = {
    "party person team role_assignment service priority_scheme incident": "404 404 404 404 404 404 ok",
}
ASK = {
    "role_assignment": "403 403 403 403 403 403 422",
    "priority_scheme": "403 403 403 403 403 403 ok",
    "person team service": "403 ok 403 403 403 ok ok",
    "incident": "ok 422 ok ok 422 422 422",
    "party": "403 403 403 403 403 403 ok",
}
UNWATCH = {
    "party person team service incident": "404 404 404 403 ok ok ok",
    "role_assignment": "404 404 404 404 404 404 ok",
    "priority_scheme": "404 404 404 403 ok 403 ok",
}
LIST = {
    "party person team role_assignment service priority_scheme incident": "302 ok 302 ok ok ok ok",
}
BULK = {
    "priority_scheme": "403 403 403 403 403 403 ok",
    "party person team service": "403 ok 403 403 403 ok ok",
    "role_assignment": "403 403 403 403 403 403 403",
    "incident": "403 ok 403 403 ok ok ok",
}
CREATE_PAGE = {
    "party person team service": "404 ok 404 403 403 ok ok",
    "role_assignment": "404 403 404 403 404 403 ok",
    "priority_scheme": "404 403 404 403 403 403 ok",
    "incident": "ok ok ok ok ok ok ok",
}
CREATE_FORM = {
    "party person team service": "404 422 404 403 403 ok ok",
    "role_assignment": "404 403 404 403 404 403 ok",
    "priority_scheme": "404 403 404 403 403 403 422",
    "incident": "ok 422 ok ok ok ok ok",
}
RECORD_PAGE = {
    "party person team service": "404 404 404 ok ok ok ok",
    "role_assignment": "404 404 404 ok 404 ok ok",
    "priority_scheme": "404 ok 404 ok ok ok ok",
    "incident": "404 404 302 ok ok ok ok",
}
EDIT_FORM = {
    "party person team service": "404 404 404 403 403 ok ok",
    "role_assignment": "404 404 404 403 404 403 ok",
    "priority_scheme": "404 403 404 403 403 403 422",
    "incident": "404 404 403 403 ok ok ok",
}
HISTORY = {
    "party person team service incident": "404 404 404 ok ok ok ok",
    "role_assignment": "404 404 404 ok 404 ok ok",
    "priority_scheme": "404 ok 404 ok ok ok ok",
}

MATRIX = (
    Try("GET", "api/v1/{type}", ANYBODY, 200),
    Try("POST", "api/v1/{type}", CREATE, 201, "new"),
    Try("POST", "api/v1/{type}", ASK, 201, "asked"),
    Try("POST", "api/v1/{type}/bulk", CREATE_MANY, 200, "new in bulk"),
    Try("PATCH", "api/v1/{type}/bulk", CREATE_MANY, 200, "change in bulk"),
    Try("GET", "api/v1/{type}/{reference}", READ, 200),
    Try("PATCH", "api/v1/{type}/{reference}", CHANGE, 200, "change"),
    Try("GET", "api/v1/{type}/{reference}/attachments", READ, 200),
    Try("POST", "api/v1/{type}/{reference}/attachments", TAKE_PART, 201, "file"),
    Try("GET", "api/v1/{type}/{reference}/attachments/{file}", READ, 200),
    Try("DELETE", "api/v1/{type}/{reference}/attachments/{file}", CHANGE, 204),
    Try("GET", "api/v1/{type}/{reference}/comments", READ, 200),
    Try("POST", "api/v1/{type}/{reference}/comments", TAKE_PART, 201, {"body": "Words"}),
    Try("GET", "api/v1/{type}/{reference}/journal", READ, 200),
    Try("GET", "api/v1/{type}/{reference}/links", READ, 200),
    Try("POST", "api/v1/{type}/{reference}/links", CHANGE, 201, {"type": "duplicate", "target": "{other}"}),
    Try("DELETE", "api/v1/{type}/{reference}/links/{link}", UNTIE, 204),
    Try("GET", "api/v1/{type}/{reference}/transitions", READ, 200),
    Try("POST", "api/v1/{type}/{reference}/transitions/{step}", STEP, 200, "step"),
    Try("GET", "api/v1/{type}/{reference}/watchers", READ, 200),
    Try("POST", "api/v1/{type}/{reference}/watchers", READ, 201, {}),
    Try("DELETE", "api/v1/{type}/{reference}/watchers/{watcher}", UNWATCH, 204),
    Try("GET", "{type}/", LIST, 200),
    Try("POST", "{type}/bulk/", BULK, 302, "several"),
    Try("GET", "{type}/export/", ANYBODY, 200),
    Try("GET", "{type}/filters/", ANYBODY, 200),
    Try("GET", "{type}/import/", IMPORT, 200),
    Try("POST", "{type}/import/", IMPORT, 200, "import"),
    Try("GET", "{type}/import/{draft}/", OWN_DRAFT, 200),
    Try("POST", "{type}/import/{draft}/", OWN_DRAFT, 302),
    Try("GET", "{type}/new/", CREATE_PAGE, 200),
    Try("POST", "{type}/new/", CREATE_FORM, 302, "new form"),
    Try("GET", "{type}/tabs/", ANYBODY, 200),
    Try("GET", "{type}/views/", ANYBODY, 200),
    Try("POST", "{type}/views/", ANYBODY, 302, {"name": "Mine", "query": ""}),
    Try("GET", "options/{type}/", ANYBODY, 200),
    Try("GET", "records/{reference}/", RECORD_PAGE, 200),
    Try("GET", "records/{reference}/comments/{comment}/", READ, 200),
    Try("GET", "records/{reference}/edit/", CHANGE, 200),
    Try("POST", "records/{reference}/edit/", EDIT_FORM, 302, "form"),
    Try("POST", "records/{reference}/entries/{number}/undo/", CHANGE, 302),
    Try("GET", "records/{reference}/fields/{field}/", UNTIE, 200),
    Try("POST", "records/{reference}/fields/{field}/", UNTIE, 302, "change"),
    Try("GET", "records/{reference}/fields/{field}/value/", UNTIE, 200),
    Try("POST", "records/{reference}/files/", TAKE_PART, 302, "files"),
    Try("GET", "records/{reference}/files/{file}/", READ, 200),
    Try("GET", "records/{reference}/files/{file}/remove/", CHANGE, 200),
    Try("POST", "records/{reference}/files/{file}/remove/", CHANGE, 302),
    Try("GET", "records/{reference}/history/", HISTORY, 200),
    Try("GET", "records/{reference}/links/", CHANGE, 200),
    Try("POST", "records/{reference}/links/", CHANGE, 302, {"relation": "duplicate", "target": "{other}"}),
    Try("POST", "records/{reference}/links/{link}/remove/", CHANGE, 302),
    Try("POST", "records/{reference}/links/again/?relation=duplicate&target={other}", CHANGE, 302),
    Try("GET", "records/{reference}/mentions/", UNTIE, 200),
    Try("POST", "records/{reference}/order/", READ, 302),
    Try("GET", "records/{reference}/referring/", READ, 200),
    Try("POST", "records/{reference}/say/", TAKE_PART, 302, {"kind": "reply", "body": "Words"}),
    Try("POST", "records/{reference}/say/", CHANGE, 302, {"kind": "note", "body": "Words"}),
    Try("GET", "records/{reference}/shares/", CHANGE, 200),
    Try("POST", "records/{reference}/shares/", CHANGE, 302, {"party": "{party}", "capacity": "customer"}),
    Try("POST", "records/{reference}/shares/{share}/remove/", CHANGE, 302),
    Try("POST", "records/{reference}/shares/again/?with={shared}&capacity=customer", CHANGE, 302),
    Try("GET", "records/{reference}/steps/{step}/", STEP, 200),
    Try("POST", "records/{reference}/steps/{step}/", STEP, 302, "step"),
    Try("POST", "records/{reference}/watch/", READ, 302),
    Try("GET", "records/{reference}/watchers/", CHANGE, 200),
    Try("POST", "records/{reference}/watchers/", CHANGE, 302, {"person": "{watcher}"}),
)
