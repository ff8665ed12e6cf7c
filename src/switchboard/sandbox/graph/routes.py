"""The Graph API's paths, with or without a version in front."""

from collections.abc import Awaitable, Callable

from switchboard.sandbox.graph.errors import GraphError
from switchboard.sandbox.graph.objects import Objects
from switchboard.sandbox.graph.sending import Sending
from switchboard.sandbox.web import Refused, Request, Response, Router
from switchboard.sandbox.world import World

Serve = Callable[..., Awaitable[Response]]
V = r"(?:/v\d+\.\d+)?"


def guard(handler: Serve) -> Serve:
    """Turn refusals into the Graph API's form."""

    async def serve(request: Request, **ids: str) -> Response:
        try:
            return await handler(request, **ids)
        except GraphError as error:
            return error.response()
        except Refused as error:
            return GraphError(100, error.reason).response()

    return serve


def routes(world: World, router: Router) -> None:
    """Register everything."""
    sending, objects = Sending(world), Objects(world)
    table: list[tuple[str, str, Serve]] = [
        ("POST", "/{id}/messages", sending.messages),
        ("POST", "/{id}/media", objects.upload),
        ("GET", "/{id}/message_templates", objects.templates),
        ("GET", "/{id}/phone_numbers", objects.phone_numbers),
        ("*", "/{id}/subscribed_apps", objects.subscribed_apps),
        ("POST", "/{id}/subscriptions", objects.subscriptions),
        ("POST", "/{id}/(?:register|deregister)", objects.register),
        ("GET", "/{id}/whatsapp_business_profile", objects.profile),
        ("GET", "/oauth/access_token", objects.app_token),
        ("GET", "/debug_token", objects.debug_token),
        ("GET", "/me", objects.me),
        ("GET", "/{id}/?", objects.read_object),
        ("POST", "/{id}/?", objects.change_object),
        ("DELETE", "/{id}/?", objects.delete_object),
    ]
    router.add("GET", "/whatsapp-media/{id}", guard(objects.download))
    for method, pattern, handler in table:
        router.add(method, V + pattern.replace("{id}", "(?P<id>[0-9]+)"), guard(handler))
    router.add("*", r"/v\d+\.\d+/.*", guard(objects.unknown))
