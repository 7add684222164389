"""Which files are documents, how many and how large they may be, and how to name what is amiss.

Both sources choose by the same rules, so that a work tree and its commit read the same.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

# Far beyond what people write. A tree over these limits is a mistake, and pruning must wait.
FILES_MAX = 20_000
FILE_BYTES_MAX = 1 << 20

_NAMED_MAX = 3
_LIKE_A_DOCUMENT = re.compile(r"\.(ya?ml|json)(\.txt)?$", re.IGNORECASE)


def is_hidden(path: str) -> bool:
    """Return whether a file or folder is skipped: its name begins with a dot, or that of a folder
    that it is in."""
    return path.startswith(".") or "/." in path


def is_document(path: str) -> bool:
    """Return whether the file is one that declares something."""
    return path.endswith((".yaml", ".yml"))


def is_read(path: str) -> bool:
    """Return whether a plain file at this path is read."""
    return is_document(path) and not is_hidden(path)


def is_like_a_document(path: str) -> bool:
    """Return whether an author may well believe that this file is read, which it is not."""
    return not is_document(path) and _LIKE_A_DOCUMENT.search(path) is not None


def text_of(raw: bytes) -> str | None:
    """Return a path as text; None when it is not UTF-8 and can be neither shown nor recorded."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def shown(raw: bytes) -> str:
    """Return a path as it can be shown, whatever it is."""
    return raw.decode(errors="backslashreplace")


def bad_name(raw: bytes) -> str:
    """Return what to say about a path that `text_of` refuses."""
    return f"{shown(raw)}: the name is not UTF-8: rename it"


def a_symlink(path: str) -> str:
    """Return what to say about a symlink that may hide documents."""
    return f"{path} is a symlink: put there what it leads to"


def a_submodule(path: str) -> str:
    """Return what to say about a submodule, of whose files git holds nothing here."""
    return f"{path} is a submodule: put its documents here"


def not_plain(path: str) -> str:
    """Return what to say about a pipe, a socket or a device."""
    return f"{path} is not a plain file: remove it"


def not_held(path: str) -> str:
    """Return what to say about a document whose content git lacks, as in a partial clone."""
    return f"{path}: git does not hold its content: fetch it, or clone anew without --filter"


def too_large(path: str) -> str:
    """Return what to say about a document over the limit."""
    return f"{path} is larger than 1 MiB: split it"


def too_many(where: str) -> str:
    """Return what to say when there are more documents than anybody means."""
    return f"more than {FILES_MAX:,} documents below {where}: name a folder with fewer"


def none_below(where: str) -> str:
    """Return what to say when there is no document at all."""
    return f"no documents below {where}: name the folder that holds them"


def unreadable(path: str, fault: OSError) -> str:
    """Return what to say about a file or folder of the tree that is closed to us."""
    return f"{path} cannot be read: {fault.strerror} (let this user read it, or remove it)"


def root_unreadable(root: Path, fault: OSError) -> str:
    """Return what to say when nothing can be read at all."""
    return f"{root} cannot be read: {fault.strerror}; name a directory that this user may read"


def blob_id(data: bytes) -> str:
    """Return the id that git gives to this content."""
    # Not a matter of security: the id says which content this is, as git's own ids do.
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()


def digest(files: Iterable[tuple[str, str]]) -> str:
    """Return the revision of files that belong to no commit, from sorted paths and blob ids."""
    total = hashlib.sha256()
    for path, blob in files:
        total.update(f"{path}\0{blob}\n".encode())
    return f"files:{total.hexdigest()[:40]}"


def together(amiss: Sequence[str]) -> str | None:
    """Return one reason for all that is amiss, naming the first few; None when nothing is."""
    if not amiss:
        return None
    named = "; ".join(sorted(amiss)[:_NAMED_MAX])
    more = len(amiss) - _NAMED_MAX
    return f"{named}; and {more} more" if more > 0 else named
