"""Whether a person wrote an e-mail, by what its head says; it is looked at once, when it arrives.

Sources: RFC 3834 (Auto-Submitted, empty return path), RFC 3464 and 6522 (delivery reports), RFC 2369 and 2919
(mailing lists), and what servers set beside the standards (Precedence, X-Autoreply, X-Auto-Response-Suppress, …).

>>> written_by({"Auto-Submitted": "auto-replied (vacation)"})
'automatic'
>>> written_by({"Subject": "A question", "Auto-Submitted": "no"})
'person'
"""

from collections.abc import Mapping

from .answers import AUTOMATIC, PERSON

#: headers that only machines set, whatever their value
_MACHINES = (
    "list-id", "list-unsubscribe", "feedback-id", "x-autoreply", "x-autorespond", "x-autoresponder",
    "x-failed-recipients", "x-mailer-daemon", "x-ms-exchange-inbox-rules-loop",
)  # fmt: skip
_PRECEDENCES = {"bulk", "junk", "list", "auto_reply", "auto-reply"}


def written_by(headers: Mapping) -> str:
    """:data:`~lib.answers.PERSON` or :data:`~lib.answers.AUTOMATIC`.

    :param headers: of the message; names in any case, the last of several counts
    """
    head = {str(name).lower(): str(value or "").strip().lower() for name, value in headers.items()}
    if head.get("auto-submitted", "no").split(";")[0].split("(")[0].strip() not in ("no", ""):
        return AUTOMATIC
    if head.get("precedence", "") in _PRECEDENCES or any(name in head for name in _MACHINES):
        return AUTOMATIC
    if head.get("content-type", "").startswith(("multipart/report", "message/delivery-status")):
        return AUTOMATIC
    # what came without a sender is not to be answered
    if head.get("return-path", "-") == "<>":
        return AUTOMATIC
    # Exchange's own out-of-office answers: people's mail asks at most for no delivery receipts
    if "oof" in head.get("x-auto-response-suppress", "") or head.get("x-auto-response-suppress") == "all":
        return AUTOMATIC
    return PERSON
