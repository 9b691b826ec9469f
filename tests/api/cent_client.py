"""Drives a server with pycent, a back-end library of the ecosystem, and prints what it returned as JSON.
Arguments: the API's address, the key, a user who is online."""
import json
import sys

from cent import (BatchRequest, BroadcastRequest, CentApiResponseError, CentUnauthorizedError, ChannelsRequest, Client,
                  DisconnectRequest, HistoryRemoveRequest, HistoryRequest, InfoRequest, PresenceRequest,
                  PresenceStatsRequest, PublishRequest, RefreshRequest, SubscribeRequest, UnsubscribeRequest)
from cent.dto import (BlockUserRequest, ConnectionsRequest, Disconnect, GetUserStatusRequest, StreamPosition,
                      UnblockUserRequest)

address, key, user = sys.argv[1:4]
client = Client(address, key)
out = {}


def plain(result):
    return result.model_dump(exclude_none=True)


def refused(call, request):
    try:
        call(request)
    except CentApiResponseError as error:
        return {"code": error.code, "message": error.message}
    return None


channel = "chat:cent"
first = client.publish(PublishRequest(channel=channel, data={"n": 1}, tags={"lang": "en"}, idempotency_key="k"))
out["publish"] = plain(first)
out["same_key"] = plain(client.publish(PublishRequest(channel=channel, data={"n": 2}, idempotency_key="k")))
out["broadcast"] = plain(client.broadcast(BroadcastRequest(channels=[channel, "nothing:x"], data={"n": 3})))
out["history"] = plain(client.history(HistoryRequest(channel=channel, limit=10)))
since = StreamPosition(offset=first.offset, epoch=first.epoch)
out["since"] = plain(client.history(HistoryRequest(channel=channel, limit=10, since=since)))
out["other_epoch"] = refused(client.history, HistoryRequest(channel=channel, limit=1, since=StreamPosition(epoch="x")))
out["unknown_channel"] = refused(client.publish, PublishRequest(channel="nothing:x", data=1))
out["not_available"] = refused(client.presence, PresenceRequest(channel="plain:x"))

client.subscribe(SubscribeRequest(user=user, channel="chat:given", info={"role": "guest"}, data={"hello": 1}))
out["presence"] = plain(client.presence(PresenceRequest(channel="chat:given")))
out["presence_stats"] = plain(client.presence_stats(PresenceStatsRequest(channel="chat:given")))
out["channels"] = plain(client.channels(ChannelsRequest(pattern="chat:g*")))
out["info"] = plain(client.info(InfoRequest()))
out["connections"] = plain(client.connections(ConnectionsRequest(user=user, expression="")))
out["status"] = plain(client.get_user_status(GetUserStatusRequest(users=[user, "nobody"])))
client.refresh(RefreshRequest(user=user, expire_at=4102444800))
batch = client.batch(BatchRequest(parallel=True, requests=[
    PublishRequest(channel="chat:batch", data=1), PresenceStatsRequest(channel="chat:given"), InfoRequest()]))
out["batch"] = [plain(reply) for reply in batch.replies]
client.unsubscribe(UnsubscribeRequest(user=user, channel="chat:given"))
client.history_remove(HistoryRemoveRequest(channel=channel))
out["removed"] = plain(client.history(HistoryRequest(channel=channel, limit=10)))
client.block_user(BlockUserRequest(user="nobody", expire_at=4102444800))
out["blocked"] = plain(client.get_user_status(GetUserStatusRequest(users=["nobody"])))
client.unblock_user(UnblockUserRequest(user="nobody"))
client.disconnect(DisconnectRequest(user=user, disconnect=Disconnect(code=4500, reason="bye")))
try:
    Client(address, "another").info(InfoRequest())
except CentUnauthorizedError:
    out["unauthorized"] = True
print(json.dumps(out))
