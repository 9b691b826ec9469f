#include "gateway/protocol/oracle/json_bridge.h"

#include <vector>

#include "base/json_reader.h"
#include "base/json_writer.h"

namespace lcg::oracle {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void write(JsonWriter& json, const Message& message);

// A field's value, or its `index`th when it is repeated.
void write_value(JsonWriter& json, const Message& message, const FieldDescriptor* field, int index) {
  const Reflection* const all = message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      json.value(many ? all->GetRepeatedBool(message, field, index) : all->GetBool(message, field));
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      json.value(many ? all->GetRepeatedInt32(message, field, index) : all->GetInt32(message, field));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      json.value(many ? all->GetRepeatedUInt32(message, field, index) : all->GetUInt32(message, field));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      json.value(many ? all->GetRepeatedInt64(message, field, index) : all->GetInt64(message, field));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      json.value(many ? all->GetRepeatedUInt64(message, field, index) : all->GetUInt64(message, field));
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return write(json,
                   many ? all->GetRepeatedMessage(message, field, index) : all->GetMessage(message, field));
    default:
      break;
  }
  const std::string text =
      many ? all->GetRepeatedString(message, field, index) : all->GetString(message, field);
  if (field->type() == FieldDescriptor::TYPE_BYTES) {
    json.raw(text);
  } else {
    json.value(std::string_view(text));
  }
}

void write(JsonWriter& json, const Message& message) {
  const Reflection* const all = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  all->ListFields(message, &fields);
  json.begin_object();
  for (const FieldDescriptor* field : fields) {
    json.key(field->name());
    if (!field->is_repeated()) {
      write_value(json, message, field, 0);
      continue;
    }
    const bool map = field->is_map();
    map ? json.begin_object() : json.begin_array();
    for (int i = 0; i < all->FieldSize(message, field); ++i) {
      if (!map) {
        write_value(json, message, field, i);
        continue;
      }
      const Message& entry = all->GetRepeatedMessage(message, field, i);
      json.key_escaped(entry.GetReflection()->GetString(entry, field->message_type()->map_key()));
      write_value(json, entry, field->message_type()->map_value(), 0);
    }
    map ? json.end_object() : json.end_array();
  }
  json.end_object();
}

bool read(JsonReader& json, Message& message);

// A value that is not in a list.
bool read_value(JsonReader& json, Message& message, const FieldDescriptor* field) {
  const Reflection* const all = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!json.read(value)) return false;
      all->SetBool(&message, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if (!json.read(value)) return false;
      all->SetInt32(&message, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value = 0;
      if (!json.read(value)) return false;
      all->SetUInt32(&message, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      if (!json.read(value)) return false;
      all->SetInt64(&message, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      if (!json.read(value)) return false;
      all->SetUInt64(&message, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return read(json, *all->MutableMessage(&message, field));
    default:
      break;
  }
  std::string text;
  std::string_view raw;
  const bool bytes = field->type() == FieldDescriptor::TYPE_BYTES;
  if (bytes ? !json.read_raw(raw) : !json.read(text, 1u << 20)) return false;
  all->SetString(&message, field, bytes ? std::string(raw) : text);
  return true;
}

bool read_map(JsonReader& json, Message& message, const FieldDescriptor* field) {
  if (!json.enter_object()) return false;
  std::string_view key;
  while (json.next_member(key)) {
    Message& entry = *message.GetReflection()->AddMessage(&message, field);
    entry.GetReflection()->SetString(&entry, field->message_type()->map_key(), std::string(key));
    if (!read_value(json, entry, field->message_type()->map_value())) return false;
  }
  return json.ok();
}

bool read(JsonReader& json, Message& message) {
  if (!json.enter_object()) return false;
  std::string_view key;
  while (json.next_member(key)) {
    const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(std::string(key));
    if (field == nullptr) return false;
    if (field->is_map()) {
      if (!read_map(json, message, field)) return false;
    } else if (field->is_repeated()) {  // of messages: the protocol sends no other lists
      if (!json.enter_array()) return false;
      while (json.next_element()) {
        if (!read(json, *message.GetReflection()->AddMessage(&message, field))) return false;
      }
    } else if (!read_value(json, message, field)) {
      return false;
    }
  }
  return json.ok();
}

}  // namespace

std::string to_json(const Message& message) {
  std::string out;
  JsonWriter json(out);
  write(json, message);
  return out;
}

bool from_json(std::string_view text, Message& message) {
  JsonReader json(text, {.max_bytes = text.size(), .max_depth = 64});
  return read(json, message) && json.finish();
}

}  // namespace lcg::oracle
