"""Events towards the product, and notices (订阅消息) that a customer has to allow one by one."""

from typing import Any

from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.weixin import people
from switchboard.sandbox.weixin.push import Pushes
from switchboard.sandbox.world import World

Json = dict[str, Any]


class Announcer:
    """Tells the product what a customer did; base of the events of service accounts and mini-programs."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self._pushes = pushes

    def head(self, account: PlatformAccount, customer: Customer) -> Json:
        """The first elements of every callback."""
        return {
            "ToUserName": account.settings["original_id"],
            "FromUserName": people.openid(self.world, account, customer),
            "CreateTime": int(self.world.clock.now()),
        }

    def tell(
        self, account: PlatformAccount, customer: Customer, chat: Chat, event: str, **content: object
    ) -> None:
        """An event by callback."""
        told = {**self.head(account, customer), "MsgType": "event", "Event": event, **content}
        self._pushes.send(account, chat, told, openid=str(told["FromUserName"]))

    def write_down(self, chat: Chat, words: str) -> None:
        """Show on the page what the customer did."""
        now = self.world.clock.now()
        self.world.show(chat, Bubble(id=digits(17), side="customer", kind="event", at=now, text=words))

    def decide(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, *, allows: bool
    ) -> None:
        """The customer allows a notice once more, or refuses."""
        listed = account.settings["templates"]
        usual = next((one for one in listed if one.get("agreed")), listed[0])
        template = str(wish.get("template_id") or usual["template_id"])
        if allows:
            allowed: dict[str, int] = account.kept.setdefault("allowed", {})
            key = f"{people.openid(self.world, account, customer)}:{template}"
            allowed[key] = allowed.get(key, 0) + 1
        said = "accept" if allows else "reject"
        self.write_down(chat, ("允许" if allows else "拒绝") + f"通知（{template}）")
        one = {"TemplateId": template, "SubscribeStatusString": said, "PopupScene": "2"}
        self.tell(account, customer, chat, "subscribe_msg_popup_event", **self._listed(account, "Popup", one))

    def arrived(
        self, account: PlatformAccount, customer: Customer, chat: Chat, template: str, number: str, code: int
    ) -> None:
        """What became of a notice; 0 is well."""
        words = "failed" if code else "success"
        one: Json = {"TemplateId": template, "MsgID": number, "ErrorCode": str(code), "ErrorStatus": words}
        self.tell(account, customer, chat, "subscribe_msg_sent_event", **self._listed(account, "Sent", one))

    def _listed(self, account: PlatformAccount, kind: str, one: Json) -> Json:
        """XML wraps the list in an element of the event's name; JSON has an object where there is only one."""
        if account.settings.get("format") == "json":
            return {"List": one}
        return {f"SubscribeMsg{kind}Event": {"List": one}}
