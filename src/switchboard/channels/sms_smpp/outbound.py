"""An outgoing message as the short messages that carry it. Pure."""

from switchboard.channels.api import Outbound, Refused
from switchboard.channels.families import sms
from switchboard.channels.sms_smpp import pdu
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.channels.sms_smpp.segments import segments

RECEIPT_WANTED = 1
MOST_PARTS = 255
_SHORT_CODE = 6


def messages_of(message: Outbound, config: SmppConfig) -> list[pdu.Message]:
    """Return the submit_sm of a message, one or several; raises Refused for what can't be sent."""
    destination = _destination(message, config)
    source = _source(message.account, config)
    text = "\n".join(sms.words(part) for part in message.parts)
    found = segments(text, message.idempotency_key, config.long_messages, config.default_alphabet)
    if len(found) > MOST_PARTS:
        raise Refused("The text is too long for a short message.", code="too_long")
    return [
        pdu.Message(
            source=source,
            destination=destination,
            service_type=config.service_type,
            esm_class=one.esm_class,
            registered_delivery=RECEIPT_WANTED,
            data_coding=one.data_coding,
            short_message=one.octets,
            options=one.options,
        )
        for one in found
    ]


def _destination(message: Outbound, config: SmppConfig) -> pdu.Address:
    if message.to.isascii() and message.to.isdigit() and len(message.to) < sms.SHORTEST:
        return pdu.Address(message.to, 3, 0)
    number = sms.recipient(message).removeprefix("+")
    return pdu.Address(number, max(0, config.destination_ton), max(0, config.destination_npi))


def _source(account: str, config: SmppConfig) -> pdu.Address:
    """Return our own address: international number, short code (network specific) or name (alphanumeric)."""
    if account.startswith("+"):
        ton, npi = 1, 1
    elif account.isdigit():
        ton, npi = (3, 0) if len(account) <= _SHORT_CODE else (0, 1)
    else:
        ton, npi = 5, 0
    chosen = config.source_ton, config.source_npi
    return pdu.Address(
        account.removeprefix("+"),
        chosen[0] if chosen[0] >= 0 else ton,
        chosen[1] if chosen[1] >= 0 else npi,
    )
