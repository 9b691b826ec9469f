#!/usr/bin/python3
"""The client protocol in JSON over Debian's python3-websockets: connect, subscribe, publish, history, rpc, ping.

Usage: python_client.py WEBSOCKET_URL TOKEN CHANNEL    Prints "ok" and ends with 0 when all of it held.
"""
import asyncio
import json
import sys

import websockets

DEADLINE_SECONDS = 20


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.next_id = 0
        self.replies = {}
        self.pushes = []
        self.pings = 0

    async def read(self):
        for line in (await self.socket.recv()).split("\n"):
            message = json.loads(line)
            if message == {}:
                self.pings += 1
                await self.socket.send("{}")
            elif "id" in message:
                self.replies[message["id"]] = message
            else:
                self.pushes.append(message["push"])

    async def ask(self, **command):
        self.next_id += 1
        mine = self.next_id
        await self.socket.send(json.dumps({"id": mine, **command}))
        while mine not in self.replies:
            await self.read()
        return self.replies.pop(mine)

    async def until(self, check):
        while not check():
            await self.read()


def expect(held, what):
    if not held:
        raise SystemExit(f"did not hold: {what}")


async def run(url, token, channel):
    for subprotocols in (None, ["centrifuge-json"]):
        async with websockets.connect(url, subprotocols=subprotocols) as socket:
            expect(socket.subprotocol == (subprotocols or [None])[0], f"subprotocol {socket.subprotocol}")
            client = Client(socket)
            connected = await client.ask(connect={"token": token, "name": "python"})
            expect("client" in connected.get("connect", {}), connected)
            subscribed = await client.ask(subscribe={"channel": channel, "recoverable": True})
            start = subscribed["subscribe"].get("offset", 0)
            published = await client.ask(publish={"channel": channel, "data": {"text": "grüße"}})
            expect(published.get("publish") == {}, published)
            await client.until(lambda: any("pub" in p for p in client.pushes))
            pub = next(p["pub"] for p in client.pushes if "pub" in p)
            expect(pub["data"] == {"text": "grüße"} and pub["offset"] == start + 1, pub)
            history = await client.ask(history={"channel": channel, "limit": 10})
            expect(history["history"]["publications"][-1]["offset"] == start + 1, history)
            answer = await client.ask(rpc={"method": "echo", "data": [1, 2]})
            expect(answer["rpc"]["data"] == [1, 2], answer)
            wrong = await client.ask(rpc={"method": "no.such.method"})
            expect(wrong["error"]["code"] == 104, wrong)
            await client.until(lambda: client.pings >= 1)
            waiter = await socket.ping()  # of the WebSocket layer
            await asyncio.wait_for(waiter, 5)
            await client.ask(unsubscribe={"channel": channel})


asyncio.run(asyncio.wait_for(run(*sys.argv[1:4]), DEADLINE_SECONDS))
print("ok")
