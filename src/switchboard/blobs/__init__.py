"""Ground: files. Stores them, tells what they are by their content, serves them by signed links.

Tables: file.
"""

from switchboard.blobs.content import Kind, Unfit, identify
from switchboard.blobs.door import FileDoor
from switchboard.blobs.links import Signer
from switchboard.blobs.store import Blobs, Stored, StoredFile, TooLarge

__all__ = ["Blobs", "FileDoor", "Kind", "Signer", "Stored", "StoredFile", "TooLarge", "Unfit", "identify"]
