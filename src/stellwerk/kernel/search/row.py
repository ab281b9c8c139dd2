"""What a record type hands over to be found by."""

from dataclasses import dataclass

from stellwerk.kernel.search.folding import MOST_CHARACTERS, numbers, words


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
        title = [*words(self.reference), *numbers(self.reference), *words(self.title)]
        return title, words(self.public), words(self.internal)

    @property
    def shown_public(self) -> str:
        return _storable(self.public)

    @property
    def shown_internal(self) -> str:
        return _storable(self.internal)


def _storable(text: str) -> str:
    """Return the searchable part of a text without what PostgreSQL refuses: NUL and halves of signs."""
    return text[:MOST_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode()
