"""Links that were mailed work for as long as their key is kept, whatever signs and reads them here."""

from hashlib import sha256

import pytest
from itsdangerous import Signer, TimestampSigner

from publisher.audience.tokens import Purpose, TokenPayload, Tokens

NEW, OLD, BASE = "a key, long enough", "an older key, as long", "https://letters.example.com/"
REFERENCE, MAILING = "0123456789abcdef01234567", "0a1b2c3d"
MAILED = {
    Purpose.UNSUBSCRIBE: "Qtu6mKH2z0YV5BuvteVbp1wxRyOX0UMi_TmlF1mY9C4",
    Purpose.PREFERENCES: "-apSYq9jknjHypHLHBk2qPoPrOAJJ7FoSHLXUIp_O5o",
    Purpose.KEEP: "HjTs92h5v1WnXY2AJoIRS2emYu1WeLofLxk8AWX7UmA",
}


@pytest.mark.parametrize(("purpose", "signature"), MAILED.items())
def test_a_link_is_what_it_always_was_and_serves_one_purpose(purpose: Purpose, signature: str) -> None:
    token = f"{REFERENCE}~{MAILING}.{signature}"
    tokens = Tokens([NEW, OLD], BASE)

    assert tokens.url(purpose, REFERENCE, MAILING) == f"{BASE}{purpose.value}/{token}"
    assert Tokens(["a third key, newest", NEW], BASE).read(purpose, token) == TokenPayload(REFERENCE, MAILING, None)
    assert Tokens([OLD], BASE).read(purpose, token) is None
    assert [tokens.read(other, token) for other in Purpose if other is not purpose] == [None] * 3


@pytest.mark.parametrize("purpose", Purpose)
def test_itsdangerous_reads_what_is_signed_and_what_it_signs_is_read(purpose: Purpose) -> None:
    kind = TimestampSigner if purpose is Purpose.CONFIRM else Signer
    theirs = kind(NEW, f"publisher.{purpose.value}", key_derivation="hmac", digest_method=sha256)
    tokens = Tokens([NEW, OLD], BASE)

    assert theirs.unsign(tokens.sign(purpose, REFERENCE, MAILING)).decode() == f"{REFERENCE}~{MAILING}"
    payload = tokens.read(purpose, theirs.sign(REFERENCE).decode())
    assert payload is not None
    assert (payload.reference, payload.mailing) == (REFERENCE, None)
