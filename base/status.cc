#include "base/status.h"

#include <unistd.h>

#include <array>
#include <atomic>

namespace lcg {
namespace {

constexpr std::array<std::string_view, 12> kNames = {"ok",        "invalid", "denied",      "not_found",
                                                     "conflict",  "busy",    "timeout",     "unavailable",
                                                     "cancelled", "fenced",  "unsupported", "internal"};

std::atomic<DieHook> die_hook{nullptr};

}  // namespace

std::string_view code_name(Code code) {
  auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string Status::text() const {
  std::string out(code_name(code_));
  if (!message_.empty()) out.append(": ").append(message_);
  return out;
}

void set_die_hook(DieHook hook) { die_hook.store(hook); }

void die(std::string_view sentence) {
  if (DieHook hook = die_hook.exchange(nullptr)) hook();
  std::string line("fatal: ");
  line.append(sentence).push_back('\n');
  // The process ends either way; a short write loses only words.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  std::abort();
}

}  // namespace lcg
