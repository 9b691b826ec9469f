// TcpStream: a ByteStream on a TCP socket, waited for by Asio, read and written by plain non-blocking calls.
//
// Lane: the one given. A wait that is under way keeps the object alive until its handler has run or is
// destroyed with the lane's io_context; after release() it calls nobody.
#pragma once
#include <sys/socket.h>

#include "gateway/ws/byte_stream.h"

namespace lcg {
class AsioLane;
}

namespace lcg::net {

// Takes over `fd`, a connected TCP socket whose peer is `peer`. Null, and the fd closed, if it cannot be
// watched.
ws::StreamPtr adopt_tcp(AsioLane& lane, int fd, const sockaddr_storage& peer);

}  // namespace lcg::net
