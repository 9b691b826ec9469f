#include "broker/command/connect_data.h"

#include <charconv>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/visible.h"

namespace lcg::broker {
namespace {

bool may_name(std::string_view device) {
  return !device.empty() && device.size() <= kMaxDeviceBytes && all_visible(device);
}

ClientInstall of_headers(const ConnectRequest& request) {
  ClientInstall out;
  if (!request.device || !may_name(*request.device)) return out;
  if (request.device_epoch) {
    const std::string& text = *request.device_epoch;
    uint64_t epoch = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (error != std::errc() || end != text.data() + text.size()) return out;
    out.epoch = epoch;
  }
  out.device = *request.device;
  return out;
}

ClientInstall of_data(std::string_view data) {
  ClientInstall out;
  JsonReader reader(data);
  if (reader.peek() != JsonKind::kObject) return out;
  reader.enter_object();
  std::string_view key;
  while (reader.next_member(key)) {
    if (key == "device") {
      reader.read(out.device, kMaxDeviceBytes);
    } else if (key == "epoch" && !reader.take_null()) {
      reader.read(out.epoch.emplace());
    }
  }
  out.in_data = reader.finish() && may_name(out.device);
  return out.in_data ? out : ClientInstall{};
}

}  // namespace

ClientInstall install_of(const ConnectRequest& request) {
  if (request.device) return of_headers(request);
  return of_data(request.data.view());
}

SharedBytes data_with_install(const SharedBytes& plugin_data, std::string_view device, uint64_t epoch) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("device").value(device).key("epoch").value(epoch);
  if (!plugin_data.empty()) {
    JsonReader reader(plugin_data.view(), {.max_bytes = plugin_data.size(), .max_depth = 64});
    if (reader.peek() != JsonKind::kObject) return plugin_data;
    std::string_view key, value;
    reader.enter_object();
    while (reader.next_member(key)) {
      if (key == "device" || key == "epoch") return plugin_data;
      writer.key_escaped(key);
      if (reader.read_raw(value)) writer.raw(value);
    }
    if (!reader.finish()) return plugin_data;
  }
  writer.end_object();
  return SharedBytes(out);
}

}  // namespace lcg::broker
