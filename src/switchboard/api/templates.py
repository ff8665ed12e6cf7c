"""Templates that platforms have approved, listed when somebody is about to choose one."""

from uuid import UUID

from litestar import get
from litestar.params import FromPath

from switchboard.api.auth import WithDesk, may
from switchboard.api.paging import Page
from switchboard.channels.api import ApprovedTemplate
from switchboard.connections import reads as connections
from switchboard.core.errors import Invalid, NotFound
from switchboard.core.outcomes import Outcome
from switchboard.staff.permission import Permission


@get(
    "/channels/{channel_id:uuid}/templates",
    opt={**may(Permission.CONVERSATIONS_WRITE), "answers": (409, 422)},
    operation_id="listTemplates",
)
async def list_templates(channel_id: FromPath[UUID], desk: WithDesk) -> Page[ApprovedTemplate]:
    """List the approved templates of a channel's platform, at most 500, in the platform's order.

    Kinds that can be asked say `lists_templates` in their capabilities. A trouble comes in the platform's words (422).
    """
    async with desk.context.api_db.transaction(desk.workspace) as tx:
        rows = await connections.channels(tx, desk.workspace)
    row = next((one for one in rows if one.id == channel_id), None)
    if row is None:
        raise NotFound("There is no such channel.")
    try:
        return Page(await desk.context.connector.templates(row))
    except Outcome as error:
        raise Invalid(str(error), code="platform_refused") from None


HANDLERS = [list_templates]
