"""A whole database into another: read in one snapshot, written in one transaction, compared before the commit."""

from collections.abc import Callable, Sequence

from paybell.errors import StoreError
from paybell.ports import ArchiveReader, ArchiveRow, ArchiveWriter
from paybell.store import rows
from paybell.store.archive import TABLES, Digest, Table, TableDigest, logical, replaced


async def copy(
    source: ArchiveReader, target: ArchiveWriter, on_table: Callable[[TableDigest], None]
) -> tuple[TableDigest, ...]:
    """Write everything of ``source`` into ``target``; tell each table that is written.

    What is leased is due in the target, and boxes are sealed again under its key. ``StoreError`` names the table that
    reads otherwise than it was written; the caller's transaction is then to be undone.
    """
    await target.clear()
    copied = []
    for table in TABLES:
        digest = await _copy(source, target, table)
        on_table(digest)
        copied.append(digest)
    for expected, table in zip(copied, TABLES, strict=True):
        found = await digest_of(target, table)
        if found != expected:
            raise StoreError(
                f"the copy of {table.name} is not equal to its source ({found.row_count} rows, "
                f"{expected.row_count} in the source): everything was undone; run it again, and report it if it "
                "happens again"
            )
    return tuple(copied)


async def digest_of(reader: ArchiveReader, table: Table) -> TableDigest:
    """The digest of one table; ``ConfigurationError`` when a box does not open."""
    digest = Digest(table.name)
    async for batch in logical(reader, table):
        digest.add(batch)
    return digest.result()


async def open_boxes(source: ArchiveReader) -> None:
    """Find out that a key is missing before the work of a copy; ``ConfigurationError`` says so."""
    for table in TABLES:
        if table.sealed is not None:
            async for _ in logical(source, table):
                pass


async def _copy(source: ArchiveReader, target: ArchiveWriter, table: Table) -> TableDigest:
    digest = Digest(table.name)
    async for batch in logical(source, table):
        digest.add(batch)
        await target.write(table.name, _sealed(target, table, batch))
    return digest.result()


def _sealed(target: ArchiveWriter, table: Table, batch: Sequence[ArchiveRow]) -> Sequence[ArchiveRow]:
    place = table.sealed
    if place is None:
        return batch
    return [replaced(row, place, target.close_box(rows.blob(row[place]), rows.text(row[0]))) for row in batch]
