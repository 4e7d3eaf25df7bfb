"""A DNS server for one host, whose addresses change as a test likes."""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator

_ADDRESS = 1  # the record type A


@contextlib.contextmanager
def name_server(addresses: list[str]) -> Iterator[str]:
    """Answer every question for a host with *addresses*, as they are then; gives `host:port`."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            packet, endpoint = self.request
            endpoint.sendto(_answer(packet, addresses), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _answer(packet: bytes, addresses: list[str]) -> bytes:
    end = packet.index(0, 12) + 5  # of the question: name, type, class
    question = packet[12:end]
    (kind,) = struct.unpack(">H", question[-4:-2])
    records = [_record(address) for address in addresses] if kind == _ADDRESS else []
    header = packet[:2] + struct.pack(">HHHHH", 0x8580, 1, len(records), 0, 0)
    return header + question + b"".join(records)


def _record(address: str) -> bytes:
    """Give an A record of the name asked for, to be kept for no time at all."""
    return struct.pack(">HHHIH4B", 0xC00C, _ADDRESS, 1, 0, 4, *map(int, address.split(".")))
