// TicketKeys: what TLS session tickets are sealed with (RFC 5077, RFC 8446 4.6.1), in memory alone and renewed, so that
// a key that leaks opens the sessions of a day at most.
//
// A ticket of the key before the present one is taken and replaced; older ones lead to a full handshake. One object
// serves all lanes, so that a client is resumed on whichever it comes to. Any thread: a lock, in handshakes only.
#pragma once
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace lcg::net {

inline constexpr Millis kTicketKeyLife = std::chrono::hours(12);

class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };
  explicit TicketKeys(const Clock& clock = system_clock()) : clock_(clock) {}

  // For a new ticket. Nothing: there is no randomness.
  std::optional<Key> current();
  // For a ticket that came; `renew`: the key is the one before the present one.
  std::optional<Key> find(const unsigned char* name, bool& renew);

  // As SSL_CTX_set_tlsext_ticket_key_evp_cb wants it, for `keys`: 1 goes on, 2 renews the ticket, 0 makes a full
  // handshake, -1 fails.
  static int seal_or_open(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, bool seal);

 private:
  bool renew_if_old();

  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Key> current_, previous_;
  MonoTime made_;
};

}  // namespace lcg::net
