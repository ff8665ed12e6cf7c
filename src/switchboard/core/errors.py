"""What a verb may refuse to do. The API turns these into problem JSON; the text is shown to people."""

from uuid import UUID


class Problem(Exception):
    """A request that can't be carried out. `code` is stable, `field` names the input at fault."""

    status = 400
    code = "bad_request"

    def __init__(self, detail: str, *, code: str = "", field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        if code:
            self.code = code


class Invalid(Problem):
    """The input is well-formed and wrong."""

    status = 422
    code = "invalid"


class NotFound(Problem):
    """No such thing, or not yours to see: the two are never told apart."""

    status = 404
    code = "not_found"


class Forbidden(Problem):
    """You may not do that."""

    status = 403
    code = "forbidden"


class Unauthenticated(Problem):
    """Nobody is signed in."""

    status = 401
    code = "unauthenticated"


class Conflict(Problem):
    """Somebody was first. `conversation` is the one to look at again."""

    status = 409
    code = "conflict"

    def __init__(
        self, detail: str, *, code: str = "", field: str = "", conversation: UUID | None = None
    ) -> None:
        super().__init__(detail, code=code, field=field)
        self.conversation = conversation


class TooMany(Problem):
    """Slow down; try again after `after` seconds."""

    status = 429
    code = "too_many"

    def __init__(self, detail: str, *, after: int, code: str = "") -> None:
        super().__init__(detail, code=code)
        self.after = after
