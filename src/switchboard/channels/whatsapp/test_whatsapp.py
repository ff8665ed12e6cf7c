"""WhatsApp under the contract, and its oddities."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from switchboard.channels.api import Outcome, RawRequest, Reauthorise, Refused, Retry, Source
from switchboard.channels.contract import Answer, ChannelContract


def graph_error(code: int, status: int = 400, message: str = "The request failed", **more: Any) -> Answer:
    """An error as Graph words it."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3", **more}
    return Answer(status=status, json={"error": error})


class TestWhatsApp(ChannelContract):
    kind = "whatsapp"
    config: ClassVar[Mapping[str, Any]] = {
        "waba_id": "102290129340398",
        "access_token": "EAAG-token-of-the-tests",
        "app_secret": "app-secret-of-the-tests",
        "verify_token": "verify-token-of-the-tests",
    }
    rotated: ClassVar[Mapping[str, Any]] = {"app_secret": "app-secret-after-rotation"}
    items = (
        "entry.*.changes.*.value.messages.*",
        "entry.*.changes.*.value.statuses.*",
        "entry.*.changes.*.value.message_echoes.*",
    )
    answer = Answer(
        json={
            "messaging_product": "whatsapp",
            "contacts": [{"input": "491701234567", "wa_id": "491701234567"}],
            "messages": [{"id": "wamid.SENT1", "message_status": "accepted"}],
        }
    )
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": graph_error(131016, 503),
        "slow_down": Answer(
            status=429,
            headers={"retry-after": "7"},
            json={"error": {"code": 130429, "message": "Rate limit hit"}},
        ),
        "bad_request": graph_error(131009),
        "unauthorised": graph_error(190, 401, "Malformed access token"),
    }
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = [
        *((graph_error(code), Retry) for code in (1, 2, 4, 80007, 130429, 131056)),
        *((graph_error(code, 500), Retry) for code in (131000, 131057)),
        *((graph_error(code, 503), Retry) for code in (131016, 133004)),
        *((graph_error(code, 401), Reauthorise) for code in (0, 190)),
        *((graph_error(code, 403), Reauthorise) for code in (10, 200, 299, 368, 131005, 131031)),
        (graph_error(3, 500), Reauthorise),
        *((graph_error(code), Reauthorise) for code in (33, 131037, 131042, 133010)),
        *((graph_error(code), Refused) for code in (100, 131008, 131009, 131021, 131026, 131047, 131051)),
        *(
            (graph_error(code), Refused)
            for code in (131049, 131052, 131053, 130472, 132000, 132012, 132015, 132016)
        ),
        (graph_error(132001, 404), Refused),
        (graph_error(131048), Refused),
        (Answer(status=502, text="<html>Bad Gateway</html>"), Retry),
        (Answer(status=429, text="slow down"), Retry),
        (Answer(status=401, text="who are you"), Reauthorise),
        (Answer(status=403, text="no"), Reauthorise),
        (Answer(status=404, text="where"), Refused),
        (Answer(status=400, json={"error": {"code": "many", "message": 7}}), Refused),
        (Answer(status=400, json=[1]), Refused),
    ]
    challenge: ClassVar[Mapping[str, str]] = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": "verify-token-of-the-tests",
    }
    challenge_answer = b"1158201444"
    media = Source(ref="1908647269898587")
    samples = ("webhook/*.json",)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        mac = hmac.new(config["app_secret"].encode(), request.body, hashlib.sha256)
        return {"x-hub-signature-256": "sha256=" + mac.hexdigest()}
