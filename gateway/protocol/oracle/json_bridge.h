// A message of the oracle as the client protocol writes it in JSON, by reflection: names are keys, integers are
// numbers, bytes stand there as JSON values, maps are objects, a field with its zero value is left out.
#pragma once
#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace lcg::oracle {

std::string to_json(const google::protobuf::Message& message);
// False: no JSON of this message; an unknown key is one reason.
bool from_json(std::string_view text, google::protobuf::Message& message);

}  // namespace lcg::oracle
