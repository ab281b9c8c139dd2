"""Rights as sets: what a role gives, how far it reaches, on which days, and what of it is missing."""

from datetime import date, timedelta

import pytest

from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.permissions import rights
from stellwerk.kernel.permissions.rights import ADMINISTER, Grant, Tree, given_by

LOOKS = "internal view"
WORKS = (
    "contribute edit internal step:begin step:cancel step:close step:merge step:reopen step:resolve "
    "step:resume step:wait view"
)
MANAGES = WORKS.replace("edit", "edit full")
ALL_STEPS = MANAGES.replace("step:merge", "step:confirm step:merge")
KEEPS = "contribute edit internal step:leave step:return view"
OWNS = KEEPS.replace("edit", "edit full")

GIVEN = {
    # what a role gives for its parties, for those entrusted to them, and everywhere
    ("administrator", "", True, "incident"): (ALL_STEPS, "", "guest"),
    ("administrator", "", False, "incident"): (f"{ALL_STEPS} guest", "", ""),
    ("administrator", "people", True, "incident"): ("", "", ""),
    ("administrator", "people", False, "incident"): ("guest", "", ""),
    ("administrator", "incidents", False, "incident"): (f"{ALL_STEPS} guest", "", ""),
    ("manager", "", True, "incident"): (MANAGES, "", "guest"),
    ("manager", "", False, "incident"): (f"{MANAGES} guest", "", ""),
    ("agent", "", True, "incident"): (WORKS, "", "guest"),
    ("agent", "", False, "incident"): (WORKS, "", ""),
    ("agent", "people", False, "incident"): ("", "", ""),
    ("viewer", "", True, "incident"): (LOOKS, "", "guest"),
    ("viewer", "", False, "incident"): (f"{LOOKS} guest", "", ""),
    ("requester", "", True, "incident"): ("", "", ""),
    ("requester", "", False, "incident"): ("", "", ""),
    ("administrator", "", True, "person"): (OWNS, LOOKS, "guest"),
    ("administrator", "", False, "person"): (OWNS, LOOKS, ""),
    ("administrator", "incidents", False, "person"): (LOOKS, LOOKS, ""),
    ("manager", "people", False, "person"): (KEEPS, LOOKS, ""),
    ("agent", "incidents", True, "person"): (LOOKS, LOOKS, "guest"),
    ("requester", "", True, "person"): ("", "", ""),
    ("administrator", "", True, "custom_field"): (
        "contribute edit full internal step:retire step:revive view",
        "",
        "guest",
    ),
    ("administrator", "", False, "custom_field"): ("", "", LOOKS),
    ("administrator", "incidents", False, "custom_field"): ("", "", ""),
    ("manager", "", True, "custom_field"): (LOOKS, "", "guest"),
    ("manager", "", False, "custom_field"): ("", "", LOOKS),
    ("agent", "", True, "custom_field"): ("", "", ""),
    ("agent", "", False, "custom_field"): ("", "", ""),
    ("manager", "", True, "priority_scheme"): ("contribute edit internal step:enact view", "", "guest"),
    ("administrator", "incidents", True, "priority_scheme"): (
        "contribute edit full internal step:enact view",
        "",
        "guest",
    ),
    ("manager", "", False, "service"): (
        "contribute edit full guest internal step:begin_retirement step:go_live step:keep step:prepare "
        "step:retire view",
        "",
        "",
    ),
    ("agent", "", False, "service"): (LOOKS, "", ""),
    ("administrator", "", True, ""): ("", "", "administer"),
    ("administrator", "", False, ""): ("", "", ""),
    ("administrator", "incidents", True, ""): ("", "", ""),
    ("manager", "", True, ""): ("", "", ""),
}


@pytest.mark.parametrize("key", GIVEN)
def test_a_role_gives_what_is_said_of_it(key: tuple[str, str, bool, str]) -> None:
    role, process, everywhere, kind = key
    given = given_by.__wrapped__(Role(role), process, everywhere)
    found = tuple(
        {name for (of_kind, name), reach in given if (of_kind, reach) == (kind, how_far)}
        for how_far in ("parties", "entrusted", "all")
    )
    assert found == tuple(set(names.split()) for names in GIVEN[key])


DAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("begins", "ends", "holds"),
    [
        (0, None, True),
        (0, 0, True),
        (-5, 5, True),
        (1, None, False),
        (1, 5, False),
        (-5, -1, False),
        (-5, 0, True),
    ],
)
def test_a_grant_holds_on_its_days_both_included(begins: int, ends: int | None, holds: bool) -> None:
    last = None if ends is None else DAY + timedelta(days=ends)
    given = Grant(("person", 1), Role.AGENT, 1, "", DAY + timedelta(days=begins), last)
    assert given.holds_on(DAY) is holds


TREE = Tree({1: None, 2: 1, 3: None, 4: 3, 5: None}, [(3, 2), (5, 1)])
"""1 above 2, 3 above 4; 3 is entrusted to 2, and 5 to 1."""


@pytest.mark.parametrize(
    ("party", "reach"),
    [
        (None, (None, None, None)),
        (1, ({1, 2}, {3, 4, 5}, None)),
        (2, ({2}, {3, 4}, None)),
        (3, ({3, 4}, set(), None)),
        (9, ({9}, set(), None)),
    ],
)
def test_a_role_reaches_what_lies_below_its_party_and_what_is_entrusted_to_it(
    party: int | None, reach: tuple[set[int] | None, ...]
) -> None:
    assert tuple(TREE.reach(party)[name] for name in ("parties", "entrusted", "all")) == reach


def test_a_tree_is_another_once_a_party_moves_or_is_shared() -> None:
    assert TREE.moved(4, 2).below(1) == {1, 2, 4}
    assert TREE.moved(4, 2).pairs == TREE.pairs
    assert TREE.shared(4, 5, inside=True).pairs == {(3, 2), (5, 1), (4, 5)}
    assert TREE.shared(5, 1, inside=False).pairs == {(3, 2)}
    assert TREE.shared(4, 5, inside=False).pairs == TREE.pairs


def held(role: Role, party: int | None, process: str = "") -> Grant:
    return Grant(("person", 1), role, party, process, DAY, None)


def test_rights_are_added_up() -> None:
    found = rights.rights([held(Role.VIEWER, 2), held(Role.AGENT, 4)], TREE)
    assert found["incident", "view"] == frozenset({2, 4})
    assert found["incident", "edit"] == frozenset({4})
    assert found["person", "view"] == frozenset({2, 3, 4})
    assert ("incident", "full") not in found
    for grants in (
        [held(Role.VIEWER, None), held(Role.AGENT, 4)],
        [held(Role.AGENT, 4), held(Role.VIEWER, None)],
    ):
        found = rights.rights(grants, TREE)
        assert (found["incident", "view"], found["incident", "edit"]) == (None, frozenset({4}))
    assert ADMINISTER in rights.rights([held(Role.ADMINISTRATOR, None)], TREE)
    assert ADMINISTER not in rights.rights([held(Role.ADMINISTRATOR, 1)], TREE)
    assert rights.rights([], TREE) == {}


R, S = ("incident", "view"), ("incident", "edit")
SOME, MORE, OTHER = frozenset({1}), frozenset({1, 2}), frozenset({3})
NOBODYS: frozenset[int] = frozenset()


@pytest.mark.parametrize(
    ("some", "others", "left"),
    [
        ({R: SOME}, {}, {R: SOME}),
        ({R: None}, {}, {R: None}),
        ({R: SOME}, {R: None}, {}),
        ({R: None}, {R: None}, {}),
        ({R: SOME}, {R: SOME}, {}),
        ({R: MORE}, {R: SOME}, {R: frozenset({2})}),
        ({R: None}, {R: SOME}, {R: None}),
        ({R: SOME, S: OTHER}, {S: OTHER}, {R: SOME}),
        ({}, {R: SOME}, {}),
    ],
)
def test_what_one_has_and_others_have_not(
    some: rights.Rights, others: rights.Rights, left: rights.Rights
) -> None:
    assert dict(rights._without(some, others)) == left


@pytest.mark.parametrize(
    ("having", "scope", "covered"),
    [
        (None, None, True),
        (None, SOME, True),
        (SOME, SOME, True),
        (MORE, SOME, True),
        (SOME, MORE, False),
        (SOME, OTHER, False),
        (SOME, None, False),
        (NOBODYS, None, False),
        (NOBODYS, NOBODYS, True),
    ],
)
def test_who_holds_a_right_for_all_of_the_same_parties_covers_it(
    having: rights.Scope, scope: rights.Scope, covered: bool
) -> None:
    assert rights._covers(having, scope) is covered


@pytest.mark.parametrize(
    ("having", "before", "after", "missing"),
    [
        ({}, {}, {R: SOME}, R),
        ({}, {R: SOME}, {}, R),
        ({R: SOME}, {}, {R: SOME}, None),
        ({R: SOME}, {R: SOME}, {}, None),
        ({}, {R: SOME}, {R: SOME}, None),
        ({R: SOME}, {R: SOME}, {R: MORE}, R),
        ({R: None}, {}, {R: SOME, S: SOME}, S),
        ({}, {}, {R: SOME, S: SOME, ("incident", "step:begin"): SOME}, S),
        ({R: SOME, S: SOME}, {}, {("incident", "step:begin"): SOME}, ("incident", "step:begin")),
    ],
)
def test_the_furthest_right_that_is_missing_is_named(
    having: rights.Rights, before: rights.Rights, after: rights.Rights, missing: rights.Right | None
) -> None:
    assert rights._missing(having, before, after) == missing


def test_rights_are_named_in_words() -> None:
    assert rights._named(ADMINISTER) == "administer the whole installation"
    assert rights._named(("incident", "edit")) == "change incidents"
    assert rights._named(("incident", "guest")) == "look after incidents that are shared with the party"
    assert rights._named(("incident", "step:begin")) == "“Start work” on incidents"
    assert rights._named(("role_assignment", "step:none")) == "“step:none” on role assignments"


def test_rights_are_compared_on_each_day_on_which_something_changes() -> None:
    now = today()

    def between(begins: int, ends: int | None) -> Grant:
        last = None if ends is None else now + timedelta(days=ends)
        return Grant(("person", 1), Role.AGENT, 1, "", now + timedelta(days=begins), last)

    def days(*given: Grant) -> list[int]:
        return [(day - now).days for day in rights._days(given)]

    assert days() == [0]
    assert days(between(-9, None)) == [0]
    assert days(between(3, 7)) == [0, 3, 8]
    assert days(between(-9, -1), between(-3, 0)) == [0, 1]
    assert rights._days([Grant(("person", 1), Role.AGENT, 1, "", now, date.max)]) == [now]
