"""The list of licences is the lock's, and nothing in it binds those who use Handrail to more than they agreed to."""

from tests.architecture.draw_licences import ELSEWHERE, licence, listed, pinned

# strong copyleft would reach the product; a tool that is only run beside it would have to be named here with its reason
REFUSED = ("AGPL", "GPL-", "GPL", "SSPL", "unknown")
EXCEPT: dict[str, str] = {}


def test_the_list_names_every_pinned_package() -> None:
    assert {name: version for name, (version, _) in listed().items()} == pinned(), "run `make licences`"


def test_it_says_what_the_packages_say() -> None:
    told = {name: words for name, (_, words) in listed().items()}
    here = {name: said for name in told if (said := licence(name)) is not None}
    assert here, "nothing is installed: nothing was compared"
    assert {name: told[name] for name in here} == here, "run `make licences`"


def test_no_licence_is_refused_or_unknown() -> None:
    judged = {name: words for name, (_, words) in listed().items() if words != ELSEWHERE and name not in EXCEPT}
    wrong = {name: words for name, words in judged.items() if words.startswith(REFUSED)}
    assert not wrong
