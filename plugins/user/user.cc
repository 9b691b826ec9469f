// SPDX-License-Identifier: Apache-2.0
// user: profiles, search by name, block lists. The rpc methods user.* and the service "user"; README.md lists
// them.
#include <algorithm>
#include <functional>
#include <string>

#include "lcg/json.hpp"
#include "lcg/plugin.hpp"
#include "lcg/provided.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/services/user.hpp"
#include "lcg/sync.hpp"
#include "plugins/names/names.h"
#include "plugins/rates/budget.h"
#include "plugins/user/block_list.h"
#include "plugins/user/profiles.h"
#include "plugins/user/registration.h"

namespace lcg::user {
namespace {

// Client protocol codes.
constexpr uint32_t kPermissionDenied = 103;
constexpr uint32_t kBadRequest = 107;
constexpr uint32_t kTooManyRequests = 111;
// Of changes, cost units a second and user: a name is looked for in some twenty places, the rest is written in one.
constexpr double kChangeRate = 5, kChangeCost = 1, kRenameCost = 4;
constexpr uint64_t kChangeBurst = 100;
// Of searches, cost units a second and user: 1 a search and 1 for 50 entries of the index, as the pages of dialogs cost.
constexpr double kSearchRate = 20, kEntriesPerUnit = 50;
constexpr uint64_t kSearchBurst = 100;
constexpr char kNotSeen[] = "a character in it is not seen";

Reply bad_request(std::string_view what) {
  return Reply::error(LCG_E_INVALID, std::string(what.substr(0, 100)), kBadRequest);
}
Reply too_many(uint64_t wait_ms) {
  return Reply::error(LCG_E_BUSY, "retry_after_ms:" + std::to_string(wait_ms), kTooManyRequests);
}
Reply failed(lcg_status status, const std::string& why) { return Reply::error(status, why); }

std::string profile_json(const Profile& profile, bool own) {
  json::Writer out;
  out.text("user", profile.user).text("name", profile.name);
  if (!profile.about.empty()) out.text("about", profile.about);
  if (!profile.avatar.empty()) out.text("avatar", profile.avatar);
  if (!profile.data.empty()) out.raw("data", profile.data);
  if (own && !profile.private_data.empty()) out.raw("private", profile.private_data);
  out.num("version", profile.version);
  if (profile.version > 0) out.num("updated", static_cast<uint64_t>(profile.updated_ms));
  return out.take();
}

std::string too_long(size_t limit) { return "expected at most " + std::to_string(limit) + " bytes"; }

void take_text(json::Object& in, std::string_view key, size_t limit, std::optional<std::string>& out) {
  if (!in.has(key)) return;
  out = in.text(key);
  if (out->size() <= limit) return;
  in.fail(key, too_long(limit));
  out.reset();  // it is not looked at any further
}

// What people see: plugins/names has the rule.
void check_texts(json::Object& in, ProfileChange& change) {
  if (change.name) {
    names::Name name = names::display(*change.name);
    if (name.fault != nullptr) in.fail("name", name.fault);
    change.name = std::move(name.text);
    if (change.name->size() > kMaxNameBytes) in.fail("name", too_long(kMaxNameBytes));  // as it is kept
  }
  if (change.about && !names::is_visible_text(*change.about)) in.fail("about", kNotSeen);
  if (change.avatar && !names::is_visible(*change.avatar)) in.fail("avatar", kNotSeen);
}

void take_json(json::Object& in, std::string_view key, size_t limit, std::optional<std::string>& out) {
  if (!in.has(key)) return;
  out = in.raw(key);
  if (out->size() > limit) in.fail(key, "expected at most " + std::to_string(limit) + " bytes of JSON");
}

class User {
 public:
  explicit User(Host host)
      : host_(storage::required(host)),
        profiles_(host),
        registration_(host),
        blocks_(host),
        dialogs_(host),
        searching_(kSearchRate, kSearchBurst),
        changing_(kChangeRate, kChangeBurst) {}

  Task<Reply> on_rpc(Request request) {
    using Method = Task<Reply> (User::*)(Request);
    static constexpr struct {
      std::string_view name;
      Method method;
    } kMethods[] = {{"user.get", &User::rpc_get},         {"user.put", &User::rpc_put},
                    {"user.search", &User::rpc_search},   {"user.block", &User::rpc_block},
                    {"user.unblock", &User::rpc_unblock}, {"user.blocks", &User::rpc_blocks}};
    for (const auto& entry : kMethods) {
      if (request.name != entry.name) continue;
      if (is_user_id(request.user_id)) return (this->*entry.method)(std::move(request));
      return answer(Reply::error(LCG_E_DENIED, "permission denied", kPermissionDenied));
    }
    return answer(Reply::defer());
  }

  Task<Reply> on_call(ServiceCall call) {
    if (call.method == "block_check") return serve_block_check(std::move(call));
    if (!is_user_id(call.key)) return answer(Reply::error(LCG_E_INVALID, "not a user id"));
    if (call.method == "get") return serve_get(std::move(call));
    if (call.method == "change") return serve_change(std::move(call));
    if (call.method == "search") return serve_search(std::move(call));
    if (call.method.ends_with("_name")) return serve_naming(std::move(call));
    if (call.method == "block" || call.method == "unblock") return serve_block(std::move(call));
    return answer(Reply::error(LCG_E_UNSUPPORTED, "user has no such method"));
  }

 private:
  static Task<Reply> answer(Reply reply) { co_return reply; }

  Task<Reply> rpc_get(Request request) {
    json::Object in;
    if (!json::Object::parse(request.data, in)) co_return bad_request("expected a JSON object");
    const std::string user = in.text("user", request.user_id);
    if (!is_user_id(user)) in.fail("user", "not a user id");
    if (!in.error().empty()) co_return bad_request(in.error());
    const Outcome<Profile> profile = co_await profiles_.get(user);
    if (!profile.ok()) co_return failed(profile.status, profile.message);
    co_return Reply::with(profile_json(profile.value, user == request.user_id));
  }

  // The change itself happens where the user's slot is owned, one at a time.
  Task<Reply> rpc_put(Request request) {
    json::Object in;
    if (!json::Object::parse(request.data, in)) co_return bad_request("expected a JSON object");
    ProfileChange change;
    take_text(in, "name", kMaxNameBytes, change.name);
    take_text(in, "about", kMaxAboutBytes, change.about);
    take_text(in, "avatar", kMaxAvatarBytes, change.avatar);
    check_texts(in, change);
    take_json(in, "data", kMaxDataBytes, change.data);
    take_json(in, "private", kMaxPrivateBytes, change.private_data);
    if (!in.error().empty()) co_return bad_request(in.error());
    Call call("user", "change", request.user_id, encode(change));
    const Reply changed = co_await host_.call(std::move(call));
    Profile profile;
    if (changed.status == LCG_E_INVALID) co_return bad_request(changed.message);
    if (changed.error_code == kTooManyRequests) co_return changed;
    if (!changed.ok()) co_return failed(changed.status, changed.message);
    if (!decode(changed.data, profile)) co_return Reply::error(LCG_E_INTERNAL, "malformed answer");
    co_return Reply::with(profile_json(profile, true));
  }

  Task<Reply> rpc_search(Request request) {
    json::Object in;
    if (!json::Object::parse(request.data, in)) co_return bad_request("expected a JSON object");
    std::string prefix = in.required_text("prefix");
    if (prefix.size() > kMaxNameBytes) {
      in.fail("prefix", too_long(kMaxNameBytes));
    } else if (!names::is_visible(prefix)) {
      in.fail("prefix", kNotSeen);
    }
    const uint64_t limit = in.u64("limit").value_or(kMaxFound);
    if (limit < 1 || limit > kMaxFound) in.fail("limit", "expected 1 to " + std::to_string(kMaxFound));
    const Profiles::Place after = place_of(in);
    if (in.error().empty() && !Profiles::is_place(prefix, after)) in.fail("after", "is of another search");
    if (!in.error().empty()) co_return bad_request(in.error());
    std::string data = wire::Writer().str(prefix).str(after.name).str(after.user).u64(limit).take();
    Call call("user", "search", request.user_id, std::move(data));
    co_return co_await host_.call(std::move(call));
  }

  // What an answer has said as "after".
  static Profiles::Place place_of(json::Object& in) {
    if (!in.has("after")) return {};
    const std::string text = in.raw("after");  // `place` looks into it
    json::Object place;
    if (!json::Object::parse(text, place)) {
      in.fail("after", "expected what an answer said");
      return {};
    }
    Profiles::Place out{place.required_text("name"), place.required_text("user")};
    if (!place.error().empty()) in.fail("after", "expected what an answer said");
    return out;
  }

  // Where the slot of the user who asks is owned: there the searches of all the user's sessions are paid for.
  Task<Reply> serve_search(ServiceCall call) {
    wire::Reader reader(call.data);
    std::string prefix(reader.str());
    Profiles::Place after;
    after.name = reader.str();
    after.user = reader.str();
    const uint64_t limit = std::max<uint64_t>(reader.u64(), 1);  // a page that goes on
    if (!reader.ok() || prefix.empty() || limit > kMaxFound || !Profiles::is_place(prefix, after))
      co_return Reply::error(LCG_E_INVALID, "malformed search");
    const uint64_t wait_ms = searching_.pay(call.key, 1, host_.now_ns());
    if (wait_ms != 0) co_return too_many(wait_ms);
    const auto found =
        co_await profiles_.search(std::move(prefix), std::move(after), static_cast<uint32_t>(limit));
    searching_.owe(call.key, static_cast<double>(found.value.looked_at) / kEntriesPerUnit, host_.now_ns());
    if (!found.ok()) co_return failed(found.status, found.message);
    std::string users = "[";
    for (const Profile& profile : found.value.users) {
      if (users.size() > 1) users += ',';
      users += json::Writer().text("user", profile.user).text("name", profile.name).take();
    }
    json::Writer out;
    out.raw("users", users + "]").boolean("more", found.value.more);
    const Profiles::Place& last = found.value.last;
    if (found.value.more)
      out.raw("after", json::Writer().text("name", last.name).text("user", last.user).take());
    co_return Reply::with(out.take());
  }

  Task<Reply> rpc_block(Request request) { return change_block(std::move(request), "block"); }
  Task<Reply> rpc_unblock(Request request) { return change_block(std::move(request), "unblock"); }

  // Written where the user's slot is owned. Answered when the dialogs know, so that from the answer on it counts;
  // also when it was so already, because an earlier call may have failed in between.
  Task<Reply> change_block(Request request, std::string method) {
    std::string other;
    Reply refusal = read_other(request, method == "unblock", other);
    if (!refusal.ok()) co_return refusal;
    Call call("user", std::move(method), request.user_id, wire::Writer().str(other).take());
    const Reply done = co_await host_.call(std::move(call));
    if (!done.ok()) co_return failed(done.status, done.message);
    const Reply told = co_await dialogs_.blocks_changed(request.user_id, std::move(other));
    if (!told.ok() && provided(host_, "dialog"))
      co_return failed(LCG_E_BUSY, "it is written, but a dialog may not know yet: ask again");
    co_return Reply::with("{}");
  }

  Task<Reply> rpc_blocks(Request request) {
    const auto blocked = co_await blocks_.list(request.user_id);
    if (!blocked.ok()) co_return failed(blocked.status, blocked.message);
    co_return Reply::with(json::Writer().texts("users", blocked.value).take());
  }

  // {"user": id of somebody else}. `old`: one from before will do, so that it can be taken back.
  static Reply read_other(const Request& request, bool old, std::string& other) {
    json::Object in;
    if (!json::Object::parse(request.data, in)) return bad_request("expected a JSON object");
    other = in.required_text("user");
    if (!(old ? is_old_user_id(other) : is_user_id(other)) || other == request.user_id)
      in.fail("user", "expected another user's id");
    return in.error().empty() ? Reply() : bad_request(in.error());
  }

  Task<Reply> serve_get(ServiceCall call) {
    const Outcome<Profile> profile = co_await profiles_.get(std::move(call.key));
    if (!profile.ok()) co_return failed(profile.status, profile.message);
    co_return Reply::with(encode(profile.value));
  }

  Task<Reply> serve_change(ServiceCall call) {
    ProfileChange change;
    if (!decode(call.data, change)) co_return Reply::error(LCG_E_INVALID, "malformed change");
    const uint64_t wait_ms = changing_.pay(call.key, change.name ? kRenameCost : kChangeCost, host_.now_ns());
    if (wait_ms != 0) co_return too_many(wait_ms);
    const auto turn = co_await writing_.acquire(call.key);
    const Outcome<Profile> profile = co_await profiles_.change(std::move(call.key), std::move(change));
    if (!profile.ok()) co_return failed(profile.status, profile.message);
    co_return Reply::with(encode(profile.value));
  }

  Task<Reply> serve_naming(ServiceCall call) {
    Naming naming;
    naming.user = std::move(call.key);
    if (!decode(call.data, naming)) co_return Reply::error(LCG_E_INVALID, "malformed call");
    if (call.method == "check_name") co_return co_await registration_.check(std::move(naming));
    const auto turn = co_await writing_.acquire(naming.user);
    if (call.method == "take_name") co_return co_await registration_.take(std::move(naming));
    if (call.method == "release_name") co_return co_await registration_.release(std::move(naming));
    co_return Reply::error(LCG_E_UNSUPPORTED, "user has no such method");
  }

  Task<Reply> serve_block(ServiceCall call) {
    wire::Reader reader(call.data);
    std::string other(reader.str());
    const bool fits = call.method == "block" ? is_user_id(other) : is_old_user_id(other);
    if (!reader.ok() || !fits) co_return Reply::error(LCG_E_INVALID, "not a user id");
    if (call.method == "block") co_return co_await blocks_.block(std::move(call.key), std::move(other));
    co_return co_await blocks_.unblock(std::move(call.key), std::move(other));
  }

  Task<Reply> serve_block_check(ServiceCall call) {
    wire::Reader reader(call.data);
    std::string second(reader.str());
    const auto fits = [](std::string_view id) { return !id.empty() && id.size() <= kMaxUserBytes; };
    if (!reader.ok() || !fits(call.key) || !fits(second))
      co_return Reply::error(LCG_E_INVALID, "not a user id");
    const Outcome<Blocks> blocks = co_await blocks_.check(std::move(call.key), std::move(second));
    if (!blocks.ok()) co_return failed(LCG_E_BUSY, blocks.message);
    wire::Writer out;
    out.boolean(blocks.value.first_blocks_second).boolean(blocks.value.second_blocks_first);
    co_return Reply::with(out.take());
  }

  const Host host_;
  const Profiles profiles_;
  const Registration registration_;
  BlockList blocks_;
  const dialog::Client dialogs_;
  rates::Budget searching_, changing_;
  // By user: a profile and a registration write the same rows, and take back what they find to be their own.
  KeyedLock<std::string> writing_;
};

}  // namespace
}  // namespace lcg::user

LCG_PLUGIN_PROVIDES(lcg::user::User, "user", "0.1.0", "Apache-2.0", "user")
