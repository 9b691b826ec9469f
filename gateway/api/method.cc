#include "gateway/api/method.h"

#include <algorithm>
#include <array>

namespace lcg::gateway::api {
namespace {

using namespace field;  // NOLINT: the table is of nothing else

constexpr bool kRequired = true;

constexpr Param kOfPublish[] = {{&kChannel, kRequired}, {&kData},           {&kB64Data}, {&kTags},
                                {&kSkipHistory},        {&kIdempotencyKey}, {&kDelta},   {&kVersion},
                                {&kVersionEpoch}};
constexpr Param kOfBroadcast[] = {{&kChannels, kRequired}, {&kData},           {&kB64Data}, {&kTags},
                                  {&kSkipHistory},         {&kIdempotencyKey}, {&kDelta},   {&kVersion},
                                  {&kVersionEpoch}};
constexpr Param kOfSubscribe[] = {
    {&kUser},    {&kChannel, kRequired}, {&kClient},       {&kSession}, {&kInfo}, {&kB64Info}, {&kData},
    {&kB64Data}, {&kExpireAt},           {&kRecoverSince}, {&kOverride}};
constexpr Param kOfUnsubscribe[] = {{&kUser}, {&kChannel}, {&kClient}, {&kSession}};
constexpr Param kOfDisconnect[] = {{&kUser}, {&kClient}, {&kSession}, {&kWhitelist}, {&kDisconnect}};
constexpr Param kOfRefresh[] = {{&kUser}, {&kClient}, {&kSession}, {&kExpired}, {&kExpireAt}, {&kInfo}};
constexpr Param kOneChannel[] = {{&kChannel, kRequired}};
constexpr Param kOfHistory[] = {{&kChannel, kRequired}, {&kLimit}, {&kSince}, {&kReverse}};
constexpr Param kOfChannels[] = {{&kPattern}};
constexpr Param kOfRpc[] = {{&kMethod, kRequired}, {&kParams}, {&kUser}};
constexpr Param kOfSessions[] = {{&kUser, kRequired}, {&kExpression}};
constexpr Param kOfUserStatus[] = {{&kUsers, kRequired}};
constexpr Param kOfBlockUser[] = {{&kUser, kRequired}, {&kExpireAt}};
constexpr Param kOneUser[] = {{&kUser, kRequired}};
constexpr Param kOfRevoke[] = {{&kUser}, {&kAuth}, {&kUid}, {&kIssuedBefore}, {&kExpireAt}, {&kChannel}};
constexpr Param kOfRevokeToken[] = {{&kUid, kRequired}, {&kExpireAt}};
constexpr Param kOfInvalidate[] = {{&kUser, kRequired}, {&kIssuedBefore}, {&kExpireAt}, {&kChannel}};

constexpr Method kMethods[] = {
    {"publish", Reach::kChannel, kOfPublish, publish},
    {"broadcast", Reach::kChannel, kOfBroadcast, broadcast},
    {"subscribe", Reach::kChannel, kOfSubscribe, subscribe},
    {"unsubscribe", Reach::kChannel, kOfUnsubscribe, unsubscribe},
    {"disconnect", Reach::kWide, kOfDisconnect, disconnect},
    {"refresh", Reach::kWide, kOfRefresh, refresh},
    {"presence", Reach::kChannel, kOneChannel, presence},
    {"presence_stats", Reach::kChannel, kOneChannel, presence_stats},
    {"history", Reach::kChannel, kOfHistory, history},
    {"history_remove", Reach::kChannel, kOneChannel, history_remove},
    {"channels", Reach::kWide, kOfChannels, channels},
    {"info", Reach::kWide, {}, info},
    {"rpc", Reach::kWide, kOfRpc, rpc},
    {"sessions", Reach::kWide, kOfSessions, sessions},
    {"connections", Reach::kWide, kOfSessions, sessions},
    {"user_status", Reach::kWide, kOfUserStatus, user_status},
    {"get_user_status", Reach::kWide, kOfUserStatus, user_status},
    {"block_user", Reach::kWide, kOfBlockUser, block_user},
    {"unblock_user", Reach::kWide, kOneUser, unblock_user},
    {"revoke", Reach::kWide, kOfRevoke, revoke},
    {"revoke_token", Reach::kWide, kOfRevokeToken, revoke},
    {"invalidate_user_tokens", Reach::kWide, kOfInvalidate, revoke},
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

const Method* find_method(std::string_view name) {
  const auto found = std::find_if(std::begin(kMethods), std::end(kMethods),
                                  [&](const Method& method) { return method.name == name; });
  return found == std::end(kMethods) ? nullptr : found;
}

std::string Call::say(std::string_view field, std::string_view text) {
  std::string out(field);
  if (!field.empty()) out.append(": ");
  return out.append(text);
}

Error Call::refusal(const Outcome& outcome) {
  Error error = outcome.error ? outcome.error : make_error(error_code::kInternal);
  if (error.message.empty()) error.message = error_text(error.code);
  return error;
}

bool Call::sees(std::string_view channel) const {
  if (key == nullptr || key->namespaces.empty()) return true;
  return std::find(key->namespaces.begin(), key->namespaces.end(), namespace_of(channel)) !=
         key->namespaces.end();
}

std::string_view namespace_of(std::string_view channel) {
  if (channel.starts_with('$')) channel.remove_prefix(1);
  const size_t colon = channel.find(':');
  return colon == std::string_view::npos ? std::string_view() : channel.substr(0, colon);
}

}  // namespace lcg::gateway::api
