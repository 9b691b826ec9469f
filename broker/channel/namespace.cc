#include "broker/channel/namespace.h"

#include <algorithm>

#include "base/channel_name.h"
#include "base/visible.h"
#include "broker/api/bus.h"
#include "broker/api/codes.h"

namespace lcg::broker {

ChannelName::ChannelName(std::string_view channel) {
  if (!channel.empty() && channel.front() == '$') {
    is_private = true;
    channel.remove_prefix(1);
  }
  rest = channel;
  if (const size_t boundary = channel.find(':'); boundary != std::string_view::npos) {
    has_namespace = true;
    space = channel.substr(0, boundary);
    rest = channel.substr(boundary + 1);
  }
  if (const size_t boundary = rest.rfind('#'); boundary != std::string_view::npos) {
    has_users = true;
    users = rest.substr(boundary + 1);
  }
}

bool ChannelName::lists(std::string_view user) const {
  if (user.empty()) return false;
  std::string_view left = users;
  while (true) {
    const size_t comma = left.find(',');
    if (is_user_in_channel(left.substr(0, comma), user)) return true;
    if (comma == std::string_view::npos) return false;
    left.remove_prefix(comma + 1);
  }
}

Namespaces::Namespaces(ChannelOptions without_namespace, std::vector<ChannelOptions> list)
    : without_(std::move(without_namespace)) {
  without_.number = 0;
  without_.personal = true;
  for (ChannelOptions& options : list) {
    std::string name = options.name;
    options.number = static_cast<uint32_t>(by_name_.size() + 1);
    by_name_.emplace(std::move(name), std::move(options));
  }
}

namespace {

bool fits(const ChannelOptions& options, std::string_view channel, std::string_view rest) {
  if (rest.empty()) return false;
  if (options.pattern == nullptr)
    return std::all_of(channel.begin(), channel.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  return options.pattern->matches(rest);
}

}  // namespace

Namespaces::Found Namespaces::find(std::string_view channel) const {
  // People see names, in logs and on pages: nothing is in one that would not be seen, whatever a channel_regex allows.
  if (channel.empty() || channel.size() > kMaxChannelLength || !all_visible(channel))
    return {nullptr, error_code::kBadRequest};
  const ChannelName name(channel);
  const ChannelOptions* options = &without_;
  if (name.has_namespace) {
    const auto found = by_name_.find(name.space);
    if (found == by_name_.end()) return {nullptr, error_code::kUnknownChannel};
    options = &found->second;
  }
  if (!fits(*options, channel, name.rest)) return {nullptr, error_code::kBadRequest};
  // A provider's channels have no private twins: its own word is the only key.
  if (name.is_private && options->provided()) return {nullptr, error_code::kPermissionDenied};
  return {options, 0};
}

std::vector<std::string_view> Namespaces::names() const {
  std::vector<std::string_view> names(count());
  for (const auto& [name, options] : by_name_) names[options.number] = name;
  return names;
}

bool Namespaces::provided(std::string_view channel) const {
  const Found found = find(channel);
  return found.options != nullptr && found.options->provided();
}

std::string_view Namespaces::key_of(std::string_view channel) const {
  return key_of_channel(channel, provided(channel));
}

bool Namespaces::valid_name(std::string_view name) {
  constexpr auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace lcg::broker
