#include "broker/command/connect_data.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/visible.h"

namespace lcg::broker {

std::optional<ClientInstall> parse_install(std::string_view data) {
  ClientInstall install;
  if (data.empty()) return install;
  JsonReader reader(data);
  if (reader.peek() != JsonKind::kObject) {
    reader.skip();
    if (!reader.finish()) return std::nullopt;
    return install;
  }
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key == "device")
      reader.take_null() || reader.read(install.device, kMaxDeviceBytes);
    else if (key == "epoch")
      reader.take_null() || reader.read(install.epoch);
  }
  if (!reader.finish()) return std::nullopt;
  if (!all_visible(install.device)) return std::nullopt;
  return install;
}

SharedBytes connect_reply_data(std::string_view plugin_data, const ClientInstall& install) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("device").value(install.device).key("epoch").value(install.epoch);
  JsonReader reader(plugin_data);
  if (!plugin_data.empty() && reader.peek() == JsonKind::kObject && validate_json(plugin_data)) {
    std::string_view key, value;
    reader.enter_object();
    while (reader.next_member(key)) {
      if (key == "device" || key == "epoch") continue;
      writer.key_escaped(key);
      if (reader.read_raw(value)) writer.raw(value);
    }
  } else if (!plugin_data.empty() && validate_json(plugin_data)) {
    writer.key("data").raw(plugin_data);
  }
  writer.end_object();
  std::string scratch;
  return SharedBytes(compact_newlines(out, scratch));
}

}  // namespace lcg::broker
