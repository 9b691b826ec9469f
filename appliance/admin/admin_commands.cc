#include "appliance/admin/admin_commands.h"

#include <charconv>
#include <memory>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "lcg/lcg_plugin.h"
#include "lcg/services/message_id.hpp"
#include "lcg/services/uaa_wire.hpp"

namespace lcg::admin {
namespace {

constexpr size_t kMaxArgument = size_t{16} * 1024;  // bytes; a token is the longest
constexpr uint32_t kMaxRows = 10'000;               // of one listing, all lanes together
constexpr Millis kTimeout{5'000};

std::string result(std::string_view json) { return "{\"result\":" + std::string(json) + "}"; }

std::string failure(std::string_view why) {
  std::string out;
  JsonWriter(out).begin_object().field("error", why).end_object();
  return out;
}

}  // namespace

struct AdminCommands::Args {
  std::string command, filter, id, user, token, auth, session;
  int64_t ttl_ms = 3'600'000;
  uint32_t limit = 1000;

  // "" or what is wrong.
  std::string parse(std::string_view request) {
    JsonReader r(request);
    std::string_view key;
    r.enter_object();
    while (r.next_member(key)) {
      if (key == "command")
        r.read(command, kMaxArgument);
      else if (key == "filter")
        r.read(filter, kMaxArgument);
      else if (key == "id")
        r.read(id, kMaxArgument);
      else if (key == "user")
        r.read(user, kMaxArgument);
      else if (key == "token")
        r.read(token, kMaxArgument);
      else if (key == "auth")
        r.read(auth, kMaxArgument);
      else if (key == "session")
        r.read(session, kMaxArgument);
      else if (key == "ttl_ms")
        r.read(ttl_ms);
      else if (key == "limit")
        r.read(limit);
    }
    return r.finish() ? "" : r.error_text();
  }
};

void AdminCommands::run(std::string_view request, Answer answer) {
  Args args;
  if (const std::string wrong = args.parse(request); !wrong.empty())
    return answer(failure("request: " + wrong));
  const std::string& c = args.command;
  if (c == "status") return status(std::move(answer));
  if (c == "sessions") return inspect(Inspect::What::kSessions, args, std::move(answer));
  if (c == "channels") return inspect(Inspect::What::kChannels, args, std::move(answer));
  if (c == "slots") return inspect(Inspect::What::kSlots, args, std::move(answer));
  if (c == "explain") return explain(args, std::move(answer));
  if (c == "token_create") return token_create(args, std::move(answer));
  if (c == "token_inspect") return token_inspect(args, std::move(answer));
  if (c == "revoke") return revoke(args, std::move(answer));
  if (c == "disconnect") return disconnect(args, std::move(answer));
  if (c == "keys") return keys("keys", std::move(answer));
  if (c == "keys_rotate") return keys("rotate_key", std::move(answer));
  if (c == "keys_rewrap") return keys("rewrap_keys", std::move(answer));
  answer(failure("no command \"" + c + "\""));
}

void AdminCommands::status(Answer answer) {
  facts_.sessions([this, answer = std::move(answer)](size_t open) mutable {
    std::string out;
    JsonWriter w(out);
    w.begin_object().field("version", facts_.version).field("lanes", facts_.lanes);
    w.field("uptime_s",
            std::chrono::duration_cast<std::chrono::seconds>(lane_.now() - facts_.started).count());
    w.field("sessions", open).field("slots", bus_.slot_count()).end_object();
    answer(result(out));
  });
}

// Asks every lane and joins the rows.
void AdminCommands::inspect(Inspect::What what, const Args& args, Answer answer) {
  struct Join {
    Answer answer;
    std::string rows;
    uint32_t waiting = 0, count = 0, limit = 0;
    bool more = false;
    std::string error;
  };
  auto join = std::make_shared<Join>();
  join->answer = std::move(answer);
  join->waiting = bus_.broker_lane_count();
  join->limit = std::min(args.limit, kMaxRows);
  for (uint32_t lane = 0; lane < bus_.broker_lane_count(); ++lane) {
    ask(bus_, lane_, Target::lane(lane), Inspect{what, args.filter, join->limit},
        [join](InspectResponse response) {
          for (const std::string& row : response.rows) {
            if (join->count == join->limit) join->more = true;
            if (join->count == join->limit) break;
            join->rows.append(join->count++ == 0 ? "" : ",").append(row);
          }
          join->more |= response.more;
          if (!response.ok()) join->error = response.error.message;
          if (--join->waiting > 0) return;
          if (!join->error.empty())
            join->answer(failure(join->error));
          else
            join->answer(
                result("{\"rows\":[" + join->rows + "],\"more\":" + (join->more ? "true" : "false") + "}"));
        });
  }
}

void AdminCommands::call(std::string service, std::string method, std::string key, std::string data,
                         UniqueFunction<std::string(const ServiceCallResponse&)> to_json, Answer answer) {
  ServiceCall call;
  call.service = std::move(service);
  call.method = std::move(method);
  call.key = std::move(key);
  call.data = std::move(data);
  call.caller = "admin";
  host_.call(
      std::move(call), kTimeout,
      [to_json = std::move(to_json), answer = std::move(answer)](ServiceCallResponse response) mutable {
        if (response.status == LCG_OK) return answer(to_json(response));
        if (response.status == LCG_E_NOT_FOUND)
          return answer(failure(response.message.empty() ? "not found" : response.message));
        answer(failure(response.message.empty() ? "status " + std::to_string(response.status)
                                                : response.message));
      });
}

void AdminCommands::explain(const Args& args, Answer answer) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(args.id.data(), args.id.data() + args.id.size(), id);
  if (error != std::errc() || end != args.id.data() + args.id.size())
    return answer(failure("not a message id: " + args.id));
  const uint32_t slot = message::slot_of_id(id);
  if (slot >= bus_.slot_count()) return answer(failure("not found"));
  call(
      "message", "explain", message::partition_of_slot(slot), wire::Writer().u64(id).take(),
      [](const ServiceCallResponse& r) { return result(r.data); }, std::move(answer));
}

void AdminCommands::token_create(const Args& args, Answer answer) {
  if (args.ttl_ms <= 0) return answer(failure("ttl must be positive"));
  call(
      "uaa", "issue_token", args.user, wire::Writer().u64(static_cast<uint64_t>(args.ttl_ms)).take(),
      [](const ServiceCallResponse& r) {
        uaa::IssuedToken token;
        if (!uaa::decode(r.data, token)) return failure("uaa answered in another format");
        std::string out;
        JsonWriter w(out);
        w.begin_object().field("access_token", token.access_token).field("auth", token.auth_id);
        w.field("expire_at_ms", token.expire_at_ms).end_object();
        return result(out);
      },
      std::move(answer));
}

void AdminCommands::token_inspect(const Args& args, Answer answer) {
  call(
      "uaa", "inspect", "", wire::Writer().str(args.token).take(),
      [](const ServiceCallResponse& r) {
        uaa::Inspection i;
        if (!uaa::decode(r.data, i)) return failure("uaa answered in another format");
        std::string out;
        JsonWriter w(out);
        w.begin_object().field("active", i.active).field("verdict", i.verdict).field("user", i.user);
        w.field("auth", i.auth_id)
            .field("token_id", i.token_id)
            .field("issuer", i.issuer)
            .field("audience", i.audience);
        w.field("issued_at_ms", i.issued_at_ms).field("expire_at_ms", i.expire_at_ms).end_object();
        return result(out);
      },
      std::move(answer));
}

void AdminCommands::revoke(const Args& args, Answer answer) {
  if (args.user.empty()) return answer(failure("revoke needs a user"));
  call(
      "uaa", "revoke", args.user, wire::Writer().str(args.auth).take(),
      [](const ServiceCallResponse&) { return result("{}"); }, std::move(answer));
}

void AdminCommands::keys(std::string method, Answer answer) {
  call(
      "uaa", std::move(method), std::string(uaa::kKeyPartition), "",
      [](const ServiceCallResponse& r) { return result(r.data); }, std::move(answer));
}

void AdminCommands::disconnect(const Args& args, Answer answer) {
  if (args.user.empty()) return answer(failure("disconnect needs a user"));
  DisconnectSessions request{args.session, args.user, "", args.auth,
                             make_disconnect(disconnect_code::kForceDisconnect)};
  ask(bus_, lane_, Target::slot(slot_of_key(args.user, bus_.slot_count())), std::move(request),
      [answer = std::move(answer)](DisconnectSessionsResponse response) mutable {
        if (!response.ok()) return answer(failure("not all sessions are known to be closed: try again"));
        answer(result("{\"closed\":" + std::to_string(response.closed) + "}"));
      });
}

}  // namespace lcg::admin
