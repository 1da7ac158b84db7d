"""Products and entitlements, as people set and see them."""

import apsw

from paybell.errors import NotFound
from paybell.model.entitlement import CustomerKey, Entitlement, Product
from paybell.store import member_rows
from paybell.store.sqlite.base import Part


class MemberPart(Part):
    """What writes entitlements is the transaction of record."""

    async def product_put(self, product: Product) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["product_upsert"], member_rows.product_row(product))
            connection.execute(self.sql["entitlement_wake"], (self.clock.now_ms(), product.organisation_id))

        await self.database.write(job)

    async def product_delete(self, organisation_id: str, uid: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["product_delete"], (organisation_id, uid))
            if not connection.changes():
                raise NotFound(f"no product {uid}")
            connection.execute(self.sql["entitlement_wake"], (self.clock.now_ms(), organisation_id))

        await self.database.write(job)

    async def product_list(self, organisation_id: str) -> tuple[Product, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[Product, ...]:
            return tuple(map(member_rows.product, connection.execute(self.sql["product_list"], (organisation_id,))))

        return await self.database.read(job)

    async def entitlement_of(self, organisation_id: str, customer: str) -> tuple[Entitlement, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[Entitlement, ...]:
            asked = (customer, organisation_id, customer.lower())
            return member_rows.distinct(connection.execute(self.sql["entitlement_of_customer"], asked))

        return await self.database.read(job)

    async def entitlement_due(self, *, now_ms: int, limit: int) -> list[CustomerKey]:
        """See the port."""

        def job(connection: apsw.Connection) -> list[CustomerKey]:
            found = connection.execute(self.sql["entitlement_due"], (now_ms, limit))
            return sorted({member_rows.customer_key(row) for row in found})

        return await self.database.read(job)
