"""Sends events by the forward protocol, as msgpack writes it: PORT MODE COUNT [KEY]. Every third holds a code.

MODE is message, forward, packed, gzip or zstd, or `restart`, which sends chunks until each is acknowledged, connecting
again when the connection ends, until its standard input ends, and prints how many were.
"""

import gzip
import hashlib
import os
import select
import socket
import sys
import time

import msgpack

port, mode, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
key = sys.argv[4] if len(sys.argv) > 4 else None


def event_time(number):
    return msgpack.ExtType(0, (1775091600).to_bytes(4, "big") + number.to_bytes(4, "big"))


def record(number):
    code = "CCE.01400007" if number % 3 == 0 else "fine"
    return {"log": f"{code} of request {number}\n", "kubernetes": {"pod_name": "web-1"}, "n": number, "f": 0.5}


def entries(first, last):
    return [[event_time(number), record(number)] for number in range(first, last)]


class Connection:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.unpacker = msgpack.Unpacker()
        if key is not None:
            self.greet()

    def read(self):
        while True:
            for value in self.unpacker:
                return value
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.unpacker.feed(more)

    def greet(self):
        name, options = self.read()
        assert name == "HELO" and options["auth"] == b"" and options["keepalive"] is True
        salt, nonce = os.urandom(16).hex(), options["nonce"]
        digest = hashlib.sha512(salt.encode() + b"tester" + nonce + key.encode()).hexdigest()
        self.send(["PING", "tester", salt, digest, "", ""])
        name, right, why, server, answer = self.read()
        assert name == "PONG"
        if not right:
            print("refused:", why)
            sys.exit(3)
        assert answer == hashlib.sha512(salt.encode() + server.encode() + nonce + key.encode()).hexdigest()

    def send(self, value):
        self.socket.sendall(msgpack.packb(value))


def chunk(first, last, how, name):
    options = {"chunk": name, "size": last - first}
    if how == "forward":
        return ["app.web", entries(first, last), options]
    packed = b"".join(msgpack.packb(entry) for entry in entries(first, last))
    if how == "gzip":
        # Two members, as Fluentd appends them.
        half = len(msgpack.packb(entries(first, last)[0]))
        packed = gzip.compress(packed[:half]) + gzip.compress(packed[half:])
        options["compressed"] = "gzip"
    return ["app.web", packed, options]


if mode == "restart":
    number = sent = 0
    connection = None
    while not select.select([sys.stdin], [], [], 0)[0]:
        while True:
            try:
                connection = connection or Connection()
                connection.send(chunk(sent, sent + count, ["forward", "packed", "gzip"][number % 3], f"chunk {number}"))
                assert connection.read() == {"ack": f"chunk {number}"}
                break
            except OSError:
                connection = None
                time.sleep(0.01)
        number, sent = number + 1, sent + count
    print(sent)
elif mode == "message":
    connection = Connection()
    for number in range(count):
        connection.send(["app.web", event_time(number), record(number)])
    connection.send(["app.web", 1775091600, record(1), {"chunk": "last"}])
    assert connection.read() == {"ack": "last"}
else:
    connection = Connection()
    for first in range(0, count, 1000):
        name = f"chunk {first}"
        connection.send(chunk(first, min(first + 1000, count), mode, name))
        assert connection.read() == {"ack": name}
