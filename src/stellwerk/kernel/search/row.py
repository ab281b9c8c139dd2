"""What a record is found by: one row of its own, and parts for what does not fit into it."""

from collections.abc import Iterator
from dataclasses import dataclass

from stellwerk.kernel.search.normalising import MOST_CHARACTERS, all_words, numbers, words

# Texts are indexed in pieces of this many characters: folding may make them longer, and none of it may be cut off.
PIECE = 20_000
_PART_BITS = 20
MOST_PARTS = (1 << _PART_BITS) - 1


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One record's texts: `public` for whoever may see the record, `internal` for those who work on it."""

    record_id: int
    kind: str
    reference: str
    title: str
    public: str = ""
    internal: str = ""

    def words(self) -> tuple[list[str], list[str], list[str]]:
        """Return the folded words of the title (with the reference and its number), public and internal text."""
        title = [*words(self.reference), *numbers(self.reference), *all_words(self.title)]
        return title, all_words(self.public), all_words(self.internal)

    @property
    def key(self) -> int:
        return self.record_id

    @property
    def shown_public(self) -> str:
        return _storable(self.public)

    @property
    def shown_internal(self) -> str:
        return _storable(self.internal)


@dataclass(frozen=True, slots=True)
class SearchPart:
    """A piece of a record's texts in a row of its own, so that one more comment costs the same on a long conversation.

    Its key is negative and says of which record it is, so that no search takes it for one, and so that the
    parts of the newest records come first.
    """

    key: int
    public: str = ""
    internal: str = ""

    @property
    def record_id(self) -> int:
        return -self.key >> _PART_BITS

    def words(self) -> tuple[list[str], list[str], list[str]]:
        """Return the folded words as a row does; a part has no title."""
        return [], all_words(self.public), all_words(self.internal)

    @property
    def shown_public(self) -> str:
        return _storable(self.public)

    @property
    def shown_internal(self) -> str:
        return _storable(self.internal)


def part_key(record_id: int, number: int) -> int:
    """Return the key of a record's part; numbers go from 1 to MOST_PARTS."""
    return -(record_id << _PART_BITS | number)


def pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces that can be indexed, between words where there is a blank."""
    while len(text) > PIECE:
        blank = max(text.rfind(" ", 0, PIECE), text.rfind("\n", 0, PIECE))
        end = blank if blank > PIECE // 2 else PIECE
        yield text[:end]
        text = text[end:]
    yield text


def _storable(text: str) -> str:
    """Return the searchable part of a text without what PostgreSQL refuses: NUL and halves of signs."""
    return text[:MOST_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode()
