"""Exactly once with the Python SDK from PyPI, in JSON and in Protobuf: a device named by a header and no epoch.

Usage: python_device.py WEBSOCKET_URL TOKEN    Prints "sent" and waits for a line: the server was restarted. Then sends the
same number again. Prints "ok" and ends with 0 when all of it held.
"""
import asyncio
import json
import sys

from centrifuge import Client, ReplyError

WAIT_SECONDS = 30


class Device:
    def __init__(self, url, token, name, protobuf):
        self.protobuf = protobuf
        self.dialog = name
        self.client = Client(url, token=token, use_protobuf=protobuf, headers={"lcg-device": name}, proxy=None,
                             min_reconnect_delay=0.05, max_reconnect_delay=0.2)

    async def rpc(self, method, **args):
        data = json.dumps(args).encode() if self.protobuf else args
        await self.client.ready(WAIT_SECONDS)
        answer = (await self.client.rpc(method, data)).data
        return json.loads(answer) if self.protobuf else answer


def expect(held, what):
    if not held:
        raise SystemExit(f"did not hold: {what}")


async def refused(device, code, method, **args):
    try:
        await device.rpc(method, **args)
    except ReplyError as error:
        expect(error.code == code, f"{method}: {error.code} {error}")
        return
    expect(False, f"{method} was not refused with {code}")


async def run(url, token):
    devices = [Device(url, token, "python-json", False), Device(url, token, "python-protobuf", True)]
    first = []
    for device in devices:
        await device.client.connect()
        await device.rpc("dialog.create", id=device.dialog)
        first.append(await device.rpc("message.send", dialog=device.dialog, cseq=1, body="one"))
    print("sent", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for device, answer in zip(devices, first):
        again = await device.rpc("message.send", dialog=device.dialog, cseq=1, body="one")
        expect(again == answer, (device.dialog, again, answer))
        # A string that was cut: refused, and the connection goes on.
        await refused(device, 107, "message.send", dialog=device.dialog, cseq=2, body="cut \ud83d")
        await device.rpc("message.send", dialog=device.dialog, cseq=2, body="two")
        log = (await device.rpc("dialog.history", **{"dialog": device.dialog, "from": 1}))["entries"]
        expect([e["body"] for e in log if e["kind"] == "msg"] == ["one", "two"], log)
        await device.client.disconnect()


asyncio.run(asyncio.wait_for(run(*sys.argv[1:3]), 120))
print("ok")
