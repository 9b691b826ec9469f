#include "gateway/api/answer_json.h"

#include "gateway/api/params.h"

namespace lcg::gateway::api {

void write_info(JsonWriter& json, const ClientInfo& info) {
  json.begin_object().field("user", info.user).field("client", info.client);
  if (!info.conn_info.empty()) json.raw_field("conn_info", info.conn_info.view());
  if (!info.chan_info.empty()) json.raw_field("chan_info", info.chan_info.view());
  json.end_object();
}

void write_publication(JsonWriter& json, const Publication& publication) {
  json.begin_object();
  if (publication.binary) {
    json.key("data").null().field("b64data", encode_base64(publication.data.view()));
  } else {
    json.raw_field("data", publication.data.empty() ? "null" : publication.data.view());
  }
  if (publication.has_info) write_info(json.key("info"), publication.info);
  if (publication.offset != 0) json.field("offset", publication.offset);
  if (!publication.tags.empty()) {
    json.key("tags").begin_object();
    for (const auto& [key, value] : publication.tags) json.key_escaped(key).value(value);
    json.end_object();
  }
  json.end_object();
}

void write_position(JsonWriter& json, const StreamPosition& position) {
  if (position.offset != 0) json.field("offset", position.offset);
  if (!position.epoch.empty()) json.field("epoch", position.epoch);
}

int64_t seconds_of(int64_t ms) { return ms / 1000 + (ms % 1000 > 0 ? 1 : 0); }

int64_t ms_of(int64_t seconds) {
  if (seconds > INT64_MAX / 1000) return INT64_MAX;
  return seconds < 0 ? 0 : seconds * 1000;
}

}  // namespace lcg::gateway::api
