"""A server that behaves in every way a link target can, on loopback: the path says how."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections import Counter
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PLAIN = {"ok": 200, "gone": 410, "missing": 404, "forbidden": 403, "broken": 500, "teapot": 418}


class LinkServer:
    """``url("/404")`` and so on; ``asked`` counts requests as ``METHOD path``."""

    def __init__(self, folder: Path | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self._context = _self_signed(folder) if folder else None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def url(self, path: str) -> str:
        """The URL of a path."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, *_ = head.decode().split()
                self.asked[f"{method} {path}"] += 1
                answer = await self._answer(method, path)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str) -> bytes | None:
        name, _, rest = path.strip("/").partition("/")
        more = ""
        status = PLAIN.get(name, 200)
        if name == "hang":
            await asyncio.sleep(60)
        elif name == "close":
            return None
        elif name == "garbage":
            return b"this is no HTTP\r\n\r\n"
        elif name == "nohead":
            status = 405 if method == "HEAD" else 200
        elif name == "headlies":
            status = 404 if method == "HEAD" else 200
        elif name == "moved":
            status, more = 301, "Location: /ok\r\n"
        elif name == "found":
            status, more = 302, "Location: /ok\r\n"
        elif name == "moveddead":
            status, more = 301, "Location: /missing\r\n"
        elif name == "loop":
            status, more = 302, "Location: /loop\r\n"
        elif name == "endless":
            status, more = 302, f"Location: /endless/{int(rest or 0) + 1}\r\n"
        elif name == "inside":
            status, more = 302, "Location: http://10.0.0.1/\r\n"
        elif name == "busy":
            status = 200 if self.asked[f"GET {path}"] else 429
            more = "Retry-After: 0\r\n"
        elif name == "busylong":
            status, more = 429, "Retry-After: 3600\r\n"
        return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{more}\r\n".encode()


def _self_signed(folder: Path) -> ssl.SSLContext:
    """A server context with a certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
