"""mTLS from the API to the wire: a running Paybell, and a server that answers those alone who show a certificate."""

import asyncio
from ipaddress import ip_address
from pathlib import Path

from cryptography.x509 import IPAddress

from tests.acceptance.world import Server
from tests.authority import Authority
from tests.databases import Database


def test_deliveries_show_the_endpoints_certificate(tmp_path: Path, database: Database) -> None:
    authority, clients = Authority("Servers"), Authority("Clients")
    (tmp_path / "ca.pem").write_text(authority.pem)
    tls = authority.server(tmp_path, IPAddress(ip_address("127.0.0.1")), clients=clients)

    async def scenario() -> None:
        came: asyncio.Future[tuple[str, asyncio.WriteTransport]] = asyncio.get_running_loop().create_future()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b'{"a":1}')
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            came.set_result((str(writer.get_extra_info("peercert")["subject"]), writer.transport))

        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as receiver:
            url = f"https://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/"
            await asyncio.to_thread(post, url)
            subject, transport = await asyncio.wait_for(came, 20)
            assert "paybell.example" in subject
            transport.abort()  # a close would wait for the other side's farewell
            await asyncio.sleep(0)

    def post(url: str) -> None:
        application, endpoint, _ = server.subscribe(url)
        given = {"certificate": clients.client_pem("paybell.example")}
        path = f"/app/{application}/endpoint/{endpoint}/client-certificate"
        assert server.api.put(path, json=given).status_code == 200
        server.post(f"/app/{application}/msg", {"eventType": "order.paid", "payload": {"a": 1}})

    with Server(database, SSL_CERT_FILE=str(tmp_path / "ca.pem")) as server:
        asyncio.run(scenario())
