#include "broker/host/abi_io.h"

#include "broker/host/limits.h"

namespace lcg::host {

// The layout is the contract: 64-bit, fixed widths, no hidden padding at the end. A change here is a new ABI
// minor.
static_assert(sizeof(lcg_str) == 16 && sizeof(lcg_bytes) == 16);
static_assert(sizeof(lcg_peer) == 192 && sizeof(lcg_request) == 112 && sizeof(lcg_result) == 176);
static_assert(sizeof(lcg_call) == 112 && sizeof(lcg_publication) == 112 && sizeof(lcg_disconnect) == 88);
static_assert(sizeof(lcg_host) == 152 && sizeof(lcg_plugin_ops) == 88 && sizeof(lcg_descriptor) == 56);

namespace {

lcg_status known_status(lcg_status status) {
  return status < LCG_E_FENCED || status > LCG_DEFER ? LCG_E_INTERNAL : status;
}

// All zero would be an acceptance.
lcg_result known_result(const lcg_result* result) {
  lcg_result in{};
  in.status = LCG_E_INTERNAL;
  return readable(result) ? known_part(result) : in;
}

bool may_disconnect_with(uint32_t code) {
  return (code >= disconnect_code::kShutdown && code <= disconnect_code::kStateInvalidated) ||
         (code >= disconnect_code::kInvalidToken && code <= disconnect_code::kTooManyErrors) ||
         (code >= 4000 && code <= 4999);
}

}  // namespace

std::string_view cut_at_character(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

lcg_peer c_peer(const Peer* peer) {
  lcg_peer out{};
  out.struct_size = sizeof out;
  if (peer == nullptr) return out;
  if (peer->http) out.flags |= LCG_PEER_HTTP;
  if (peer->ephemeral_device) out.flags |= LCG_PEER_EPHEMERAL_DEVICE;
  out.session_id = c_str(peer->session);
  out.user_id = c_str(peer->user);
  out.device_id = c_str(peer->device);
  out.device_epoch = peer->device_epoch;
  out.auth_id = c_str(peer->auth);
  out.remote_addr = c_str(peer->remote);
  out.transport = c_str(transport_name(peer->transport));
  out.protocol = c_str(encoding_name(peer->encoding));
  out.meta = c_bytes(peer->meta.view());
  out.headers = c_bytes(peer->headers.view());
  return out;
}

bool readable(const lcg_result* result) { return result != nullptr && LCG_HAS(result, status); }

void read_chain_result(const lcg_result* result, ChainResult& out) {
  const lcg_result in = known_result(result);
  out.status = known_status(in.status);
  out.error_code = in.error_code;
  out.disconnect_code = may_disconnect_with(in.disconnect_code) ? in.disconnect_code : 0;
  out.expire_at_ms = in.expire_at_ms;
  out.message = cut_at_character(view(in.message), kMaxMessage);
  out.user = view(in.user_id);
  out.auth = view(in.auth_id);
  out.content_type = view(in.content_type);
  out.data = SharedBytes(view(in.data));
  out.info = SharedBytes(view(in.info));
  out.meta = SharedBytes(view(in.meta));
  out.options = SharedBytes(view(in.options));
  out.flags = in.flags;
  out.channels.clear();
  if (in.channels == nullptr) return;
  out.channels.reserve(in.channel_count);
  for (size_t i = 0; i < in.channel_count; ++i) out.channels.emplace_back(view(in.channels[i]));
}

void read_call_result(const lcg_result* result, ServiceCallResponse& out, size_t max_message) {
  const lcg_result in = known_result(result);
  out.status = known_status(in.status);
  // Only a chain has a next plugin to ask; a service that answers so does not know the method.
  if (out.status == LCG_DEFER) out.status = LCG_E_UNSUPPORTED;
  out.error_code = in.error_code;
  out.message = cut_at_character(view(in.message), max_message);
  out.data = view(in.data);
}

lcg_result c_result(const ServiceCallResponse& response) {
  lcg_result out{};
  out.struct_size = sizeof out;
  out.status = response.status;
  out.error_code = response.error_code;
  out.message = c_str(response.message);
  out.data = c_bytes(response.data);
  return out;
}

std::string_view status_name(lcg_status status) {
  switch (status) {
    case LCG_OK:
      return "ok";
    case LCG_DEFER:
      return "defer";
    case LCG_E_INVALID:
      return "invalid";
    case LCG_E_UNSUPPORTED:
      return "unsupported";
    case LCG_E_DENIED:
      return "denied";
    case LCG_E_NOT_FOUND:
      return "not found";
    case LCG_E_CONFLICT:
      return "conflict";
    case LCG_E_BUSY:
      return "busy";
    case LCG_E_TIMEOUT:
      return "timeout";
    case LCG_E_UNAVAILABLE:
      return "unavailable";
    case LCG_E_CANCELLED:
      return "cancelled";
    case LCG_E_STALE:
      return "stale";
    case LCG_E_FENCED:
      return "fenced";
    default:
      return "internal";
  }
}

}  // namespace lcg::host
