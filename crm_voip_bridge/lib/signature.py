"""How a batch proves where it comes from: HMAC-SHA256 over time stamp, key and body."""

import hashlib
import hmac

KEY_HEADER = "X-Voip-Key"
TIME_HEADER = "X-Voip-Timestamp"
SIGNATURE_HEADER = "X-Voip-Signature"
#: with a file as the body: what is said about it, which is then what is signed
ABOUT_HEADER = "X-Voip-About"

#: seconds that the sender's clock and ours may differ
TOLERANCE = 300


class BadSignature(ValueError):
    """The request is not signed as it should be; the text is for our log, not for the sender."""


def sign(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """The value of ``X-Voip-Signature``.

    :param secret: shown once in Odoo when the key was made
    :param key: the public name of the key, as sent in ``X-Voip-Key``
    :param timestamp: seconds since 1970, as sent in ``X-Voip-Timestamp``
    :param body: the exact bytes that are sent
    """
    message = b"%d.%s.%s" % (timestamp, key.encode(), body)
    return "v1=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def headers(secret: str, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed request."""
    return {
        KEY_HEADER: key,
        TIME_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign(secret, key, timestamp, body),
    }


def verify(secrets, key: str, timestamp: str, signature: str, body: bytes, now: float) -> None:
    """Check a request in constant time.

    :param secrets: those that are valid now; more than one while a key is being rotated
    :param now: seconds since 1970 by the receiver's clock
    :raise BadSignature: no secret fits, or the time is too far off
    """
    try:
        moment = int(timestamp)
    except ValueError:
        raise BadSignature("the time stamp is no whole number") from None
    # every secret is tried, and the clock looked at last: nothing to learn from the time it takes
    good = False
    for secret in secrets:
        expected = sign(secret, key, moment, body)
        good |= hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    if not good:
        raise BadSignature("the signature does not fit")
    if abs(now - moment) > TOLERANCE:
        raise BadSignature(f"the clocks differ by {moment - now:+.0f} s")
