"""The guide of permissions is what the policy answers."""

from rules.access.permissions import GRANTS, Permission, Role
from tests.architecture.draw_permissions import SHORT, TARGET, drawn


def rows() -> dict[str, list[str]]:
    found = {}
    for line in TARGET.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].strip("`") in set(Permission) and len(cells) > 2:
            found[cells[0].strip("`")] = cells[1:]
    return found


def test_the_guide_is_the_policy() -> None:
    assert TARGET.read_text() == drawn(), "run `make map`"


def test_every_permission_has_a_row_and_shows_exactly_the_roles_that_hold_it() -> None:
    assert list(rows()) == list(Permission)
    for permission, cells in rows().items():
        shown = {role for role, cell in zip(SHORT, cells, strict=True) if cell}
        assert shown == GRANTS[Permission(permission)], permission


def test_every_role_has_a_column() -> None:
    assert list(SHORT) == list(Role)
