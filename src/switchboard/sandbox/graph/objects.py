"""Everything but sending: files, templates, numbers, subscriptions, tokens."""

import hashlib
from typing import Any

from switchboard.sandbox.graph import hooks, templates
from switchboard.sandbox.graph.access import Access
from switchboard.sandbox.graph.errors import GraphError, no_such_object
from switchboard.sandbox.state import Media, WhatsAppNumber, digits
from switchboard.sandbox.web import Request, Response, json_response

Json = dict[str, Any]
UPLOAD_DAYS = 30
LINK_SECONDS = 300
SCOPES = ["whatsapp_business_management", "whatsapp_business_messaging"]
AUDIO = {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus"}
IMAGES = {"image/jpeg", "image/png"}
VIDEOS = {"video/mp4", "video/3gpp"}
MB = 1024 * 1024


class Objects(Access):
    """Handlers; each is given the request and the id in the path."""

    async def upload(self, request: Request, id: str) -> Response:  # noqa: A002
        """Take a file for 30 days."""
        number = self.number(request, id)
        fields, files = request.form()
        file = files.get("file")
        if fields.get("messaging_product") != "whatsapp":
            raise GraphError(100, "(#100) The parameter messaging_product is required.")
        if file is None:
            raise GraphError(100, "(#100) The parameter file is required.")
        kind = str(fields.get("type") or file.content_type).partition(";")[0].strip()
        limit = 5 * MB if kind in IMAGES else 500 * 1024 if kind == "image/webp" else 16 * MB
        if kind not in IMAGES | VIDEOS | AUDIO | {"image/webp"}:
            limit = 100 * MB
            if not kind.startswith(("application/", "text/")):
                raise GraphError(
                    100, f"(#100) Param file must be a supported type. Received file of type '{kind}'."
                )
        if len(file.content) > limit:
            raise GraphError(131053, f"the file is larger than {limit} bytes")
        now = self.world.clock.now()
        media = self.world.store.keep(
            account=number.id,
            name=file.name,
            content_type=kind,
            content=file.content,
            now=now,
            key=digits(15),
            expires_at=now + UPLOAD_DAYS * 86400,
        )
        return json_response({"id": media.key})

    def _hash(self, media: Media, until: int) -> str:
        return hashlib.sha256(f"{media.key}:{until}:{media.created_at}".encode()).hexdigest()[:32]

    async def download(self, request: Request, id: str) -> Response:  # noqa: A002
        """The bytes of a file; the link lives five minutes and needs the token."""
        media = self.media(request, id)
        until = request.query.get("ext", "0")
        if not until.isdigit() or request.query.get("hash") != self._hash(media, int(until)):
            raise no_such_object(id, request.method)
        if int(until) < self.world.clock.now():
            return json_response({"error": "URL signature expired"}, 404)
        return Response(media.content, content_type=media.content_type)

    async def templates(self, request: Request, id: str) -> Response:  # noqa: A002
        """Approved templates."""
        self.account(request, id)
        return json_response(templates.listed(request.query))

    async def phone_numbers(self, request: Request, id: str) -> Response:  # noqa: A002
        """Numbers of a business account."""
        return json_response({"data": [_facts(n) for n in self.account(request, id)]})

    async def subscribed_apps(self, request: Request, id: str) -> Response:  # noqa: A002
        """Subscribe (optionally with another callback address), list, unsubscribe."""
        numbers = [n for n in self.account(request, id) if n.waba_id == id]
        if request.method == "GET":
            app = {"id": numbers[0].app_id, "name": "Sandbox app", "link": "https://www.facebook.com/games/"}
            entry: Json = {"whatsapp_business_api_data": app}
            if numbers[0].override:
                entry["override_callback_uri"] = numbers[0].override
            return json_response({"data": [entry] if numbers[0].subscribed else []})
        fields = request.form()[0] if request.method == "POST" else {}
        if request.method == "POST" and fields.get("override_callback_uri"):
            await self._callback(
                numbers, fields["override_callback_uri"], str(fields.get("verify_token") or "")
            )
        for number in numbers:
            number.subscribed = request.method != "DELETE"
            number.override = str(fields.get("override_callback_uri") or "")
        return json_response({"success": True})

    async def subscriptions(self, request: Request, id: str) -> Response:  # noqa: A002
        """An app's callback address, set with the app's own token `app_id|app_secret`."""
        numbers = [n for n in self.world.state.numbers.values() if n.app_id == id]
        if not numbers or request.bearer not in {f"{id}|{numbers[0].app_secret}", numbers[0].token}:
            raise GraphError(190)
        fields, _ = request.form()
        await self._callback(
            numbers, str(fields.get("callback_url") or ""), str(fields.get("verify_token") or "")
        )
        return json_response({"success": True})

    async def _callback(self, numbers: list[WhatsAppNumber], url: str, verify_token: str) -> None:
        await hooks.verify(self.world, url, verify_token)
        for number in numbers:
            number.webhook_url, number.verify_token = url, verify_token

    async def register(self, request: Request, id: str) -> Response:  # noqa: A002
        """Numbers here are always registered."""
        self.number(request, id)
        return json_response({"success": True})

    async def profile(self, request: Request, id: str) -> Response:  # noqa: A002
        """The business profile."""
        number = self.number(request, id)
        profile = {"messaging_product": "whatsapp", "about": number.verified_name, "vertical": "RETAIL"}
        return json_response({"data": [profile]})

    async def app_token(self, request: Request) -> Response:
        """Client credentials into an app token."""
        app_id, secret = request.query.get("client_id", ""), request.query.get("client_secret", "")
        if not any(n.app_id == app_id and n.app_secret == secret for n in self.world.state.numbers.values()):
            raise GraphError(1, "Error validating client secret.", status=400)
        return json_response({"access_token": f"{app_id}|{secret}", "token_type": "bearer"})

    async def debug_token(self, request: Request) -> Response:
        """What a token is good for."""
        asked = request.query.get("input_token", "")
        if not request.bearer:
            raise GraphError(190)
        numbers = [n for n in self.world.state.numbers.values() if n.token == asked]
        if not numbers:
            reason = {"code": 190, "message": "Invalid OAuth access token."}
            return json_response({"data": {"error": reason, "is_valid": False, "scopes": []}})
        wabas = sorted({n.waba_id for n in numbers})
        data: Json = {
            "app_id": numbers[0].app_id,
            "type": "SYSTEM_USER",
            "application": "Sandbox app",
            "expires_at": 0,
            "is_valid": True,
            "scopes": SCOPES,
            "granular_scopes": [{"scope": s, "target_ids": wabas} for s in SCOPES],
        }
        return json_response({"data": data})

    async def me(self, request: Request) -> Response:
        """The system user behind the token."""
        return json_response({"id": self.mine(request)[0].app_id, "name": "Sandbox system user"})

    async def read_object(self, request: Request, id: str) -> Response:  # noqa: A002
        """A number, a business account or a file by id."""
        number = self.world.state.numbers.get(id)
        if number is not None:
            facts = _facts(self.number(request, id))
            fields = request.query.get("fields")
            if fields:
                facts = {"id": id, **{f: facts[f] for f in fields.split(",") if f in facts}}
            return json_response(facts)
        if any(n.waba_id == id for n in self.mine(request)):
            return json_response(
                {"id": id, "name": "Sandbox business", "message_template_namespace": "sandbox"}
            )
        media = self.media(request, id)
        until = int(self.world.clock.now()) + LINK_SECONDS
        url = f"{request.origin}/whatsapp-media/{media.key}?ext={until}&hash={self._hash(media, until)}"
        return json_response(
            {
                "messaging_product": "whatsapp",
                "url": url,
                "mime_type": media.content_type,
                "sha256": media.sha256.hex(),
                "file_size": len(media.content),
                "id": media.key,
            }
        )

    async def change_object(self, request: Request, id: str) -> Response:  # noqa: A002
        """A number's own callback address."""
        number = self.number(request, id)
        fields, _ = request.form()
        wish = fields.get("webhook_configuration")
        if not isinstance(wish, dict):
            raise GraphError(100, "webhook_configuration is the only field that can be changed here")
        url = str(wish.get("override_callback_uri") or "")
        await self._callback([number], url, str(wish.get("verify_token") or ""))
        return json_response({"success": True})

    async def delete_object(self, request: Request, id: str) -> Response:  # noqa: A002
        """Forget a file."""
        self.world.state.media.pop(self.media(request, id).key)
        return json_response({"success": True})

    async def unknown(self, request: Request) -> Response:
        """A path that the Graph API has but the sandbox has not."""
        self.mine(request)
        raise GraphError(2500, f"Unknown path components: {request.path}", status=400)


def _facts(number: WhatsAppNumber) -> Json:
    return {
        "id": number.id,
        "display_phone_number": number.display_phone_number,
        "verified_name": number.verified_name,
        "quality_rating": number.quality_rating,
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "STANDARD"},
        "name_status": "APPROVED",
        "status": number.status,
        "webhook_configuration": {"application": number.webhook_url},
    }
