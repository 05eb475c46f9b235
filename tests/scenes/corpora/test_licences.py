"""Addresses of licences, as data sets give them."""

import pytest

from salm.scenes.corpora.licences import licence_of


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://creativecommons.org/publicdomain/zero/1.0/", ("CC0-1.0", "permissive")),
        ("http://creativecommons.org/licenses/by/3.0/", ("CC-BY-3.0", "permissive")),
        ("https://creativecommons.org/licenses/by/4.0", ("CC-BY-4.0", "permissive")),
        ("http://creativecommons.org/licenses/by-nc/3.0/", ("CC-BY-NC-3.0", "nc")),
        ("http://creativecommons.org/licenses/by-sa/3.0/", ("CC-BY-SA-3.0", "sharealike")),
        ("http://creativecommons.org/licenses/sampling+/1.0/", ("CC-Sampling+-1.0", "other")),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", ("CC-BY-NC-ND-4.0", "other")),
        ("http://example.org/mine", ("http://example.org/mine", "other")),
        (" ", ("", "")),
    ],
)
def test_an_address_is_a_name_and_a_class(address: str, expected: tuple[str, str]) -> None:
    assert licence_of(address) == expected
