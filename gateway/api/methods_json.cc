// Prints the methods of the server API and the params each takes as JSON, for whatever is checked against the
// code: docs/openapi.yaml (tests/docs/openapi_test.py).
//   {"methods":[{"name":"publish","params":[{"name":"channel","type":"string","required":true,"max":255},..]},..]}
#include <cstdio>

#include "base/json_writer.h"
#include "gateway/api/method.h"

int main() {
  using namespace lcg::gateway::api;
  std::string out;
  lcg::JsonWriter json(out);
  json.begin_object().key("methods").begin_array();
  for (const Method& method : methods()) {
    json.begin_object().field("name", method.name);
    json.field("limited_to_channels", method.reach == Reach::kChannel);
    json.key("params").begin_array();
    for (const Param& param : method.params) {
      json.begin_object().field("name", param.field->name).field("type", param.field->type());
      json.field("required", param.required).field("max", param.field->max).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  std::puts(out.c_str());
  return 0;
}
