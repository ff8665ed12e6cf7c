"""What an SMSC delivers, as facts.

Raw bodies are JSON that the session writes: one item for each message, whole, so that it can be read again later.
"""

import base64
import binascii
import hashlib
from itertools import groupby
from typing import Any

import msgspec

from switchboard.channels.api import (
    BadPayload,
    Inbound,
    MessageReceived,
    Part,
    ReceiptReceived,
    Text,
    Unreadable,
    Unsupported,
    decode,
)
from switchboard.channels.families import sms
from switchboard.channels.sms_smpp import alphabet, pdu, receipts
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.userdata import UserData, user_data

_MESSAGE_TYPE = 0x3C
_NAME = 5
"""Type of number: alphanumeric."""


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as it arrived: all its PDUs (base64) in the order of its parts.

    `key` was given at arrival, because SMPP has no ids for what customers send. `of` is the id under which a long message of
    ours is known, when this is the receipt that settles it.
    """

    key: str
    pdus: list[str]
    of: str = ""


def raw_of(items: list[Item]) -> bytes:
    """Return the raw body that keeps some items."""
    return msgspec.json.encode({"deliveries": items})


def text_of(octets: bytes) -> str:
    """Return a PDU as an item keeps it."""
    return base64.b64encode(octets).decode("ascii")


def octets_of(text: str) -> bytes:
    """Return a kept PDU; raises ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise pdu.Malformed("not base64") from None


def facts_of(body: bytes, config: SmppConfig) -> list[Inbound]:
    """Return the facts of a raw body, one each item; raises BadPayload for what isn't the session's own writing."""
    envelope = decode(body)
    if not isinstance(envelope, dict) or not isinstance(envelope.get("deliveries"), list):
        raise BadPayload("the body has no list of deliveries")
    found: dict[str, Inbound] = {}
    for given in envelope["deliveries"]:
        fact = _fact(given, config)
        found.setdefault(fact.dedupe_key, fact)
    return list(found.values())


def account_of(address: pdu.Address, config: SmppConfig) -> str:
    """Return which of our numbers a message went to, however the SMSC writes it: with or without country code."""
    digits = _digits(address.number)
    ours = config.accounts()
    for account in ours:
        if address.number == account or (digits and digits == _digits(account)):
            return account
    national = digits.removeprefix("0")
    tails = [account for account in ours if len(national) >= sms.SHORTEST and account.endswith(national)]
    return tails[0] if len(tails) == 1 else address.number or (ours[0] if len(ours) == 1 else "?")


def _digits(text: str) -> str:
    return text.removeprefix("+").removeprefix("00") if text.removeprefix("+").isdigit() else ""


def _fact(given: Any, config: SmppConfig) -> Inbound:
    try:
        item = msgspec.convert(given, Item)
        pdus = [pdu.unpack(octets_of(text)) for text in item.pdus]
        messages = [pdu.message_of(one) for one in pdus]
        if not item.key or not messages:
            raise pdu.Malformed("an item without key or PDU")
    except (msgspec.ValidationError, ValueError) as error:
        words = repr(given)
        return Unreadable(
            account=config.accounts()[0],
            dedupe_key=f"hash:{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()}",
            reason=f"a PDU that can't be read: {error}"[:300],
            body=words[:2000],
        )
    first = messages[0]
    if receipts.is_receipt(first):
        return _receipt(item, first, config)
    return _message(item, messages, config)


def _receipt(item: Item, message: pdu.Message, config: SmppConfig) -> Inbound:
    account = account_of(message.destination, config)
    receipt = receipts.receipt_of(message, config.receipt_ids)
    if receipt is None:
        return Unreadable(
            account=account,
            dedupe_key=f"receipt:{item.key}",
            reason="a receipt that names no message",
            body=alphabet.read(message.octets, "latin-1")[:2000],
        )
    about = item.of or receipt.id
    return ReceiptReceived(
        account=account,
        dedupe_key=f"receipt:{about}:{receipt.status}",
        external_id=about,
        status=receipt.status,
        key=_person(message, config),
        code=(receipt.code or receipt.state) if receipt.status == "failed" else "",
        error=receipt.words,
    )


def _person(message: pdu.Message, config: SmppConfig) -> str:
    return sms.sender(_written(message.source), config.country_code).claims[0].value


def _written(address: pdu.Address) -> str:
    """Return a number with `+` where its type says that it is international."""
    plain = address.ton == 1 and address.number[:1].isdigit() and not address.number.startswith("00")
    return f"+{address.number}" if plain else address.number


def _message(item: Item, messages: list[pdu.Message], config: SmppConfig) -> MessageReceived:
    first = messages[0]
    source = _written(first.source)
    named = first.source.ton == _NAME
    sender = sms.unnumbered(source) if named else sms.sender(source, config.country_code)
    return MessageReceived(
        account=account_of(first.destination, config),
        dedupe_key=f"message:{item.key}",
        external_id=item.key,
        sender=sender,
        address=sender.claims[0].value,
        parts=_parts(messages, config.default_alphabet),
    )


def _parts(messages: list[pdu.Message], default: str) -> list[Part]:
    """Return what was said; neighbouring parts of one coding are joined before they are read.

    A character may be cut in two between parts.
    """
    kind = messages[0].esm_class & _MESSAGE_TYPE
    if kind:
        said = alphabet.read(messages[0].octets, "latin-1")
        return [Unsupported(f"SMPP message type 0x{kind:02X}", said[:500])]
    told = [(user_data(one), alphabet.coding_of(one.data_coding, default)) for one in messages]
    total = max((data.place.total for data, _ in told if data.place is not None), default=1)
    if total == 1 or len(told) > total:
        return [_piece([data.octets for data, _ in told], told[0][1], told[0][0].ports)]
    by_number = {data.place.number: (data, coding) for data, coding in told if data.place is not None}
    parts: list[Part] = []
    places = [by_number.get(number) for number in range(1, total + 1)]
    for alike, group in groupby(places, _alike):
        if alike is None:
            parts.append(Unsupported("sms_part_missing", f"{len(list(group))} of {total}"))
        else:
            parts.append(_piece([one[0].octets for one in group if one is not None], *alike))
    return parts


def _alike(place: tuple[UserData, str] | None) -> tuple[str, bool] | None:
    return None if place is None else (place[1], place[0].ports)


def _piece(octets: list[bytes], coding: str, ports: bool) -> Part:
    whole = b"".join(octets)
    if coding == alphabet.BINARY or ports:
        return Unsupported("sms_binary", f"{len(whole)} bytes: {whole[:64].hex(' ')}")
    return Text(alphabet.read(whole, coding))
