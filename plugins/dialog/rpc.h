// SPDX-License-Identifier: Apache-2.0
// The rpc methods dialog.*: where each is served, and what its text says. Pure: untrusted text in, values or
// a refusal out.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lcg/reply.hpp"
#include "membership.h"

namespace lcg::dialog {

enum class Method : uint8_t {
  kCreate,
  kGet,
  kMembers,
  kHistory,
  kChange,
  kSet,
  kDissolve,
  kTyping,  // served by the owner of the dialog
  kList,
  kSync,
  kRead,
  kHide,
  kQuiet,
  kCheckpoint,
  kCheckpoints  // served by the owner of the user
};

// One parsed request. Only the fields of its method are set.
struct ClientCall {
  Method method = Method::kGet;
  std::string dialog, user, device;
  CreateRequest create;
  ChangeRequest change;
  SetRequest set;
  uint64_t seq = 0, from = 0, before = 0, since = 0, seen = 0;
  int64_t until_ms = 0;  // kQuiet
  bool typing = true;
  bool has_seq = false, has_from = false, has_before = false;
  uint32_t limit = 0;
  std::string after;

  bool by_user() const { return method >= Method::kList; }
};

// nullopt: not one of ours. `refusal` is set when the request cannot be served.
// `new_id` gives the id of a dialog that is created without one.
std::optional<ClientCall> parse_rpc(const Request& request, const std::function<std::string()>& new_id,
                                    Reply* refusal);

// A parsed call on its way to the owner.
std::string encode(const ClientCall& call);
bool decode(std::string_view data, ClientCall& call);

}  // namespace lcg::dialog
