#include "broker/channel/ingress.h"

#include <algorithm>

#include "base/utf8.h"
#include "broker/api/codes.h"
#include "broker/plugin_json.h"
#include "broker/plugin_options.h"

namespace lcg::broker {
namespace {

bool is_object(std::string_view json) {
  const size_t first = json.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && json[first] == '{';
}

// The data is left alone unless it becomes a line of JSON.
bool to_line(DataFormat format, SharedBytes& data) {
  std::optional<SharedBytes> line = one_json_line(data);
  if (!line) return false;
  // Who wants any bytes wants the same bytes.
  if (format == DataFormat::kBinary && line->size() != data.size()) return false;
  data = std::move(*line);
  return true;
}

bool fits(const std::string& text, size_t max_bytes) { return text.size() <= max_bytes && valid_utf8(text); }

}  // namespace

uint32_t admit_data(const ChannelOptions& options, bool checked_json, SharedBytes& data, bool& binary,
                    std::string_view& why) {
  const DataFormat format = options.provided() ? DataFormat::kJson : options.data_format;
  binary = false;
  if (data.empty()) {
    binary = true;
    if (format == DataFormat::kBinary) return 0;
    why = "a publication must have data";
    return error_code::kBadRequest;
  }
  if (checked_json || to_line(format, data)) {
    if (format != DataFormat::kJsonObject || is_object(data.view())) return 0;
    why = "a publication's data must be a JSON object";
    return error_code::kBadRequest;
  }
  binary = true;
  if (format == DataFormat::kAny || format == DataFormat::kBinary) return 0;
  why = "a publication's data must be one JSON value";
  return error_code::kBadRequest;
}

uint32_t admit_options(PublishOptions& options, std::string_view& why) {
  if (options.idempotency_key.size() > kMaxIdempotencyKeyBytes ||
      options.version_epoch.size() > kMaxIdempotencyKeyBytes) {
    why = "an idempotency_key or version_epoch has at most 256 bytes";
    return error_code::kBadRequest;
  }
  if (options.tags.empty()) return 0;
  const bool fitting =
      options.tags.size() <= kMaxTags &&
      std::all_of(options.tags.begin(), options.tags.end(), [](const auto& tag) {
        return !tag.first.empty() && fits(tag.first, kMaxTagBytes) && fits(tag.second, kMaxTagBytes);
      });
  if (!fitting) {
    why = "at most 64 tags, each a key and a value of UTF-8 of 256 bytes at most";
    return error_code::kBadRequest;
  }
  std::sort(options.tags.begin(), options.tags.end());
  const auto same = std::adjacent_find(options.tags.begin(), options.tags.end(),
                                       [](const auto& a, const auto& b) { return a.first == b.first; });
  if (same == options.tags.end()) return 0;
  why = "a tag is there twice";
  return error_code::kBadRequest;
}

}  // namespace lcg::broker
