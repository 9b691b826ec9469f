// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/password_gate.h"

#include <algorithm>
#include <limits>

#include "lcg/wire.hpp"
#include "plugins/uaa/records.h"
#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

// The answer of the gate comes before the asker's own deadline, so that the client hears it.
constexpr int64_t kMarginNs = 200'000'000;
constexpr int64_t kNsPerMs = 1'000'000;

Reply limited() {
  return Reply::error(LCG_E_BUSY, "too many attempts, try again in a minute", PasswordGate::kLimited);
}

AttemptLimit::Secret secret_of(const Host& host) {
  AttemptLimit::Secret secret;
  host.random(secret.data(), secret.size());
  return secret;
}

}  // namespace

PasswordGate::PasswordGate(Host host, GateRules rules, PasswordCheck& passwords)
    : host_(host),
      storage_(host),
      rules_(rules),
      passwords_(passwords),
      names_(rules.names, secret_of(host)),
      per_address_(rules.per_address, secret_of(host)),
      registrations_(rules.registrations, secret_of(host)) {}

// --- asking --------------------------------------------------------------------------------------

Task<Reply> PasswordGate::ask(std::string method, std::string data, int64_t deadline_ns) {
  const int64_t left_ms = (deadline_ns - kMarginNs - host_.now_ns()) / kNsPerMs;
  if (deadline_ns != 0 && left_ms <= 0) co_return Reply::error(LCG_E_TIMEOUT, "no time is left");
  const auto timeout_ms = static_cast<uint32_t>(
      deadline_ns == 0 ? 0 : std::min<int64_t>(left_ms, std::numeric_limits<uint32_t>::max()));
  Call call("uaa", std::move(method), kKey, std::move(data), timeout_ms);
  co_return co_await host_.call(std::move(call));
}

Task<Outcome<Known>> PasswordGate::login(PasswordTry attempt, int64_t deadline_ns) {
  std::string data =
      wire::Writer().str(attempt.user).str(attempt.password).str(attempt.remote).str(attempt.proof).take();
  wipe(attempt.password);
  const Reply reply = co_await ask("gate_login", std::move(data), deadline_ns);
  Outcome<Known> out{reply.status, reply.message, {}};
  if (reply.error_code == kLimited) out.status = LCG_E_CONFLICT;
  if (!out.ok()) co_return out;
  wire::Reader reader(reply.data);
  out.value.name = reader.str();
  out.value.proof = reader.str();
  if (!reader.ok()) out.status = LCG_E_INTERNAL;
  co_return out;
}

Task<Reply> PasswordGate::add(NewUser user, int64_t deadline_ns) {
  std::string data = wire::Writer().str(user.user).str(user.password).str(user.name).str(user.remote).take();
  wipe(user.password);
  co_return co_await ask("gate_add", std::move(data), deadline_ns);
}

// --- the gate ------------------------------------------------------------------------------------

Task<Reply> PasswordGate::on_login(ServiceCall call) {
  wire::Reader reader(call.data);
  const std::string user(reader.str());
  std::string password(reader.str());
  const std::string remote(reader.str()), proof(reader.str());
  if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
  wipe(call.data);
  const Reply ready = co_await ensure_proofs();
  if (!ready.ok()) co_return ready;

  const int64_t now_s = host_.wall_ms() / 1000;
  const std::string device =
      proofs_->check(proof, user, now_s, rules_.proof_ttl.count() / 1000).value_or(std::string());
  const AddressKey address = address_key(remote);
  // Taken before the work, so that many at once do not slip through; given back to those who knew the password.
  if (!per_address_.take(address.host, host_.now_ns())) co_return limited();
  const NameLimit::Taken taken = names_.take(user, device, address, host_.now_ns());
  if (!taken.allowed) {
    per_address_.refund(address.host, host_.now_ns());
    co_return limited();
  }
  FairQueue::Asker asker;
  asker.key = address.host;
  asker.deadline_ns = call.deadline_ns;
  asker.cancelled = call.cancel_flag;
  const Reply checked = co_await passwords_.check(std::move(asker), user, std::move(password));
  if (checked.status == LCG_E_DENIED) co_return checked;
  per_address_.refund(address.host, host_.now_ns());
  names_.refund(taken, user, device, address, host_.now_ns());
  if (!checked.ok()) co_return checked;
  const std::string serial =
      device.empty() ? base64url(host_.random_bytes(DeviceProof::kSerialBytes)) : device;
  co_return Reply::with(wire::Writer().str(checked.data).str(proofs_->make(user, serial, now_s)).take());
}

Task<Reply> PasswordGate::on_add(ServiceCall call) {
  wire::Reader reader(call.data);
  std::string user(reader.str()), password(reader.str()), name(reader.str());
  const std::string remote(reader.str());
  if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
  wipe(call.data);
  FairQueue::Asker asker;
  asker.deadline_ns = call.deadline_ns;
  asker.cancelled = call.cancel_flag;
  if (!remote.empty()) {
    asker.key = address_key(remote).host;
    asker.kind = FairQueue::Kind::kRegistration;
    if (!registrations_.take(asker.key, host_.now_ns())) co_return limited();
  }
  co_return co_await passwords_.add(std::move(asker), std::move(user), std::move(password), std::move(name));
}

// Made by the first gate there ever is.
Task<Reply> PasswordGate::ensure_proofs() {
  if (proofs_ != nullptr) co_return Reply();
  Reply found = co_await storage_.get(std::string(kKeyPartition), std::string(kSecretCollection),
                                      std::string(kDeviceSecret));
  if (found.status == LCG_E_NOT_FOUND) {
    std::string secret = host_.random_bytes(DeviceProof::kSecretBytes);
    storage::Batch batch;
    batch.require_absent(std::string(kSecretCollection), std::string(kDeviceSecret));
    batch.put(std::string(kSecretCollection), std::string(kDeviceSecret), secret);
    Reply made = co_await storage_.commit(std::string(kKeyPartition), std::move(batch));
    if (!made.ok() && made.status != LCG_E_CONFLICT) co_return made;
    found = co_await storage_.get(std::string(kKeyPartition), std::string(kSecretCollection),
                                  std::string(kDeviceSecret));
  }
  if (!found.ok()) co_return found;
  if (found.data.size() != DeviceProof::kSecretBytes)
    co_return Reply::error(LCG_E_INTERNAL, "the secret of device proofs cannot be read");
  if (proofs_ == nullptr) proofs_ = std::make_unique<const DeviceProof>(std::move(found.data));
  co_return Reply();
}

}  // namespace lcg::uaa
