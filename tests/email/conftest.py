"""What the e-mail tests share."""

from collections.abc import Iterator

import pytest

from tests.email.desk import Inbox, empty
from tests.plugins.programs import Mailbox


@pytest.fixture
def inbox(dovecot: Mailbox) -> Iterator[Inbox]:
    """An empty mailbox; whatever the test leaves is removed."""
    empty(dovecot.maildir)
    yield Inbox(dovecot)
    empty(dovecot.maildir)
