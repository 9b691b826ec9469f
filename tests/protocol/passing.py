"""What passes, as the Python SDK from PyPI meets it: passing.test.mjs starts this and tells the same of the one for JavaScript.

Usage: passing.py WEBSOCKET_URL TOKENS    TOKENS is a JSON object, name to token. Prints "ok" when all of it held.
"""
import asyncio
import json
import sys

from centrifuge import Client, ClientEventHandler, ClientState, SubscriptionEventHandler, SubscriptionState

WAIT_SECONDS = 30


class Errors(ClientEventHandler, SubscriptionEventHandler):
    def __init__(self):
        self.codes = []

    async def on_error(self, ctx):
        self.codes.append(getattr(ctx.error, "code", None))


async def eventually(what, check):
    for _ in range(WAIT_SECONDS * 50):
        if check():
            return
        await asyncio.sleep(0.02)
    raise SystemExit(f"not reached: {what}")


def gives(token):
    async def get_token(*_):
        return token

    return get_token


def client(url, token, **options):
    return Client(url, events=Errors(), token=token, proxy=None, min_reconnect_delay=0.01, max_reconnect_delay=0.05, **options)


def subscription(of, channel, **options):
    return of.new_subscription(channel, events=Errors(), min_resubscribe_delay=0.01, max_resubscribe_delay=0.05, **options)


async def stale_token_at_a_refresh(url, tokens):
    one = client(url, tokens["stale"])
    await one.connect()
    sub = subscription(one, "quiet:stale-py", token=tokens["stale_sub"], get_token=gives(tokens["stale_refresh"]))
    await sub.subscribe()
    await sub.ready(WAIT_SECONDS)
    await eventually("its refresh is refused", lambda: 110 in sub.events.codes)
    assert sub.state == SubscriptionState.SUBSCRIBED, sub.state
    await one.disconnect()


async def token_without_iat_after_a_revocation(url, tokens):
    one = client(url, tokens["revoked"], get_token=gives(tokens["revoked_next"]))
    await one.connect()
    await one.ready(WAIT_SECONDS)
    await one.disconnect()


async def subscriptions_over_the_limit(url, tokens):
    one = client(url, tokens["many"])
    await one.connect()
    subs = [subscription(one, f"quiet:py-{i}") for i in range(3)]
    for sub in subs:
        await sub.subscribe()
    await eventually("the third is refused", lambda: 106 in subs[2].events.codes)
    await subs[0].unsubscribe()
    await subs[2].ready(WAIT_SECONDS)
    await one.disconnect()


async def connections_over_the_limit(url, tokens):
    all_of_them = [client(url, tokens["busy"]) for _ in range(3)]
    for one in all_of_them[:2]:
        await one.connect()
        await one.ready(WAIT_SECONDS)
    await all_of_them[2].connect()
    await eventually("the third is refused", lambda: 106 in all_of_them[2].events.codes)
    await all_of_them[0].disconnect()
    await all_of_them[2].ready(WAIT_SECONDS)
    for one in all_of_them[1:]:
        await one.disconnect()


async def two_live_clients_of_one_device(url, tokens):
    both = [client(url, tokens["twin"], headers={"lcg-device": "tab"}) for _ in range(2)]
    for one in both:
        await one.connect()
        await one.ready(WAIT_SECONDS)
    await eventually("one of them waits", lambda: any(111 in one.events.codes for one in both))
    assert all(one.state != ClientState.DISCONNECTED for one in both)
    await eventually("the other is in", lambda: any(one.state == ClientState.CONNECTED for one in both))
    holder = next(one for one in both if one.state == ClientState.CONNECTED)
    await holder.disconnect()
    other = both[1] if holder is both[0] else both[0]
    await other.ready(WAIT_SECONDS)
    await other.disconnect()


async def run(url, tokens):
    for case in (stale_token_at_a_refresh, token_without_iat_after_a_revocation, subscriptions_over_the_limit,
                 connections_over_the_limit, two_live_clients_of_one_device):
        await case(url, tokens)


asyncio.run(asyncio.wait_for(run(sys.argv[1], json.loads(sys.argv[2])), 100))
print("ok")
