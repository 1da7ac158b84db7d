"""Products and entitlements, as people set and see them."""

from paybell.errors import NotFound
from paybell.model.entitlement import CustomerKey, Entitlement, Product
from paybell.store import member_rows
from paybell.store.postgres.base import Part


class MemberPart(Part):
    """What writes entitlements is the transaction of record."""

    async def product_put(self, product: Product) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("product_upsert", *member_rows.product_row(product))
            await session.rows("entitlement_wake", self.clock.now_ms(), product.organisation_id)

    async def product_delete(self, organisation_id: str, uid: str) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            if not await session.count("product_delete", organisation_id, uid):
                raise NotFound(f"no product {uid}")
            await session.rows("entitlement_wake", self.clock.now_ms(), organisation_id)

    async def product_list(self, organisation_id: str) -> tuple[Product, ...]:
        """See the port."""
        return tuple(map(member_rows.product, await self.database.rows("product_list", organisation_id)))

    async def entitlement_of(self, organisation_id: str, customer: str) -> tuple[Entitlement, ...]:
        """See the port."""
        found = await self.database.rows("entitlement_of_customer", customer, organisation_id, customer.lower())
        return member_rows.distinct(found)

    async def entitlement_due(self, *, now_ms: int, limit: int) -> list[CustomerKey]:
        """See the port."""
        found = await self.database.rows("entitlement_due", now_ms, limit)
        return sorted({member_rows.customer_key(row) for row in found})
