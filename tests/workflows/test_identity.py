"""Workflow ids and priorities: found again by their tenant, and nobody who waits stands behind a sweep."""

from uuid import UUID

from rules.ids import InstanceId, TenantId
from workflows import identity

TENANT, OTHER = TenantId(UUID(int=1)), TenantId(UUID(int=2))


def test_everything_of_a_tenant_is_found_by_how_its_id_begins() -> None:
    ids = [identity.ladder_id(TENANT, "2026", InstanceId(UUID(int=3))), identity.nightly_id(TENANT, "Europe/Dublin")]
    assert all(one.startswith(identity.beginnings(TENANT)) for one in ids)
    assert not any(one.startswith(identity.beginnings(OTHER)) for one in ids)


def test_a_time_zone_stands_in_an_id_without_a_slash() -> None:
    assert identity.nightly_id(TENANT, "Europe/Dublin") == f"nightly:{TENANT}:Europe_Dublin"


def test_a_person_who_waits_goes_before_a_sweep_and_tenants_take_turns() -> None:
    person, sweep = identity.interactive(TENANT), identity.sweep(TENANT)
    assert person.priority_key is not None
    assert sweep.priority_key is not None
    assert person.priority_key < sweep.priority_key  # the lower number goes first
    assert person.fairness_key == sweep.fairness_key == str(TENANT)
