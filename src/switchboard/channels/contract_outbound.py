"""Contract tests of what goes out: golden sends, and every way in which a platform can say no."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from typing import Any

import msgspec

from switchboard.channels.api import (
    BadSignature,
    Challenges,
    FetchesMedia,
    InDoubt,
    Outcome,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
)
from switchboard.channels.contract_case import HOOK_URL, RECEIVED_AT, REWRITE, Case
from switchboard.channels.contract_io import Answer, Golden, ScriptedIo
from switchboard.core.parts import kind_of

SITUATIONS: Mapping[str, tuple[Answer, type[Outcome]]] = {
    "unavailable": (Answer(status=503, text="<html>Service Unavailable</html>"), Retry),
    "slow_down": (Answer(status=429, headers={"retry-after": "7"}, json={}), Retry),
    "bad_request": (Answer(status=400, json={}), Refused),
    "unauthorised": (Answer(status=401, json={}), Reauthorise),
    "silence": (Answer(fails="timeout"), InDoubt),
    "no_connection": (Answer(fails="connect"), Retry),
}


class OutboundTests(Case):
    """What is claimed is sent exactly so, and every failure is sorted into the outcome that delivery acts
    upon.
    """

    def test_golden_sends_are_sent_exactly_so(self) -> None:
        """`sends/<what it shows>.json`: you write `message`, the suite writes `requests` and `sent`; review
        them.
        """
        written = []
        for path, golden in self.goldens():
            sent, requests = asyncio.run(
                self.deliver(golden.message, golden.answers or [self.answer], golden.files)
            )
            assert sent.status in {"sent", "delivered"}, f"{path.name}: Sent.status is sent or delivered"
            assert requests or self.wire == "none", f"{path.name}: nothing was sent"
            got = msgspec.structs.replace(golden, requests=requests, sent=sent)
            if REWRITE or golden.requests is None:
                path.write_bytes(msgspec.json.format(msgspec.json.encode(got), indent=2) + b"\n")
                written.append(path.name)
                continue
            want = msgspec.json.decode(msgspec.json.encode(golden))
            assert msgspec.json.decode(msgspec.json.encode(got)) == want, (
                f"{path.name} differs (SWITCHBOARD_REWRITE=1 writes it anew)"
            )
        assert REWRITE or not written, f"written, now read them with care and run again: {', '.join(written)}"

    def test_the_manifest_claims_what_the_golden_sends_show(self) -> None:
        """Every outgoing capability has a golden send; nothing unclaimed is sent."""
        shown = {kind_of(part) for _, golden in self.goldens() for part in golden.message.parts}
        if any(len(golden.message.parts) > 1 for _, golden in self.goldens()):
            shown.add("multipart")
        sends = self.manifest.sends
        claims = {name for name in sends.__struct_fields__ if getattr(sends, name) not in (None, False)}
        assert not claims - shown, f"sends/ shows none of {sorted(claims - shown)}, which the manifest claims"
        assert not shown - claims, f"manifest.toml: add to sends: {sorted(shown - claims)}"

    def test_a_send_is_the_same_each_time(self) -> None:
        """The idempotency key travels where the platform takes one; a repeated send must not differ."""
        for path, golden in self.goldens():
            if self.wire != "http":
                return
            first = asyncio.run(self.deliver(golden.message, golden.answers or [self.answer], golden.files))
            again = asyncio.run(self.deliver(golden.message, golden.answers or [self.answer], golden.files))
            assert first == again, f"{path.name}: the second request differs from the first"

    def test_failures_become_the_outcomes_that_delivery_acts_upon(self) -> None:
        """5xx and 429 are tried again, 400 is refused, 401 turns the channel red, silence is doubt; no secret
        in any text.
        """
        if self.wire == "none":
            return
        message = self._text()
        unknown = set(self.situations) - set(SITUATIONS)
        assert not unknown, f"situations: {sorted(unknown)} are not among {sorted(SITUATIONS)}"
        for name, (usual, outcome) in SITUATIONS.items():
            answer = self.situations.get(name, usual)
            error = self._fails(
                self.deliver(message.message, [answer.quoting(self.secrets())], message.files), outcome, name
            )
            if name == "slow_down" and isinstance(error, Retry):
                assert error.after == 7, (
                    f"slow_down: the platform said 7 seconds, Retry.after is {error.after}"
                )

    def test_error_answers_become_their_outcomes(self) -> None:
        """The platform's own codes, as `errors` lists them."""
        message = self._text()
        for answer, outcome in self.errors:
            what = f"{answer.status} {answer.json or answer.text}"
            self._fails(
                self.deliver(message.message, [answer.quoting(self.secrets())], message.files),
                outcome,
                what[:200],
            )

    def test_wrong_credentials_are_told_when_probed(self) -> None:
        """The administrator's form shows this sentence."""
        if self.wire != "http":
            return
        answer = self.situations.get("unauthorised", SITUATIONS["unauthorised"][0]).quoting(self.secrets())
        self._fails(self.channel(ScriptedIo([answer])).probe(), (Reauthorise, Refused), "probe")

    def test_media_that_cannot_be_fetched_is_told_apart(self) -> None:
        """A fault that passes is tried again, wrong credentials turn the channel red, what is gone is
        refused.
        """
        if "fetch_media" not in self.manifest.does or self.wire != "http":
            return
        assert self.media is not None, "media = Source(…): a reference as the platform gives it"
        account = self._text().message.account
        missing = Answer(status=404, json=self.situations.get("bad_request", Answer(json={})).json)
        wanted: list[tuple[str, Answer, type[Outcome]]] = [("gone", missing, Refused)]
        for name in ("unavailable", "unauthorised", "no_connection"):
            usual, outcome = SITUATIONS[name]
            wanted.append((name, self.situations.get(name, usual), outcome))
        for name, answer, outcome in wanted:
            channel = self.channel(ScriptedIo([answer.quoting(self.secrets())]))
            assert isinstance(channel, FetchesMedia)
            self._fails(channel.fetch_media(account, self.media), outcome, f"fetch_media, {name}")

    def test_the_challenge_is_answered_only_to_the_platform(self) -> None:
        """Right query: its answer. Anything else: refused, and the challenge is not repeated."""
        if "challenge" not in self.manifest.does:
            return
        assert self.challenge, "challenge = {…}: the query of the platform's verification request"
        channel = self.channel()
        assert isinstance(channel, Challenges)
        reply = channel.challenge(_get(self.challenge))
        assert (reply.status, reply.body) == (200, self.challenge_answer), f"the right challenge got {reply}"
        for query in _wrong(self.challenge, set(self.secrets())):
            try:
                answer = channel.challenge(_get(query))
            except BadSignature:
                continue
            except Exception as error:
                raise AssertionError(f"challenge {query}: raised {error!r}") from error
            assert answer.status >= 400, f"challenge {query}: answered {answer}"

    # -- inside ------------------------------------------------------------------------------------------

    def _text(self) -> Golden:
        for _, golden in self.goldens():
            if [kind_of(part) for part in golden.message.parts] == ["text"] and len(golden.answers) <= 1:
                return golden
        raise AssertionError("sends/ needs one golden send of a single text with a single answer")

    def _fails(
        self, attempt: Awaitable[Any], outcome: type[Outcome] | tuple[type[Outcome], ...], what: str
    ) -> Outcome:
        try:
            result = asyncio.run(_result(attempt))
        except Outcome as failure:
            error = failure
        except Exception as failure:
            raise AssertionError(f"{what}: raised {failure!r}, wanted {outcome}") from failure
        else:
            raise AssertionError(f"{what}: gave {result!r}, wanted {outcome}")
        assert isinstance(error, outcome), f"{what}: became {error!r}, wanted {outcome}"
        assert str(error).strip(), f"{what}: an outcome without words"
        for text in _texts(error):
            assert not any(secret in text for secret in self.secrets()), (
                f"{what}: a secret shows, use redact: {text}"
            )
        return error


async def _result(attempt: Awaitable[Any]) -> Any:
    return await attempt


def _texts(error: BaseException) -> Iterator[str]:
    seen: BaseException | None = error
    while seen is not None:
        yield from (str(seen), repr(seen), str(getattr(seen, "code", "")))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _get(query: Mapping[str, str]) -> RawRequest:
    return RawRequest("GET", HOOK_URL, dict(query), {}, b"", RECEIVED_AT)


def _wrong(query: Mapping[str, str], secrets: set[str]) -> Iterator[dict[str, str]]:
    yield {}
    for name, value in query.items():
        yield {other: text for other, text in query.items() if other != name}
        if value in secrets:
            for bad in ("", value[:-1], value + "x", value.upper(), "é"):
                if bad != value:
                    yield {**query, name: bad}
