// connect: authentication, then the server-side subscriptions, then the reply. Source: client-protocol 1.7, 1.14.
//
// All server-side subscriptions are asked for at once and any failure fails the connect. Nothing of theirs is
// pushed before the reply: they are pending in the hub until it is sent. A unidirectional client cannot subscribe
// later: the channels it names are asked for too, with a client's permissions, and those it may not have are left out.
#include <algorithm>
#include <unordered_set>

#include "base/visible.h"
#include "gateway/session/command_handler.h"
#include "gateway/session/emulation.h"

namespace lcg::gateway {

namespace {

// Of the client's name and of its version: what a program calls itself, shown to operators.
constexpr size_t kMaxClientTextBytes = 255;

// Null: they may be shown.
const char* fault_of_client(const protocol::ConnectCommand& connect) {
  for (const std::string_view text : {connect.name, connect.version})
    if (text.size() > kMaxClientTextBytes || !all_visible(text))
      return "bad request: name and version are at most 255 bytes of visible text";
  return nullptr;
}

struct Recover {
  std::string channel;
  StreamPosition since;
};

struct Wanted {
  std::string channel, token;
};

struct Progress {
  struct Sub {
    Subscription* subscription;
    SubscribeRequest request;
    SubscribeResponse answer;
  };
  uint32_t id = 0;
  std::vector<Recover> recover;
  std::vector<Wanted> wanted;  // of a unidirectional client
  ConnectResponse connect;
  std::vector<Sub> subs;
  size_t waiting = 0;
};
using ProgressPtr = std::shared_ptr<Progress>;

// One command may recover every channel: together no more than one reply should hold. `bytes`: of those before that
// stayed. What has no room, or is not for this encoding, is not recovered, and leaves the room to those behind it.
void bound_recovery(const Session& session, SubscribeResponse& answer, size_t& bytes) {
  if (answer.publications.empty()) return;
  size_t own = 0;
  for (const PublicationPtr& one : answer.publications) own += one->data.size();
  if (bytes + own <= protocol::kMaxConnectRecoveryBytes && session.can_be_sent(answer.publications)) {
    bytes += own;
    return;
  }
  leave_out_publications(answer);
}

void reply(Session& session, Progress& progress) {
  SessionContext& context = session.context();
  const SessionOptions& options = context.options;
  std::vector<protocol::ServerSubscription> subs;
  subs.reserve(progress.subs.size());
  size_t recovered = 0;
  for (Progress::Sub& sub : progress.subs) {
    bound_recovery(session, sub.answer, recovered);
    session.set_expiry(*sub.subscription, sub.answer.expire_at_ms, sub.answer.server_refresh);
    subs.push_back({sub.subscription->channel->name, subscribe_reply(sub.answer)});
  }
  if (progress.connect.server_refresh) session.refreshed_by_server();
  const bool pings = options.ping_interval.count() > 0 && !session.frame_ping();
  const bool emulated = is_emulated(session.transport());
  // A unidirectional client sends nothing, so it needs no secret: this is the name that its back end calls it by.
  const std::string name(session.variant().unidirectional ? session.id() : session.secret());
  const std::string node = emulated ? node_text(context.gateway) : std::string();
  const protocol::ConnectReply reply{
      .client = session.id(),
      .version = options.server_version,
      .data = progress.connect.data.view(),
      .subs = subs,
      .ttl_seconds = session.set_expiry(progress.connect.expire_at_ms),
      .ping_seconds = pings ? static_cast<uint32_t>(
                                  std::chrono::ceil<std::chrono::seconds>(options.ping_interval).count())
                            : 0,
      .expects_pong = pings && !session.variant().unidirectional,
      .session = name,
      .node = node,
      .time_ms = options.connect_time ? context.lane.clock().wall_ms() : 0};
  session.opened();
  session.answer_secret(
      [&](const protocol::Encoder& encoder, std::string& out) { encoder.connect(out, progress.id, reply); });
  for (const Progress::Sub& sub : progress.subs) {
    session.activate_subscription(*sub.subscription, sub.answer);
    if (session.state() != SessionState::kOpen) return;  // one had lost its position
  }
  session.catch_up();
}

void finish(Session& session, Progress& progress) {
  const int64_t now_ms = session.context().lane.clock().wall_ms();
  for (Progress::Sub& sub : progress.subs) {
    if (sub.answer.disconnect) return session.close(sub.answer.disconnect);
  }
  std::erase_if(progress.subs, [&](const Progress::Sub& sub) {
    if (sub.request.server_side || !sub.answer.error) return false;
    session.remove_subscription(*sub.subscription, sub.answer.error.code == error_code::kInternal);
    return true;
  });
  for (Progress::Sub& sub : progress.subs) {
    const Error error = sub.answer.error ? sub.answer.error : check_answer(sub.answer, now_ms);
    if (error) return session.refused(progress.id, error);
    if (sub.subscription->pending != nullptr && sub.subscription->pending->ended) {
      // The next connect finds it ended, and need not end with it.
      return session.refused(progress.id, make_error(error_code::kInternal));
    }
  }
  reply(session, progress);
}

// Pending from now on; asked for by ask_subscription().
void add_subscription(Session& session, Progress& progress, const std::string& channel,
                      SubscribeGrantPtr grant) {
  Subscription& subscription = session.add_subscription(channel, true);
  subscription.grant = grant;
  SubscribeRequest request{.channel = channel,
                           .peer = session.peer(),
                           .token = {},
                           .data = {},
                           .positioned = true,
                           .recoverable = true,
                           .server_side = true,
                           .since = {},
                           .grant = std::move(grant)};
  const auto from = std::find_if(progress.recover.begin(), progress.recover.end(),
                                 [&](const Recover& recover) { return recover.channel == channel; });
  if (from != progress.recover.end()) {
    request.recover = true;
    request.since = from->since;
  }
  progress.subs.push_back({&subscription, std::move(request), {}});
}

void ask_subscription(Session& session, const ProgressPtr& progress, size_t index) {
  const SubscribeRequest& request = progress->subs[index].request;
  session.ask(session.context().routes.channel(request.channel), request,
              [progress, index](Session& asker, SubscribeResponse answer) {
                progress->subs[index].answer = std::move(answer);
                if (--progress->waiting == 0) finish(asker, *progress);
              });
}

// The peer is known to the broker from here on: whatever goes wrong, it is told.
void authenticated(Session& session, const ProgressPtr& progress) {
  SessionContext& context = session.context();
  ConnectResponse& connect = progress->connect;
  if (connect.peer == nullptr) return session.close(disconnect_code::kInternal);
  session.identify(connect.peer);
  if (!session.user_may_connect())
    return session.refused(progress->id, make_error(error_code::kTooManyRequests));
  if (connect.expire_at_ms != 0 && connect.expire_at_ms <= context.lane.clock().wall_ms()) {
    return session.refused(progress->id, make_error(error_code::kExpired));
  }
  const auto before = [](const ServerSub& a, const ServerSub& b) { return a.channel < b.channel; };
  const auto same = [](const ServerSub& a, const ServerSub& b) { return a.channel == b.channel; };
  std::stable_sort(connect.channels.begin(), connect.channels.end(), before);
  connect.channels.erase(std::unique(connect.channels.begin(), connect.channels.end(), same),
                         connect.channels.end());
  std::unordered_set<std::string> named;  // a client may name one twice
  std::erase_if(progress->wanted, [&](const Wanted& wanted) {
    return wanted.channel.empty() || wanted.channel.size() > context.options.channel_max_length ||
           !named.insert(wanted.channel).second ||
           std::any_of(connect.channels.begin(), connect.channels.end(),
                       [&](const ServerSub& sub) { return sub.channel == wanted.channel; });
  });
  if (connect.channels.size() + progress->wanted.size() > context.options.channel_limit)
    return session.close(disconnect_code::kChannelLimit);

  for (ServerSub& sub : connect.channels) {
    add_subscription(session, *progress, sub.channel, std::move(sub.grant));
    progress->subs.back().subscription->of_connect = true;
  }
  for (Wanted& wanted : progress->wanted) {
    add_subscription(session, *progress, wanted.channel, nullptr);
    progress->subs.back().subscription->by_client = true;
    SubscribeRequest& request = progress->subs.back().request;
    request.server_side = false;
    request.token = std::move(wanted.token);
  }
  progress->waiting = progress->subs.size();
  if (progress->waiting == 0) return reply(session, *progress);
  // The last answer may come inside the last request, and close the session.
  for (size_t i = 0, count = progress->subs.size(); i < count; ++i) ask_subscription(session, progress, i);
}

}  // namespace

void handle_connect(Session& session, const protocol::Command& command) {
  SessionContext& context = session.context();
  const protocol::ConnectCommand& connect = command.connect;
  if (connect.token.size() > protocol::kMaxTokenBytes) return session.close(disconnect_code::kInvalidToken);
  session.connecting();
  if (const char* fault = fault_of_client(connect); fault != nullptr)
    return session.refused(command.id, {error_code::kBadRequest, fault, false});

  auto progress = std::make_shared<Progress>();
  progress->id = command.id;
  std::vector<std::string> channels;
  for (const protocol::SubscribeCommand& sub : connect.subs) {
    channels.emplace_back(sub.channel);
    if (session.variant().unidirectional)
      progress->wanted.push_back({std::string(sub.channel), std::string(sub.token)});
    if (sub.recover) {
      progress->recover.push_back({std::string(sub.channel), {sub.offset, std::string(sub.epoch)}});
    }
  }
  const ClientHeaders emulated_device = device_headers(connect.headers);
  const auto of_device = [&](std::string_view name) {
    return value_of(name, session.device_headers(), emulated_device);
  };
  ConnectRequest request{
      .session = std::string(session.id()),
      .token = std::string(connect.token),
      .name = std::string(connect.name),
      .version = std::string(connect.version),
      .remote = session.remote().text(),
      .data = session.payload(connect.data),
      .gateway = context.gateway,
      .transport = session.transport(),
      .encoding = session.variant().encoding,
      .headers =
          headers_json(session.headers(), allowed_headers(context.options.emulated_headers, connect.headers)),
      .channels = std::move(channels),
      .asked = context.lane.now(),
      .accepted = session.accepted(),
      .device = of_device(kDeviceHeader),
      .device_epoch = of_device(kDeviceEpochHeader)};
  // Not Session::ask(): an answer that finds no session any more has registered one all the same.
  lcg::ask(context.bus, context.lane, Target::any(), std::move(request),
           [&context, handle = session.handle(), progress = std::move(progress)](ConnectResponse answer) {
             Session* asker = context.sessions.find(handle);
             if (asker == nullptr || !asker->opening()) {
               if (answer.ok() && answer.peer != nullptr) {
                 context.tell(context.routes.user(answer.peer->user),
                              SessionClosed{answer.peer, disconnect_code::kConnectionClosed});
               }
               return;
             }
             if (answer.disconnect) return asker->close(answer.disconnect);
             if (answer.error) return asker->refused(progress->id, answer.error);
             progress->connect = std::move(answer);
             authenticated(*asker, progress);
           });
}

}  // namespace lcg::gateway
