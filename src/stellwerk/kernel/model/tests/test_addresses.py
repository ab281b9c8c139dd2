"""Addresses of records are looked up once, and are those that the router gives."""

import pytest
from django.urls import reverse, set_script_prefix

from stellwerk.kernel.model.record import Record, address_of


def test_the_address_of_a_record_is_the_one_of_its_page() -> None:
    for reference in ("INC-000042", "PER-1234567"):
        assert address_of(reference) == reverse("record", args=[reference])
        assert Record(reference=reference).get_absolute_url() == address_of(reference)


def test_an_installation_below_another_path_has_its_own_addresses(request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: set_script_prefix("/"))
    before = address_of("INC-000042")
    set_script_prefix("/desk/")
    assert address_of("INC-000042") == f"/desk{before}" == reverse("record", args=["INC-000042"])
