// SPDX-License-Identifier: Apache-2.0
// From a client's rpc to a request of the service, and back. Pure: untrusted text in, values or a refusal
// out.
#pragma once
#include <optional>
#include <string>

#include "lcg/reply.hpp"
#include "lcg/services/message.hpp"

namespace lcg::message {

// What a client may ask for.
struct ClientCall {
  enum class Method : uint8_t { kSend, kGet, kVoid, kDevice };
  Method method;
  SendRequest send;  // kSend; kVoid and kDevice use its key
  uint64_t id = 0;   // kGet
};

// message.send, edit, recall, react, get, void, device. nullopt: not one of ours.
// `refusal` is set instead when the request cannot be served: code 107 with what is wrong, or 103.
std::optional<ClientCall> parse_rpc(const Request& request, Reply* refusal);

// {"device":"..","epoch":..}, or {"device":null} of a connection that named none.
std::string device_json(const SendRequest& request);

// {"id":"..","dialog":"..","seq":..,"useq":..,"cseq":..,"ts":..}
std::string position_json(const chat::Position& position, std::string_view dialog);

}  // namespace lcg::message
