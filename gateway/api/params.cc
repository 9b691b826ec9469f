#include "gateway/api/params.h"

#include <algorithm>

namespace lcg::gateway::api {
namespace {

std::string at_most(size_t count, const char* what) {
  return "expected at most " + std::to_string(count) + " " + what;
}

// Reads one field. False: the JSON is at fault, and the reader knows why. What is wrong with the value alone, a limit that
// is passed or what stands in its quotes, is told in wrong(), and it is read to its end all the same.
class FieldReader {
 public:
  FieldReader(JsonReader& json, Params& params, size_t max) : json_(json), params_(params), max_(max) {}

  const std::string& wrong() const { return wrong_; }

  bool operator()(std::string Params::*into) { return text(params_.*into, max_); }

  bool operator()(std::vector<std::string> Params::*into) {
    std::vector<std::string>& list = params_.*into;
    list.clear();
    if (!json_.enter_array()) return false;
    while (json_.next_element()) {
      if (max_ != 0 && list.size() == max_) {
        wrong_ = at_most(max_, "entries");
        continue;
      }
      if (!text(list.emplace_back(), kMaxNameBytes)) return false;
    }
    return json_.ok();
  }

  bool operator()(SharedBytes Params::*into) {
    std::string_view raw;
    const char* fault = nullptr;
    if (!json_.read_payload(raw, fault)) return false;
    if (fault != nullptr) wrong_ = fault;
    std::string scratch;
    params_.*into = SharedBytes(compact_newlines(raw, scratch));
    return true;
  }

  template <class Scalar>
  bool operator()(Scalar Params::*into) {
    return json_.read(params_.*into);
  }

  bool operator()(std::optional<StreamPosition> Params::*into) {
    StreamPosition& position = (params_.*into).emplace();
    return members([&](std::string_view key) {
      if (names(key, "offset")) return json_.read(position.offset);
      return !names(key, "epoch") || text(position.epoch, max_);
    });
  }

  bool operator()(Tags Params::*into) {
    Tags& tags = params_.*into;
    tags.clear();
    const bool whole = members([&](std::string_view key) {
      if (tags.size() == max_) wrong_ = at_most(max_, "tags");
      if (key.size() > kMaxTagBytes) wrong_ = at_most(kMaxTagBytes, "bytes of a tag's key");
      if (!wrong_.empty()) return json_.skip();
      tags.emplace_back(std::string(key), std::string());
      return text(tags.back().second, kMaxTagBytes);
    });
    // The last of equal keys stands.
    std::reverse(tags.begin(), tags.end());
    const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::stable_sort(tags.begin(), tags.end(), by_key);
    const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
    tags.erase(std::unique(tags.begin(), tags.end(), same_key), tags.end());
    return whole;
  }

  bool operator()(Disconnect Params::*into) {
    Disconnect& disconnect = params_.*into;
    return members([&](std::string_view key) {
      if (names(key, "code")) return json_.read(disconnect.code);
      return !names(key, "reason") || text(disconnect.reason, max_);
    });
  }

  bool operator()(ChannelOverride Params::*into) {
    ChannelOverride& over = params_.*into;
    return members([&](std::string_view key) {
      if (names(key, "presence")) return wrapped(over.presence);
      if (names(key, "join_leave")) return wrapped(over.join_leave);
      if (names(key, "force_push_join_leave")) return wrapped(over.force_push_join_leave);
      if (names(key, "force_recovery")) return wrapped(over.force_recovery);
      return !names(key, "force_positioning") || wrapped(over.force_positioning);
    });
  }

 private:
  // Every member that is not null; what `read` leaves is checked and skipped.
  template <class Fn>
  bool members(Fn read) {
    if (!json_.enter_object()) return false;
    std::string_view key;
    while (json_.next_member(key)) {
      if (!json_.take_null() && json_.ok() && !read(key)) return false;
    }
    return json_.ok();
  }

  bool text(std::string& out, size_t max) {
    if (json_.peek() != JsonKind::kString) return json_.read(out, SIZE_MAX);  // the error it is
    std::string_view raw;
    const char* fault = nullptr;
    if (!json_.read_payload(raw, fault)) return false;
    if (fault != nullptr) wrong_ = fault;
    if (fault != nullptr || !JsonReader(raw, {.max_bytes = raw.size()}).read(out, SIZE_MAX)) out.clear();
    if (max != 0 && out.size() > max) {
      wrong_ = at_most(max, "bytes");
      out.clear();
    }
    return true;
  }

  // {"value": true}
  bool wrapped(std::optional<bool>& out) {
    bool value = false;
    const bool whole =
        members([&](std::string_view key) { return !names(key, "value") || json_.read(value); });
    out = value;
    return whole;
  }

  JsonReader& json_;
  Params& params_;
  const size_t max_;
  std::string wrong_;
};

bool is_empty(const Field& field, const Params& params) {
  return std::visit(
      [&](auto into) {
        if constexpr (requires { (params.*into).empty(); }) return (params.*into).empty();
        return false;
      },
      field.into);
}

// `method` "": not told.
std::string text_of(std::string_view method, std::string_view field, std::string_view what) {
  std::string out(method);
  if (!method.empty()) out.append(": ");
  if (!field.empty()) out.append(field).append(": ");
  return out.append(what);
}

}  // namespace

bool names(std::string_view key, std::string_view name) {
  return std::equal(key.begin(), key.end(), name.begin(), name.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::string_view Field::type() const {
  constexpr std::string_view kNames[] = {"string", "strings",  "json", "bool",       "uint64",  "int64",
                                         "int32",  "position", "tags", "disconnect", "override"};
  static_assert(std::size(kNames) == std::variant_size_v<Into>);
  return kNames[into.index()];
}

Refusal read_params(JsonReader& json, std::string_view method, std::span<const Param> takes, Params& out) {
  Refusal refusal;
  std::string_view key;
  std::string_view at;  // the field that is being read
  json.enter_object();
  while (json.ok() && json.next_member(key)) {
    const auto param =
        std::find_if(takes.begin(), takes.end(), [&](const Param& p) { return names(key, p.field->name); });
    if (param == takes.end()) continue;
    at = param->field->name;
    // Null is a value of `data`; elsewhere it is as if the member were not there.
    if (param->field != &field::kData && json.take_null()) continue;
    FieldReader reader(json, out, param->field->max);
    if (!std::visit(reader, param->field->into)) break;
    if (!reader.wrong().empty() && !refusal) refusal.text = text_of("", at, reader.wrong());
    at = {};
  }
  if (!json.ok()) return {true, text_of(method, at, json.error_text())};
  if (refusal) return refusal;
  for (const Param& param : takes) {
    if (param.required && is_empty(*param.field, out))
      return {false, text_of("", param.field->name, "must be given")};
  }
  return {};
}

}  // namespace lcg::gateway::api
