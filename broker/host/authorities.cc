#include "broker/host/authorities.h"

#include <algorithm>

#include "base/visible.h"

namespace lcg::host {
namespace {

bool is_prefix_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Two ids that differ differ to the eye as well, and none ends a line of a log or a key of a table before its time.
bool is_user_id(std::string_view user) { return user.size() <= kMaxUserId && all_visible(user); }

}  // namespace

std::string fault_of_user_prefix(std::string_view prefix) {
  const bool good = prefix.size() >= 2 && prefix.size() <= kMaxUserPrefix && prefix.back() == '@' &&
                    std::all_of(prefix.begin(), prefix.end() - 1, is_prefix_character);
  return good ? "" : "must be 1 to 15 of a-z, 0-9, '-', '_', then '@', such as \"shop@\"";
}

void Authorities::add(std::string plugin, bool takes_connect, std::string prefix, std::string where) {
  plugins_.push_back({std::move(plugin), takes_connect, std::move(prefix), std::move(where)});
}

std::vector<std::string> Authorities::faults() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < plugins_.size(); ++i) {
    const Entry& entry = plugins_[i];
    if (!entry.takes_connect) {
      if (!entry.prefix.empty())
        out.push_back(entry.where + ": '" + entry.plugin +
                      "' lets nobody in, so no user id is its own: remove it");
      continue;
    }
    // No prefix ends before its '@' and none has two, so two that differ never begin the same id.
    for (size_t before = 0; before < i; ++before) {
      const Entry& other = plugins_[before];
      if (!other.takes_connect || other.prefix != entry.prefix) continue;
      out.push_back(
          entry.where + ": '" + other.plugin + "' and '" + entry.plugin +
          "' could give two people the same user id: " +
          (entry.prefix.empty() ? "both have no user_prefix" : "both have \"" + entry.prefix + "\"") +
          "; give each its own (one may do without), or say authenticates: false of the one that is to "
          "let nobody in");
      break;
    }
  }
  return out;
}

bool Authorities::may_give(uint32_t plugin, std::string_view user) const {
  if (user.empty()) return true;
  if (!is_user_id(user)) return false;
  const Entry& own = plugins_[plugin];
  if (!own.prefix.empty()) return user.size() > own.prefix.size() && user.starts_with(own.prefix);
  return prefix_of(user).empty();
}

std::string_view Authorities::prefix_of(std::string_view user) const {
  for (const Entry& entry : plugins_)
    if (!entry.prefix.empty() && user.starts_with(entry.prefix)) return entry.prefix;
  return {};
}

}  // namespace lcg::host
