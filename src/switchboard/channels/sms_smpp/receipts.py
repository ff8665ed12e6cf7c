"""Delivery receipts: the text of Appendix B, the TLVs beside it, and what they mean to a message of ours."""

import re
from typing import Literal

import msgspec

from switchboard.channels.sms_smpp.pdu import (
    MESSAGE_STATE,
    NETWORK_ERROR_CODE,
    RECEIPTED_MESSAGE_ID,
    Message,
)

Ids = Literal["same", "decimal", "hex"]

_TYPE = 0x3C
_RECEIPT, _INTERMEDIATE = 0x04, 0x20
_FIELD = re.compile(r"\b(id|stat|err):\s*(\S+)", re.IGNORECASE)
_STATES = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}
_MEANING = {
    "DELIVRD": "delivered",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "REJECTD": "failed",
    "SKIPPED": "failed",
}
_WORDS = {
    "EXPIRED": "The phone could not be reached before the message expired.",
    "DELETED": "The message was deleted at the SMSC.",
    "UNDELIV": "The message could not be delivered to the phone.",
    "REJECTD": "The network rejected the message.",
    "SKIPPED": "The network skipped the message.",
}


class Receipt(msgspec.Struct, frozen=True):
    """How far one short message got: `status` is sent, delivered or failed; `state` is the SMSC's word for it."""

    id: str
    status: str
    state: str
    code: str = ""

    @property
    def words(self) -> str:
        """What to tell a person about a failure."""
        return _WORDS.get(self.state, "") if self.status == "failed" else ""


def is_receipt(message: Message) -> bool:
    """Tell whether a PDU speaks of a message of ours.

    Only the PDU's own marks count: a customer may well write a text that looks like a receipt.
    """
    return (
        message.esm_class & _TYPE in (_RECEIPT, _INTERMEDIATE)
        or RECEIPTED_MESSAGE_ID in message.options
        or MESSAGE_STATE in message.options
    )


def receipt_of(message: Message, ids: Ids) -> Receipt | None:
    """Return what a receipt says; None when it names no message. `ids` is how receipts write what submit_sm_resp said.

    Receipts are plain ASCII whatever their data_coding says (Appendix B).
    """
    told = {found[1].lower(): found[2] for found in _FIELD.finditer(message.octets.decode("latin-1"))}
    by_option = message.options.get(RECEIPTED_MESSAGE_ID, b"").partition(b"\x00")[0].decode("latin-1").strip()
    identifier = by_option or told.get("id", "")
    if not identifier:
        return None
    state = _STATES.get(message.options.get(MESSAGE_STATE, b"\xff")[:1].ljust(1, b"\xff")[0], "")
    if not state:
        state = told.get("stat", "").upper()[:7]
    return Receipt(
        canonical(identifier, ids, ours=False), _MEANING.get(state, "sent"), state, _code(message, told)
    )


def canonical(identifier: str, ids: Ids, *, ours: bool) -> str:
    """Return a message id as we keep it, so that submit_sm_resp (`ours`) and receipts agree.

    `ids` says that receipts write as decimal what submit_sm_resp wrote as hex, or the other way round; then all ids
    are kept as decimal numbers.
    """
    if ids == "same":
        return identifier
    radix = 16 if (ids == "decimal") == ours else 10
    try:
        return str(int(identifier[:64], radix))
    except ValueError:
        return identifier


def _code(message: Message, told: dict[str, str]) -> str:
    code = told.get("err", "")
    network = message.options.get(NETWORK_ERROR_CODE, b"")
    if (not code or not code.strip("0")) and len(network) == 3:
        code = str(int.from_bytes(network[1:], "big"))
    return code if code.strip("0") else ""
