// TlsContext: the certificates of a listener and everything that is the same for all its connections.
//
// TLS 1.3, and 1.2 with ECDHE and an AEAD alone, whatever the system's openssl.cnf allows; no renegotiation, no
// compression, no early data (it can be replayed), ALPN "http/1.1" alone. The certificate is
// chosen by the name the client asks for (SNI, RFC 6066 3) among those whose names fit (RFC 6125, wildcards included),
// else the first. Read buffers are released while a connection is idle (SSL_MODE_RELEASE_BUFFERS). Immutable: a reload
// makes another one for the connections to come. Any thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

typedef struct ssl_st SSL;

namespace lcg::net {

struct TlsCertificate {
  std::string certificate;  // file, PEM: the certificate, then its chain
  std::string key;          // file, PEM, not encrypted
};

class TlsContext {
 public:
  // kInvalid: names the file and what is wrong with it, a key that belongs to another certificate included.
  static Result<std::shared_ptr<const TlsContext>> load(const std::vector<TlsCertificate>& certificates);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A server's side of a new connection; freed with SSL_free. The context outlives it.
  SSL* make_session() const;

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lcg::net
