"""Addresses are compared as servers compare them; a refused one is never repeated in a message."""

from __future__ import annotations

import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from publisher.audience.address import AddressError, check_address, read_address


def test_case_counts_before_the_at_and_not_after() -> None:
    one, two, three = map(read_address, ["Ann@Example.COM", "Ann@example.com", "ann@example.com"])
    assert one.address == "Ann@Example.COM"  # as given
    assert one.address_key == two.address_key == "Ann@example.com"
    assert three.address_key != one.address_key
    assert one.mailbox_key == two.mailbox_key == three.mailbox_key == "ann@example.com"


def test_an_internationalised_domain_is_kept_as_given_and_known_by_its_a_labels() -> None:
    address = read_address(" ann@Bücher.example ")
    assert (address.address, address.address_key) == ("ann@Bücher.example", "ann@xn--bcher-kva.example")
    assert read_address("ann@XN--BCHER-KVA.example").address_key == address.address_key
    assert read_address("x@例子.中国").address_key == "x@xn--fsqu00a.xn--fiqs8s"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("ann", "no @"),
        ("@example.com", "before the @"),
        ("ann@", "after the @"),
        ("李@example.com", "outside ASCII"),
        ("Ann <ann@example.com>", "without a name"),
        ("ann lee@example.com", "space"),
        ("ann..lee@example.com", "before the @ is not valid"),
        ("ann@example", "after the @ is not valid"),
        ("ann@ex_ample.com", "after the @"),
        ("ann@example.com.", "after the @"),
        ("ann@example..com", "after the @"),
        ("ann@example.com\u200b", "invisible U+200B"),
        ("\u2060ann@example.com", "invisible U+2060"),
        ("mailto:ann@example.com", "mailto:"),
        ("ann@localhost.local", "reserved"),
        ("a" * 65 + "@example.com", "too long"),
        ("ann@" + "a" * 64 + ".com", "after the @"),
        ('"ann"@example.com', "not valid"),
        ("ann@[127.0.0.1]", "not valid"),
        ("ann@example.com\r\nBcc: x@y.org", "space"),
    ],
)
def test_what_is_wrong_is_said_without_the_address(text: str, reason: str) -> None:
    with pytest.raises(AddressError) as caught:
        read_address(text)
    assert reason in str(caught.value)
    assert not text or text not in str(caught.value)
    assert "example" not in str(caught.value)


PARTS = st.text("aA0._+-'", min_size=1, max_size=12)
DOMAINS = st.lists(st.text("aAx0-", min_size=1, max_size=8), min_size=1, max_size=3).map(".".join)
TAILS = st.sampled_from([".com", ".Org", ".test", ".local", ".c", ".123", ".x-n", ""])


@given(st.builds(lambda local, domain, tail: f"{local}@{domain}{tail}", PARTS, DOMAINS, TAILS))
def test_the_fast_path_agrees_with_the_library(text: str) -> None:
    try:
        wanted = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        ).ascii_email
    except EmailNotValidError:
        with pytest.raises(AddressError):
            read_address(text)
    else:
        assert read_address(text).address_key == wanted


@given(st.text(max_size=30) | st.text(max_size=20).map(lambda text: text + "@example.com"))
def test_any_text_is_an_address_or_an_address_error(text: str) -> None:
    try:
        address = read_address(text)
    except AddressError as error:
        with pytest.raises(AddressError, match=f"^{re.escape(str(error))}$"):
            check_address(text)
        return
    check_address(text)
    assert address.address_key.isascii()
