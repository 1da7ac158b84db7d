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
        """One by one; each ends with a ``;`` at a line's end, but within ``$$`` for the body of a function."""
        found: list[str] = []
        begun: list[str] = []
        for line in self.script.splitlines():
            if begun or (line.strip() and not line.startswith("--")):
                begun.append(line)
            if line.rstrip().endswith(";") and "\n".join(begun).count("$$") % 2 == 0:
                found.append("\n".join(begun))
                begun = []
        return found
