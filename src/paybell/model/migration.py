"""Migrations: how a database's schema came to be."""

from msgspec import Struct


class Migration(Struct, frozen=True, kw_only=True):
    """One step of the schema: its number, its file's name, the sentence it begins with, and its statements."""

    number: int
    name: str
    sentence: str
    script: str

    @property
    def statements(self) -> list[str]:
        """One by one; each ends with a ``;`` at a line's end, but within a comment or ``$$`` for a function's body."""
        found: list[str] = []
        begun: list[str] = []
        for line in self.script.splitlines():
            is_comment = line.lstrip().startswith("--")
            if begun or (line.strip() and not is_comment):
                begun.append(line)
            if line.rstrip().endswith(";") and not is_comment and "\n".join(begun).count("$$") % 2 == 0:
                found.append("\n".join(begun))
                begun = []
        return [*found, "\n".join(begun)] if begun else found
