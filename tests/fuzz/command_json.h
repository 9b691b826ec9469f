// A command as JSON, so that what one codec read can be given to the other.
#pragma once
#include <optional>
#include <string>

#include "gateway/protocol/command.h"

namespace lcg::fuzz {

std::string to_json(const protocol::TagFilter& filter);
// Nothing when JSON cannot express it: a payload that is no JSON value, or a key longer than its reader takes.
std::optional<std::string> to_json(const protocol::Command& command);

// As both were read: the strings and numbers of the command's method.
bool equal(const protocol::Command& a, const protocol::Command& b);

}  // namespace lcg::fuzz
