"""Templates of Official Accounts and mini-programs: those for followers, and those that a customer agrees to one by one."""

import re

from switchboard.channels.api import MOST_TEMPLATES, ApprovedTemplate
from switchboard.channels.families.weixin import rows, text
from switchboard.channels.families.weixin_api import WeixinApi
from switchboard.channels.reading import Json

_FIELD = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_AGREED = {"2": "一次性订阅", "3": "长期订阅"}


async def follower_templates(api: WeixinApi) -> list[ApprovedTemplate]:
    """Return an Official Account's template messages; WeChat lists only those that may be sent."""
    found = await api.call("GET", "/cgi-bin/template/get_all_private_template")
    listed = rows(found, "template_list")[:MOST_TEMPLATES]
    return [_template(one, "template_id", text(one, "deputy_industry")) for one in listed]


async def agreed_templates(api: WeixinApi) -> list[ApprovedTemplate]:
    """Return the notifications to which customers agree."""
    listed = rows(await api.call("GET", "/wxaapi/newtmpl/gettemplate"), "data")[:MOST_TEMPLATES]
    return [_template(one, "priTmplId", _AGREED.get(text(one, "type"), "")) for one in listed]


def _template(row: Json, name: str, category: str) -> ApprovedTemplate:
    """Return one of a list. Customers read the title above the text."""
    title, said = text(row, "title"), text(row, "content")
    return ApprovedTemplate(
        name=text(row, name),
        language="zh_CN",
        text="\n".join((title, _FIELD.sub(r"{\1}", said))).strip(),
        variables=list(dict.fromkeys(_FIELD.findall(said))),
        title=title,
        category=category,
        named=True,
    )
