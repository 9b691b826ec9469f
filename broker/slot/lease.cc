#include "broker/slot/lease.h"

#include <utility>

#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {
namespace {

constexpr std::string_view kCollection = "lease", kKey = "owner";

std::string partition_of(uint32_t slot) { return "@" + std::to_string(slot); }

ServiceCall storage_call(std::string method, uint32_t slot, std::string data) {
  return {"storage", std::move(method), partition_of(slot), std::move(data), "host", 0};
}

}  // namespace

std::string Lease::encode() const {
  return wire::Writer().u64(term).str(node).u64(static_cast<uint64_t>(taken_ms)).u64(slots).take();
}

std::optional<Lease> Lease::decode(std::string_view value) {
  wire::Reader reader(value);
  Lease lease;
  lease.term = reader.u64();
  lease.node = reader.str();
  lease.taken_ms = static_cast<int64_t>(reader.u64());
  lease.slots = reader.u64();
  if (!reader.ok()) return std::nullopt;
  return lease;
}

LeaseKeeper::LeaseKeeper(Lane& lane, host::PluginHost& host, Slots& slots, std::string node)
    : lane_(lane), host_(host), slots_(slots), node_(std::move(node)) {}

void LeaseKeeper::acquire_all(UniqueFunction<void(Status)> done) {
  if (done_) die("acquire_all was called while another was under way");
  done_ = std::move(done);
  next_ = 0;
  failure_ = Status();
  start_more();
}

void LeaseKeeper::start_more() {
  while (failure_.ok() && next_ < slots_.count() && in_flight_ < kInFlight) {
    ++in_flight_;
    read(next_++, 1);
  }
  if (in_flight_ > 0) return;
  UniqueFunction<void(Status)> done = std::exchange(done_, nullptr);
  done(std::move(failure_));
}

void LeaseKeeper::finish(uint32_t slot, Status status) {
  if (!status.ok()) {
    slots_.set_term(slot, 0);
    if (failure_.ok()) failure_ = std::move(status);
  }
  --in_flight_;
  start_more();
}

void LeaseKeeper::read(uint32_t slot, uint32_t attempt) {
  std::string query = wire::Writer().str(kCollection).str(kKey).take();
  host_.call(storage_call("get", slot, std::move(query)), kCallTimeout,
             [this, slot, attempt](ServiceCallResponse answer) {
               if (answer.status == LCG_E_NOT_FOUND) return write(slot, attempt, std::nullopt);
               if (answer.status != LCG_OK) return finish(slot, explain(slot, "read", answer));
               write(slot, attempt, std::move(answer.data));
             });
}

void LeaseKeeper::write(uint32_t slot, uint32_t attempt, std::optional<std::string> current) {
  Lease next{1, node_, lane_.clock().wall_ms(), slots_.count()};
  storage::Batch batch;
  if (current) {
    const std::optional<Lease> lease = Lease::decode(*current);
    if (!lease) {
      return finish(slot,
                    Status(Code::kUnsupported,
                           "the lease of slot " + std::to_string(slot) +
                               " has a format this version cannot read: the store was written by a newer "
                               "version, run that one"));
    }
    if (lease->slots != slots_.count()) {
      return finish(slot, Status(Code::kInvalid,
                                 "this store was made with broker.slots: " + std::to_string(lease->slots) +
                                     ", the configuration says " + std::to_string(slots_.count()) +
                                     ": set it back, data is placed by it"));
    }
    next.term = lease->term + 1;
    batch.require_equals(std::string(kCollection), std::string(kKey), std::move(*current));
  } else {
    batch.require_absent(std::string(kCollection), std::string(kKey));
  }
  batch.put(std::string(kCollection), std::string(kKey), next.encode());
  // The store fences by the term a call carries, so the write that takes the slot goes under the new one.
  slots_.set_term(slot, next.term);
  host_.call(storage_call("commit", slot, batch.encode()), kCallTimeout,
             [this, slot, attempt](ServiceCallResponse answer) {
               if (answer.status == LCG_OK) return finish(slot, Status());
               const bool lost_race = answer.status == LCG_E_CONFLICT || answer.status == LCG_E_FENCED;
               if (lost_race && attempt < kMaxAttempts) return read(slot, attempt + 1);
               finish(slot, explain(slot, "take", answer));
             });
}

Status LeaseKeeper::explain(uint32_t slot, std::string_view doing, const ServiceCallResponse& answer) const {
  const std::string what =
      "cannot " + std::string(doing) + " the lease of slot " + std::to_string(slot) + ": ";
  const std::string said = answer.message.empty() ? std::string() : " (" + answer.message + ")";
  switch (answer.status) {
    case LCG_E_CONFLICT:
    case LCG_E_FENCED:
      return {Code::kFenced, what + "another process keeps taking it" + said +
                                 "; two brokers must not run on one store: stop the other one"};
    case LCG_E_TIMEOUT:
      return {Code::kTimeout,
              what + "the store did not answer in " + std::to_string(kCallTimeout.count()) + " ms"};
    case LCG_E_UNAVAILABLE:
      return {Code::kUnavailable, what + "no plugin serves \"storage\" now" + said +
                                      "; name a storage plugin under plugins, and see its log"};
    default:
      return {Code::kInternal, what + "the store answered status " + std::to_string(answer.status) + said};
  }
}

}  // namespace lcg::broker
