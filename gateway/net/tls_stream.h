// TLS on a connected socket, as a ByteStream: OpenSSL reads and writes the socket itself (SSL_set_fd) and Asio only
// waits, so an idle connection owns no buffer of ours. The handshake is done inside the first reads; the deadline of
// the first request bounds it.
//
// What OpenSSL has encrypted must be sent as it is. A record that the socket does not take at once is therefore kept
// here, at most one, and counts as written. Lane: the stream's.
#pragma once
#include <memory>

#include "base/lane.h"
#include "gateway/net/tls_context.h"
#include "gateway/ws/byte_stream.h"

namespace lcg::net {

// `socket` is a TcpStream on `fd`. Null, and the socket closed, without memory for it.
ws::StreamPtr start_tls(Lane& lane, ws::StreamPtr socket, int fd, std::shared_ptr<const TlsContext> context);

}  // namespace lcg::net
