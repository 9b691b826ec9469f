// Any bytes as the options of a plugin's answer: the first says of which, the rest is the JSON. What is taken is
// within its limits, names no channel and no tag twice, and what becomes a part of a line has no line break.
#include "broker/plugin_options.h"

#include <cstdint>
#include <cstdlib>
#include <set>

#include "base/json_reader.h"
#include "broker/plugin_json.h"

namespace {

using namespace lcg::broker;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_line(const lcg::SharedBytes& json) {
  if (json.empty()) return;
  require(json.view().find_first_of("\r\n") == std::string_view::npos);
  require(lcg::validate_json(json.view(), {kMaxPluginJson, 64}));
}

void check_connect(std::string_view json) {
  const auto subs = read_connect_options(json);
  if (!subs) return;
  require(subs->size() <= kMaxServerSubs);
  std::set<std::string_view> names;
  for (const lcg::ServerSub& sub : *subs) {
    require(!sub.channel.empty() && names.insert(sub.channel).second && sub.grant != nullptr);
    require(sub.grant->expire_at_ms >= 0);
    check_line(sub.grant->info);
    check_line(sub.grant->data);
  }
}

void check_publish(std::string_view json) {
  const auto options = read_publish_options(json);
  if (!options) return;
  require(options->tags.size() <= kMaxTags);
  require(options->idempotency_key.size() <= kMaxIdempotencyKeyBytes);
  require(options->version_epoch.size() <= kMaxIdempotencyKeyBytes);
  for (size_t i = 0; i < options->tags.size(); ++i) {
    require(!options->tags[i].first.empty() && options->tags[i].first.size() <= kMaxTagBytes);
    require(options->tags[i].second.size() <= kMaxTagBytes);
    require(i == 0 || options->tags[i - 1].first < options->tags[i].first);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) {
    check_connect(json);
  } else if (data[0] % 3 == 1) {
    lcg::SubscribeGrant grant;
    read_subscribe_options(json, grant);
  } else {
    check_publish(json);
  }
  return 0;
}
