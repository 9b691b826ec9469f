// Any bytes as a back end's answer to a callback, and as the headers a client sent. What comes out is valid: JSON where
// JSON is due, codes in their ranges, header lines without line breaks.
#include <cstdlib>
#include <string>

#include "lcg/json.hpp"
#include "plugins/http_callback/base64.h"
#include "plugins/http_callback/contract.h"
#include "plugins/http_callback/headers.h"

namespace {

using namespace lcg::http_callback;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_answer(uint32_t kind, std::string body) {
  HttpResult result;
  result.status = 200;
  result.body = std::move(body);
  const Verdict verdict = verdict_of(kind, {}, result, true);
  const lcg::Reply& reply = verdict.reply;
  for (const std::string* json : {&reply.info, &reply.meta, &reply.options})
    require(json->empty() || lcg::json::valid(*json));
  if (reply.status == LCG_OK || reply.status == LCG_DEFER) {
    require(verdict.fault.empty() && reply.error_code == 0 && reply.disconnect_code == 0);
    require(reply.expire_at_ms >= 0);
  } else {
    require(reply.error_code != 0 || reply.disconnect_code >= 3500);
  }
}

void check_headers(const std::string& headers) {
  BackEndSettings back_end;
  back_end.http_headers = {"a", "cookie", "x-id"};
  for (const std::string& line : callback_headers(back_end, headers))
    require(line.find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest(data + 1, data + size);
  check_answer(1 + data[0] % 7, rest);
  check_headers(rest);
  require(from_base64(base64(rest)) == rest);
  if (const auto bytes = from_base64(rest)) require(bytes->size() <= rest.size());
  return 0;
}
