#include "tests/integration/simulation/simulation.h"

#include <algorithm>

#include "lcg/json.hpp"
#include "lcg/wire.hpp"

namespace lcg::sim {

namespace {

constexpr int64_t kWallOriginMs = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr int64_t kMaxRunMs = 150'000;                // of simulated time, until every message is answered
constexpr int64_t kSettleMs = 20'000;                 // after the last fault: T_try, the resolver, recovery
constexpr uint64_t kStartRounds = 100;                // a start takes about half as many: some are cut off
constexpr unsigned kFaultRounds = 4'000;              // faults end after so many rounds at the latest

}  // namespace

Simulation::Simulation(uint64_t seed)
    : seed_(seed),
      random_(SimRandom(seed).next()),
      around_{random_, history_},
      lanes_(2 + static_cast<unsigned>(random_.next() % 2)),
      mischief_permille_(random_.next() % 50),
      crashes_left_(random_.next() % 4),
      slow_disk_percent_(random_.next() % 4 == 0 ? 2 : 0) {}

void Simulation::make_clients() {
  const auto messages = [this] { return static_cast<uint32_t>(3 + around_.below(5)); };
  const auto window = [this] { return around_.below(3) == 0 ? 4u : 1u; };
  const ClientPlan plans[] = {
      {"ann", "pc", "team", {"bob", "cyd"}, messages(), true, window()},
      {"ann", "phone", "team", {}, messages(), true, window()},
      {"bob", "pc", "team", {}, messages(), true, window()},
      {"bob", "tablet", "team", {}, messages(), false, 1},
      {"cyd", "phone", "team", {}, messages(), true, window()},
  };
  for (const ClientPlan& plan : plans) clients_.push_back(std::make_unique<SimClient>(plan, around_));
}

void Simulation::boot() {
  store_.refuse_writes(life_began_ms_ < disk_full_until_ms_);
  node_ = std::make_unique<SimNode>(seed_ * 64 + lives_++, lanes_,
                                    kWallOriginMs + life_began_ms_ + wall_skew_ms_, store_);
}

// Some turns of the lanes, or, when nobody has work, some time.
void Simulation::advance() {
  for (uint64_t turns = 1 + around_.below(12); turns > 0; --turns) {
    if (node_->world().step()) continue;
    node_->world().run_for(Millis(1 + around_.below(around_.quiet ? 80 : 8)));
    return;
  }
}

void Simulation::mischief() {
  SimClient& victim = *clients_[around_.below(clients_.size())];
  switch (around_.below(8)) {
    case 0:
    case 1:
    case 2:
      ++facts_.lost_connections;
      return victim.lose_connection();
    case 3:
    case 4:
      ++facts_.stalls;
      return victim.stall(around_.now_ms + static_cast<int64_t>(around_.below(3'000)));
    case 5:
      if (!node_->serves() || around_.below(4) != 0) return;
      ++facts_.full_disks;
      store_.refuse_writes(true);
      disk_full_until_ms_ = around_.now_ms + static_cast<int64_t>(around_.below(2'000));
      return;
    case 6: {
      const int64_t jump = static_cast<int64_t>(around_.below(20'000)) - 10'000;
      wall_skew_ms_ += jump;
      return node_->world().clock().jump_wall(Millis(jump));
    }
    default:
      if (crashes_left_ > 0) crash();
  }
}

void Simulation::end_life() {
  facts_.collapses += node_->collapses();
  const Status stopped = node_->kill();
  if (!stopped.ok()) history_.protocol.push_back("the node could not be taken down: " + stopped.message());
  facts_.fingerprint = facts_.fingerprint * 0x100000001B3u ^ node_->world().fingerprint();
}

void Simulation::crash() {
  --crashes_left_;
  ++facts_.crashes;
  if (!node_->started()) ++facts_.crashes_in_start;
  const int64_t now = now_ms();
  store_.crash(around_.below(2) == 0 ? store_.unsynced() : around_.below(store_.unsynced() + 1));
  end_life();
  node_ = nullptr;
  around_.node = nullptr;
  for (auto& client : clients_) client->tick();
  life_began_ms_ = now + 1 + static_cast<int64_t>(around_.below(2'000));
  boot();
}

// A node that could not start is started again, as a service manager would do. Only a disk that was full
// meanwhile excuses it.
void Simulation::restart() {
  ++facts_.failed_starts;
  if (life_began_ms_ >= disk_full_until_ms_)
    history_.protocol.push_back("the node did not start: " + node_->started()->message());
  const int64_t now = now_ms();
  end_life();
  life_began_ms_ = now + 100;
  boot();
}

bool Simulation::at_rest() const {
  return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->sent_all(); });
}

std::vector<std::string> Simulation::run() {
  make_clients();
  boot();
  int64_t settled_at_ms = 0;
  for (uint64_t round = 0;; ++round) {
    advance();
    around_.now_ms = now_ms();
    around_.node = node_->serves() ? node_.get() : nullptr;
    node_->slow_disk(node_->serves() && !around_.quiet ? slow_disk_percent_ : 0);
    if (node_->started() && !node_->started()->ok()) restart();
    for (auto& client : clients_) {
      if (clients_.front()->dialog_exists()) client->dialog_is_there();
      client->tick();
    }
    if (lying_disk_ && clients_.front()->dialog_exists()) store_.lie(true);
    if (now_ms() >= disk_full_until_ms_ || around_.quiet) store_.refuse_writes(false);
    if (!around_.quiet && around_.below(1000) < mischief_permille_) mischief();
    if (!around_.quiet && !node_->started() && crashes_left_ > 0 && around_.below(kStartRounds) == 0) crash();
    if (!around_.quiet && (at_rest() || round > kFaultRounds)) around_.quiet = true;
    if (!around_.quiet || !at_rest()) settled_at_ms = now_ms() + kSettleMs;
    if (around_.quiet && at_rest() && now_ms() >= settled_at_ms) break;
    if (now_ms() > kMaxRunMs) {
      for (const auto& client : clients_) history_.protocol.push_back("no end: " + client->describe());
      break;
    }
  }
  if (node_->serves()) {
    history_.devices.push_back(read_all());
    read_records();
  }
  for (const auto& client : clients_) history_.devices.push_back(client->device());
  end_life();
  facts_.acks = history_.acks.size();
  facts_.repeated_acks = history_.acks.size() - std::min(history_.acks.size(), history_.sent.size());
  facts_.entries = history_.devices.front().entries.size();
  return violations(history_);
}

// What the server has for a member's new device.
Device Simulation::read_all() {
  SimClient reader({"cyd", "new", "team", {}, 0, true, 1}, around_);
  reader.dialog_is_there();
  for (const int64_t until_ms = now_ms() + kSettleMs; now_ms() < until_ms && !reader.up_to_date();) {
    around_.now_ms = now_ms();
    reader.tick();
    advance();
  }
  reader.lose_connection();
  return reader.device();
}

// Every message that is stored, by what the operator's tool is told of it.
void Simulation::read_records() {
  history_.unsettled = store_.keys("message_trying").size();
  for (const auto& [partition, key] : store_.keys("message")) {
    const uint64_t id = storage::u64_of_key(key);
    const ServiceCallResponse answer =
        node_->call("message", "explain", partition, wire::Writer().u64(id).take());
    json::Object explained, record, entry;
    json::Object::parse(answer.data, explained);
    const std::string record_text = explained.raw("record"), entry_text = explained.raw("entry");
    Record out{std::to_string(id), "unknown: " + answer.message, 0};
    if (json::Object::parse(record_text, record) && record.has("status")) out.status = record.text("status");
    if (entry_text != "null" && json::Object::parse(entry_text, entry))
      out.seq = entry.u64("seq").value_or(0);
    if (out.status == "cancelled") ++facts_.cancelled;
    history_.records.push_back(std::move(out));
  }
}

}  // namespace lcg::sim
