// The certificates of the listeners, from files that only root and this user may exchange (lcg/trusted_path.hpp).
#pragma once
#include <memory>
#include <vector>

#include "base/status.h"
#include "gateway/net/tls_context.h"
#include "lcg/trusted_path.hpp"

namespace lcg {

inline Result<std::shared_ptr<const net::TlsContext>> load_certificates(
    std::vector<net::TlsCertificate> certificates) {
  for (net::TlsCertificate& certificate : certificates) {
    for (std::string* path : {&certificate.certificate, &certificate.key}) {
      TrustedPath checked = trusted_file(*path);
      if (checked.ok()) *path = std::move(checked.path);
      // What is not there is told by the loader, with the rest of what may be wrong with a file.
      else if (checked.error == 0)
        return Status(Code::kDenied, "gateway.tls: " + checked.why);
    }
  }
  return net::TlsContext::load(certificates);
}

}  // namespace lcg
