#include "gateway/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string_view>
#include <utility>

#include "gateway/net/tls_tickets.h"

namespace lcg::net {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

constexpr unsigned char kAlpn[] = "\x08http/1.1";

// Of TLS 1.2: forward secrecy and AEAD, nothing else (RFC 9325 4.2). All suites of TLS 1.3 have both.
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphers13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits: no RSA below 2048, no SHA-1, whatever the system's default is

std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Status no_file(const std::string& file, const char* what) {
  return {Code::kInvalid,
          std::string(what) + " " + file + ": " + last_error() + "; expected a PEM file this user may read"};
}

Result<ContextPtr> load_one(const TlsCertificate& from) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(context.get(), kCiphers) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), kCiphers13) != 1 ||
      SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>(kGroups)) != 1)
    return Status(Code::kInternal, "this OpenSSL has none of the ciphers that are served: " + last_error());
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Else SSL_read goes through KeyUpdates, of which there is no limit, for as long as the client sends some.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  // Sessions are resumed by tickets (tls_tickets.h); nothing is kept for a connection that is gone.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context.get(), 0);
  SSL_CTX_set_alpn_select_cb(context.get(), &select_alpn, nullptr);
  // A key that is encrypted is an error, not a question on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), from.certificate.c_str()) != 1)
    return no_file(from.certificate, "the certificate");
  if (SSL_CTX_use_PrivateKey_file(context.get(), from.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH) return no_file(from.key, "the key");
    ERR_clear_error();
    return Status(Code::kInvalid,
                  "the key " + from.key + " does not belong to the certificate " + from.certificate);
  }
  return context;
}

}  // namespace

struct TlsContext::Impl {
  std::vector<ContextPtr> contexts;
  TicketKeys tickets;

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seal) {
    auto* impl = static_cast<Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    return TicketKeys::seal_or_open(impl->tickets, name, iv, cipher, mac, seal == 1);
  }

  SSL_CTX* find(std::string_view name) const {
    for (const ContextPtr& context : contexts) {
      X509* certificate = SSL_CTX_get0_certificate(context.get());
      if (X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                          nullptr) == 1)
        return context.get();
    }
    return nullptr;
  }

  static int choose_certificate(SSL* ssl, int*, void* self) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    if (SSL_CTX* context = static_cast<Impl*>(self)->find(name)) SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const std::vector<TlsCertificate>& certificates) {
  if (certificates.empty()) return Status(Code::kInvalid, "a TLS listener needs at least one certificate");
  auto impl = std::make_unique<Impl>();
  for (const TlsCertificate& certificate : certificates) {
    Result<ContextPtr> context = load_one(certificate);
    if (!context.ok()) return context.status();
    SSL_CTX_set_app_data(context.value().get(), impl.get());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context.value().get(), &Impl::on_ticket);
    impl->contexts.push_back(std::move(context.value()));
  }
  SSL_CTX* first = impl->contexts.front().get();
  // What the macro SSL_CTX_set_tlsext_servername_callback does, without its old-style cast.
  SSL_CTX_callback_ctrl(first, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&Impl::choose_certificate));  // NOLINT
  SSL_CTX_ctrl(first, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, impl.get());
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(impl)));
}

SSL* TlsContext::make_session() const {
  SSL* ssl = SSL_new(impl_->contexts.front().get());
  if (ssl != nullptr) SSL_set_accept_state(ssl);
  return ssl;
}

}  // namespace lcg::net
