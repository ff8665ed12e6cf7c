"""What belongs to a Twilio account: who may call, its numbers, its messaging service, its kept messages."""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from switchboard.sandbox.sms.twilio_errors import TwilioError
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Request
from switchboard.sandbox.world import World

Json = dict[str, Any]
Fields = dict[str, list[str]]
VERSION = "2010-04-01"
MESSAGES_KEPT = 2_000
E164 = re.compile(r"\+?[1-9]\d{6,14}")
STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
START = {"START", "YES", "UNSTOP"}
HELP = {"HELP", "INFO"}


def fields(request: Request) -> Fields:
    """Return the form's fields; some (MediaUrl) come several times."""
    found: Fields = {}
    for name, value in parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def one(form: Fields, name: str) -> str:
    """Return a field's last value, empty without one."""
    return form.get(name, [""])[-1].strip()


def signature(token: str, url: str, form: dict[str, str]) -> str:
    """Return X-Twilio-Signature: base64 of HMAC-SHA1 over the address and the sorted fields, names and values joined."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def encoded(form: dict[str, str]) -> bytes:
    """Return a form's body."""
    return urlencode(form).encode()


def rfc2822(at: float) -> str:
    """Return a time as the API writes it."""
    return format_datetime(datetime.fromtimestamp(at, UTC))


def normal(number: str) -> str:
    """Return a number in E.164; TwilioError 21211 when it is none."""
    bare = re.sub(r"[\s().-]", "", number)
    if not E164.fullmatch(bare):
        raise TwilioError(21211, number)
    return "+" + bare.lstrip("+")


def authorised(world: World, request: Request, name: str) -> PlatformAccount:
    """Return the account whose credentials came: its SID and auth token, or an API key and its secret."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise TwilioError(20003) from None
    for account in world.state.accounts.values():
        if account.platform != name or kind.lower() != "basic":
            continue
        keys = {
            account.id: account.settings["auth_token"],
            account.settings["api_key"]: account.settings["api_secret"],
        }
        if user in keys and hmac.compare_digest(str(keys[user]).encode(), password.encode()):
            return account
    raise TwilioError(20003)


def number_sid(account: PlatformAccount, number: str) -> str:
    """Return the SID of a number."""
    return "PN" + hashlib.sha256(f"{account.id}{number}".encode()).hexdigest()[:32]


def numbers(account: PlatformAccount) -> dict[str, Json]:
    """Return the account's numbers with their webhook addresses, by E.164."""
    kept: dict[str, Json] = account.kept.setdefault("numbers", {})
    for number in account.settings["numbers"]:
        kept.setdefault(number, {"sms_url": "", "sms_fallback_url": "", "status_callback": ""})
    return {number: kept[number] for number in account.settings["numbers"]}


def number_json(account: PlatformAccount, number: str) -> Json:
    """Return a number as IncomingPhoneNumbers shows it."""
    kept, sid = numbers(account)[number], number_sid(account, number)
    return {
        "sid": sid,
        "account_sid": account.id,
        "phone_number": number,
        "friendly_name": account.name,
        "api_version": VERSION,
        "capabilities": {"voice": False, "sms": True, "mms": True, "fax": False},
        "sms_url": kept["sms_url"] or account.webhook_url,
        "sms_method": "POST",
        "sms_fallback_url": kept["sms_fallback_url"],
        "sms_fallback_method": "POST",
        "status_callback": kept["status_callback"],
        "beta": False,
        "origin": "twilio",
        "status": "in-use",
        "uri": f"/{VERSION}/Accounts/{account.id}/IncomingPhoneNumbers/{sid}.json",
    }


def messaging_service(account: PlatformAccount) -> Json:
    """Return the messaging service, which holds all numbers."""
    made: Json = account.kept.setdefault(
        "service",
        {
            "sid": account.settings["messaging_service_sid"],
            "account_sid": account.id,
            "friendly_name": account.name,
            "inbound_request_url": None,
            "inbound_method": "POST",
            "fallback_url": None,
            "status_callback": None,
            "use_inbound_webhook_on_number": True,
        },
    )
    return made


def inbound_address(account: PlatformAccount, number: str) -> str:
    """Return where messages to a number go."""
    held = messaging_service(account)
    if held["inbound_request_url"] and not held["use_inbound_webhook_on_number"]:
        return str(held["inbound_request_url"])
    return str(numbers(account)[number]["sms_url"] or account.webhook_url)


def messages(account: PlatformAccount) -> dict[str, Json]:
    """Return the kept messages by SID."""
    kept: dict[str, Json] = account.kept.setdefault("messages", {})
    while len(kept) > MESSAGES_KEPT:
        del kept[next(iter(kept))]
    return kept


def opted_out(account: PlatformAccount) -> list[str]:
    """Return the numbers of people who wrote STOP. Lists are what the state file keeps."""
    kept: list[str] = account.kept.setdefault("opted_out", [])
    return kept
