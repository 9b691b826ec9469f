// SPDX-License-Identifier: Apache-2.0
// contract: the JSON of the callbacks, both ways (client-protocol 3). What comes back is a stranger's: it is
// checked, and what does not fit comes to error 100. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lcg/reply.hpp"
#include "plugins/http_callback/http.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

namespace code {
inline constexpr uint32_t kInternal = 100, kMethodNotFound = 104, kBadRequest = 107, kNotAvailable = 108;
inline constexpr uint32_t kForceDisconnect = 3503;
}  // namespace code

inline constexpr size_t kMaxChannels = 4096;  // of one connect answer: what gateway.clients.channels may be

// "connect", "subscribe", ...: what a callback is called, by request.kind. "" for what is none.
std::string_view callback_name(uint32_t kind);

// The body of the callback for a client's request; by request.kind. Nothing: the client's data is not JSON, and the
// back end takes JSON only.
std::optional<std::string> callback_body(const Request& request, const BackEndSettings& back_end);

// What the client is told for what the back end said.
struct Verdict {
  Reply reply;
  std::string fault;  // for the log: why the answer was no use; "" it was
};
Verdict verdict_of(uint32_t kind, const BackEndSettings& back_end, const HttpResult& result,
                   bool server_refresh);

inline constexpr std::string_view kBeforeCommit = "before_commit";
// The same of something that is about to be kept (lcg/ext/before_commit.h). Nothing: it is not JSON.
std::optional<std::string> commit_body(const Commit& commit, const BackEndSettings& back_end);
// As before_commit answers: a fault, and an error that may pass, is LCG_E_UNAVAILABLE; there is nobody to disconnect.
Verdict verdict_of_commit(const BackEndSettings& back_end, const HttpResult& result);

// Error 100, which a client may try again.
Reply unavailable();

}  // namespace lcg::http_callback
