// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/fetch.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

namespace lcg::token {
namespace {

struct Transfer {
  const FetchRules& rules;
  const std::atomic<bool>& stop;
  std::string body;
  size_t head_bytes = 0;
  bool too_large = false, refused_address = false;
};

size_t on_body(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.too_large = transfer.body.size() + size > transfer.rules.max_bytes;
  if (transfer.too_large) return 0;
  transfer.body.append(data, size);
  return size;
}

size_t on_head(char*, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.head_bytes += size;
  transfer.too_large = transfer.head_bytes > transfer.rules.max_bytes;
  return transfer.too_large ? 0 : size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stop ? 1 : 0;
}

curl_socket_t on_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.rules.addresses.allows(address->addr)) {
    transfer.refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

struct EasyFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlFree>;

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw std::runtime_error("libcurl cannot start");
}

std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

Url parsed(const std::string& text) {
  start_curl();
  Url url(curl_url());
  if (url == nullptr ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    throw std::invalid_argument("is no URL; https://host/path is one");
  return url;
}

void set_up(CURL* curl, const std::string& url, Transfer& transfer) {
  const FetchRules& rules = transfer.rules;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(rules.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(rules.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!rules.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, rules.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "lcg");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_head);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &on_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
}

std::string reason(const Transfer& transfer, CURLcode code, long status, const char* details) {
  if (transfer.refused_address)
    return "it resolves to an address that is not to be connected to; jwks.allow_networks may list it";
  if (transfer.too_large) return "the answer is over " + std::to_string(transfer.rules.max_bytes) + " bytes";
  if (code == CURLE_OPERATION_TIMEDOUT)
    return "no answer within " + std::to_string(transfer.rules.timeout.count()) + " ms";
  if (code != CURLE_OK) return *details != '\0' ? details : curl_easy_strerror(code);
  if (status >= 300 && status < 400) return "it redirects, which is not followed: give the final URL";
  return "status " + std::to_string(status);
}

}  // namespace

Fetched fetch(const std::string& url, const FetchRules& rules, const std::atomic<bool>& stop) {
  start_curl();
  Fetched out;
  Transfer transfer{rules, stop, {}};
  char details[CURL_ERROR_SIZE] = "";
  const std::unique_ptr<curl_slist, ListFree> headers(curl_slist_append(nullptr, "Accept: application/json"));
  const std::unique_ptr<CURL, EasyFree> curl(curl_easy_init());  // last: it refers to the others
  if (curl == nullptr) {
    out.why = "libcurl has no memory";
    return out;
  }
  set_up(curl.get(), url, transfer);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, details);

  const CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  out.ok = code == CURLE_OK && status == 200;
  if (out.ok)
    out.body = std::move(transfer.body);
  else
    out.why = reason(transfer, code, status, details);
  return out;
}

void check_url(const std::string& text) {
  const Url url = parsed(text);
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") throw std::invalid_argument("is neither https nor http");
  if (part_of(url, CURLUPART_HOST).empty()) throw std::invalid_argument("names no host");
  if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty())
    throw std::invalid_argument("a user or password in a URL is not sent");
}

std::string shown_url(const std::string& text) {
  const Url url = parsed(text);
  const std::string port = part_of(url, CURLUPART_PORT);
  return part_of(url, CURLUPART_SCHEME) + "://" + part_of(url, CURLUPART_HOST) +
         (port.empty() ? "" : ":" + port) + part_of(url, CURLUPART_PATH);
}

bool is_plain_http(const std::string& url) { return part_of(parsed(url), CURLUPART_SCHEME) == "http"; }

}  // namespace lcg::token
