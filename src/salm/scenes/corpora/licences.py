"""Licences of Creative Commons by their addresses, as data sets give them."""

import re
from typing import NamedTuple

__all__ = ["Licence", "licence_of"]

_ADDRESS = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<terms>[a-z+-]+)/(?P<version>\d\.\d)|publicdomain/zero/(?P<zero>\d\.\d))",
    re.IGNORECASE,
)
_CLASSES = {"by": "permissive", "by-nc": "nc", "by-sa": "sharealike"}


class Licence(NamedTuple):
    """A licence, and what it allows."""

    name: str
    """Such as ``CC-BY-3.0``; empty if not known."""
    licence_class: str
    """``permissive``, ``sharealike``, ``nc`` or ``other``; empty if there is no licence at all."""


def licence_of(address: str) -> Licence:
    """What the address of a licence says; an address that is unknown is its own name and of the class ``other``.

    CC0 and CC-BY are permissive, CC-BY-NC is nc; Sampling+, which allows no copy of the whole for gain, and everything
    with NC or ND beside other terms is other.
    """
    address = address.strip()
    if not address:
        return Licence("", "")
    match = _ADDRESS.search(address)
    if match is None:
        return Licence(address, "other")
    if match["zero"]:
        return Licence(f"CC0-{match['zero']}", "permissive")
    terms = match["terms"].lower()
    name = "-".join(["CC", *(part.upper() for part in terms.split("-"))])
    return Licence(f"{name.replace('SAMPLING', 'Sampling')}-{match['version']}", _CLASSES.get(terms, "other"))
